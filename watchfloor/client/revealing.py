"""Showing a reference to evidence to one person who decides: asked of the policies, given a reason, written down first.

Decisions are made over references; material itself is opened in the systems that keep it, never here. What is shown is
the reference, by which those systems find it. That it was shown, to whom, in which role and why, is in the ledger
before it is shown; without a ledger nothing is.
"""

import asyncio
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from schemas.decision import OpenAsk, RefusalType
from schemas.json_value import Json
from schemas.ledger import ENTRY_VERSION, Entry, EntryKind
from watchfloor.client.asks import AskAt
from watchfloor.client.errors import EngineUnavailable, Refused
from watchfloor.client.exposure import require_claimed
from watchfloor.client.face import Face
from watchfloor.client.permission import about_ask, require_permission
from watchfloor.client.statements import DEV, SignIn, admit_person, find_role, keep_reason
from watchfloor.ledger import LedgerError, SqliteLedger
from watchfloor.signing import render_instant

REFERENCE = re.compile(r"sha256:[0-9a-f]{64}")
VERB = "reveal"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reference at an ask. `number` is how people name it, `label` where it stands."""

    number: int
    label: str
    ref: str


def list_evidence(ask: OpenAsk) -> list[Evidence]:
    """The references in what an ask would do and in what it shows, each once, in a fixed order."""
    found: dict[str, str] = {}
    for name, value in ask["inputs"].items():
        for ref in _references(value):
            found.setdefault(ref, name)
    for one in ask["shown"]:
        for ref in _references(one["value"]):
            found.setdefault(ref, str(one["label"]))
    return [Evidence(number, label, ref) for number, (ref, label) in enumerate(found.items(), 1)]


def _references(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield from REFERENCE.findall(value)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _references(one)


async def reveal_reference(
    face: Face,
    at: AskAt,
    number: int,
    *,
    person: str,
    role: str | None = None,
    reason: str,
    signed_in: SignIn = DEV,
    now: datetime | None = None,
) -> Evidence:
    """Show one reference of an open ask to a person who has a seat there.

    Raises:
        Refused: they may not, gave no reason, or there is no such reference; nothing was shown.
        EngineUnavailable: it could not be written down, so nothing was shown.
    """
    now = now or datetime.now(UTC)
    someone = admit_person(face, person, signed_in)
    evidence = next((one for one in list_evidence(at.ask) if one.number == number), None)
    if evidence is None:
        raise Refused(RefusalType.UNKNOWN_OPTION, f"`{at.ask['step']}` refers to no evidence {number}")
    slots = [slot for seats in at.ask["options"].values() for slot in seats]
    speaking = find_role(
        someone, role, [{"any_of": [one for slot in slots for one in slot["any_of"]]}], VERB, at.ask["step"]
    )
    resource = about_ask(at.board, at.ask, "", person=someone.id)
    require_permission(face, someone, VERB, resource, role=speaking, signed_in=signed_in)
    await require_claimed(face, at, someone.id, speaking, now)
    data: dict[str, Json] = {
        "ref": evidence.ref,
        "shown_as": evidence.label,
        "ask": at.ask["ask"],
        "role": speaking,
        "signed_in": signed_in.way,
        "reason_ref": keep_reason(face, reason),
    }
    await asyncio.to_thread(_write_down, face, at, someone.id, data, now)
    return evidence


def _write_down(face: Face, at: AskAt, person: str, data: dict[str, Json], now: datetime) -> None:
    entry: Entry = {
        "v": ENTRY_VERSION,
        "id": f"{at.workflow}:revealed:{secrets.token_hex(8)}",
        "chain": at.workflow,
        "kind": EntryKind.REVEALED,
        "at": render_instant(now),
        "actor": person,
        "step": at.ask["step"],
        "path": at.ask["path"],
        "data": data,
    }
    if face.ledger_path is None or not face.ledger_path.exists():
        raise EngineUnavailable("there is no ledger here to write this down in, so nothing is shown")
    try:
        with SqliteLedger(face.ledger_path) as ledger:
            ledger.append([entry])
    except LedgerError as error:
        raise EngineUnavailable(f"it could not be written down, so nothing is shown: {error}") from error
