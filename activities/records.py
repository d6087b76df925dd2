"""The ledger's record of one idempotency key: what was announced, what became of it, what may be done next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import cast

from activities.values import size_of
from schemas.actions import ActionCall, ActionContract, ActionReceipt
from schemas.json_value import Json
from schemas.ledger import ENTRY_VERSION, Entry, EntryKind, StoredEntry
from watchfloor.signing import digest, envelope_digest, parse_instant, render_instant

INLINE = 4 * 1024
"""Bytes of inputs that stand in an entry; larger ones stand there as a digest alone."""


class Standing(Enum):
    """Where an effect stands, as the ledger alone tells it; never the attempt number, which changes on a reset."""

    CLEAR = "nothing is under way: never announced, or the last request is known to have done nothing"
    DONE = "done, with a receipt"
    DOUBTFUL = "a request may have taken effect and nothing says whether it did"
    ASKED = "a person was asked what became of it"


@dataclass(frozen=True, slots=True)
class Past:
    """All entries of one key, oldest first."""

    entries: Sequence[StoredEntry]

    @property
    def standing(self) -> Standing:
        if self.done is not None:
            return Standing.DONE
        last = self.entries[-1] if self.entries else None
        match last["kind"] if last else None:
            case EntryKind.ANNOUNCED:
                return Standing.DOUBTFUL
            case EntryKind.FAILED if last and last["data"].get("possible"):
                return Standing.DOUBTFUL
            case EntryKind.DOUBTFUL:
                return Standing.ASKED
        return Standing.CLEAR

    @property
    def done(self) -> StoredEntry | None:
        kinds = {EntryKind.DONE, EntryKind.READ}
        return next((entry for entry in self.entries if entry["kind"] in kinds), None)

    @property
    def announcements(self) -> int:
        return sum(entry["kind"] == EntryKind.ANNOUNCED for entry in self.entries)

    @property
    def announced_at(self) -> datetime | None:
        """When the last request was announced."""
        times = [parse_instant(entry["recorded_at"]) for entry in self.entries if entry["kind"] == EntryKind.ANNOUNCED]
        return max(times, default=None)

    @property
    def takes_word(self) -> bool:
        """Whether a person's word still counts: each is used once, so a resend is never repeated blindly."""
        return self.standing is Standing.ASKED or not any(entry["kind"] == EntryKind.RESOLVED for entry in self.entries)


def receipt_of(call: ActionCall, outputs: Mapping[str, Json], at: datetime) -> ActionReceipt:
    """The receipt of a call that was carried out now."""
    return {"outputs": dict(outputs), "key": call["key"], "resolved": "called", "done_at": render_instant(at)}


def recorded_receipt(call: ActionCall, entry: StoredEntry) -> ActionReceipt:
    """The receipt that the ledger holds."""
    outputs = entry["data"].get("outputs")
    return {
        "outputs": dict(outputs) if isinstance(outputs, dict) else {},
        "key": call["key"],
        "resolved": "recorded",
        "done_at": entry["at"],
    }


def announcement(call: ActionCall, contract: ActionContract, *, at: datetime, number: int) -> Entry:
    """What is written before a request is sent: the action, its inputs, the decisions that let it go ahead."""
    grant = call["grant"]
    data: dict[str, Json] = {
        "effect": contract["effect"],
        "tier": contract["tier"],
        "irreversible": contract["irreversible"],
        "n": number,
        "inputs_digest": digest(call["inputs"]),
        "decisions": [envelope_digest(envelope) for envelope in grant["decisions"]] if grant else [],
    }
    if size_of(call["inputs"]) <= INLINE:
        data["inputs"] = call["inputs"]
    suffix = "announced" if number == 1 else f"announced:{number}"
    return record(call, EntryKind.ANNOUNCED, suffix, at=at, data=data)


def record(call: ActionCall, kind: str, suffix: str, *, at: datetime, data: Mapping[str, Json]) -> Entry:
    """An entry about a call; its id is the key and `suffix`."""
    return cast(
        Entry,
        {
            "v": ENTRY_VERSION,
            "id": f"{call['key']}:{suffix}",
            "chain": call["incident"],
            "kind": kind,
            "at": render_instant(at),
            "actor": "engine",
            "step": call["step"],
            "path": call["path"],
            "data": {"key": call["key"], "action": call["action"], **data},
        },
    )
