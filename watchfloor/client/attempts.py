"""What was about to be done where nobody knows what became of it, or where it failed: the ledger has it since before it
was sent."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from schemas.json_value import Json
from schemas.ledger import EntryKind, StoredEntry
from watchfloor.client.asks import AskAt
from watchfloor.ledger import LedgerError, SqliteLedger
from watchfloor.ledger.backwards import read_back

DOUBTED = frozenset({"doubt", "failed"})
"""Kinds of question that are about something which was about to be done."""
LOOKED_THROUGH = 20_000
"""Entries, the latest first, in which announcements are looked for."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The latest announcement at one place of a run. `inputs` is None where they are too large to stand in an entry;
    `number` how often it was announced there under its key; `at` when this last was."""

    action: str
    inputs: Mapping[str, Json] | None
    digest: str
    at: str
    number: int


@dataclass(frozen=True, slots=True)
class Attempts:
    """What was found. `told` is whether all of the chain was looked through or everything asked for was found: only
    then does a place that is missing mean that nothing was announced there."""

    by_path: Mapping[str, Attempt] = field(default_factory=dict)
    told: bool = False


def find_attempts(ledger_path: Path | None, chain: str, paths: Collection[str]) -> Attempts:
    """The latest announcement at each of these paths of a run; nothing, and not `told`, while it cannot be read.

    Args:
        paths: of steps. The path of a question about one (`…!doubt`, `…!failed`) stands for its step.
    """
    if ledger_path is None or not ledger_path.exists():
        return Attempts()
    wanted, found = {find_step_path(path) for path in paths}, dict[str, Attempt]()
    try:
        with SqliteLedger(ledger_path) as ledger:
            head = ledger.head(chain)
            last = head["seq"] if head is not None else 0
            for entry in read_back(ledger, chain, last) if wanted else ():
                path = entry["path"]
                if entry["kind"] == EntryKind.ANNOUNCED and path in wanted and path not in found:
                    found[path] = _read(entry)
                if len(found) == len(wanted):
                    break
                if last - entry["seq"] >= LOOKED_THROUGH:
                    return Attempts(found)
    except LedgerError:
        return Attempts(found)
    return Attempts(found, told=True)


def gather_attempts(ledger_path: Path | None, asks: Iterable[AskAt]) -> dict[tuple[str, str], Attempt]:
    """What was announced where each doubt and each failure is about, by run and path of the question; a question is
    missing where nothing was, or while it cannot be read."""
    paths: defaultdict[str, list[str]] = defaultdict(list)
    for at in asks:
        if at.ask["kind"] in DOUBTED:
            paths[at.workflow].append(at.ask["path"])
    found: dict[tuple[str, str], Attempt] = {}
    for run, wanted in paths.items():
        by_path = find_attempts(ledger_path, run, wanted).by_path
        found |= {(run, path): by_path[step] for path in wanted if (step := find_step_path(path)) in by_path}
    return found


def find_step_path(path: str) -> str:
    """The path of the step, or of the undo, that a question is about."""
    return path.removesuffix("!doubt").removesuffix("!failed")


def _read(entry: StoredEntry) -> Attempt:
    data = entry["data"]
    inputs, number = data.get("inputs"), data.get("n")
    return Attempt(
        action=str(data.get("action", "")),
        inputs=inputs if isinstance(inputs, dict) else None,
        digest=str(data.get("inputs_digest", "")),
        at=entry["at"],
        number=number if isinstance(number, int) else 1,
    )
