"""How a question ended that waits no more: told from the ledger to whoever comes by an old link or presses twice."""

import asyncio
from collections import deque
from dataclasses import dataclass

from schemas.ledger import EntryKind, StoredEntry
from watchfloor.client.face import Face
from watchfloor.ledger import LedgerError, SqliteLedger

LOOKED_THROUGH = 5_000
"""Entries, the latest first, in which the end of a question is looked for."""
_ENDS = {
    EntryKind.SETTLED: "decided",
    EntryKind.SILENT: "nobody answered in time",
    EntryKind.VOIDED: "its answers became void and it was asked anew",
}
_ANSWERS = frozenset({EntryKind.DECIDED})


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer that counted. `statement` is the digest by which the ledger knows it."""

    person: str
    role: str
    option: str
    at: str
    statement: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended, when, and who had answered what; the latest asking of it."""

    words: str
    option: str
    at: str
    answers: tuple[Answered, ...]

    def of(self, person: str) -> Answered | None:
        """What a person had answered."""
        return next((one for one in self.answers if one.person == person), None)


async def find_ending(face: Face, workflow: str, path: str) -> Ending | None:
    """How the question at a path last ended; None where the ledger does not say."""
    try:
        return await asyncio.to_thread(_find, face, workflow, path)
    except LedgerError:
        return None


def _find(face: Face, workflow: str, path: str) -> Ending | None:
    if face.ledger_path is None or not face.ledger_path.exists():
        return None
    about: deque[StoredEntry] = deque(maxlen=200)
    with SqliteLedger(face.ledger_path) as ledger:
        head = ledger.head(workflow)
        after = max(0, (head["seq"] if head else 0) - LOOKED_THROUGH)
        about.extend(entry for entry in ledger.read(workflow, after=after) if entry["path"] == path)
    answers: list[Answered] = []
    ending: Ending | None = None
    for entry in about:
        data = entry["data"]
        if entry["kind"] == EntryKind.ASKED:
            answers, ending = [], None
        elif entry["kind"] in _ANSWERS:
            answers.append(
                Answered(
                    entry["actor"],
                    str(data.get("role", "")),
                    str(data.get("option", "")),
                    entry["at"],
                    str(data.get("statement", "")),
                )
            )
        elif entry["kind"] in _ENDS:
            ending = Ending(_ENDS[entry["kind"]], str(data.get("option", "") or ""), entry["at"], tuple(answers))
    return ending
