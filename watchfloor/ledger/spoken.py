"""What was said to runs under one face key, as the ledger has it: decisions, facts, every other statement."""

from collections.abc import Iterator
from dataclasses import dataclass

from schemas.ledger import EntryKind, StoredEntry
from watchfloor.ledger.port import Ledger
from watchfloor.signing import parse_instant

_ABOUT_THE_KEY = frozenset({EntryKind.KEY_REVOKED, EntryKind.VOIDED})


@dataclass(frozen=True, slots=True)
class Spoken:
    """One statement that a run recorded.

    `what` is the option, the fact or the kind of entry; `suspect` says that it was recorded at or after the instant of
    the key's compromise; `void` that the run has taken it back since.
    """

    chain: str
    seq: int
    at: str
    kind: str
    what: str
    step: str
    person: str
    role: str
    statement: str
    suspect: bool
    void: bool


def find_spoken(ledger: Ledger, kid: str, since: str | None = None) -> Iterator[Spoken]:
    """Every statement recorded under a key, run by run, in the order in which they were recorded.

    Args:
        since: from when on the key is compromised; where it is not given, the earliest that a run was told.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    chains = {chain: list(ledger.read(chain)) for chain in ledger.chains()}
    told = [
        str(entry["data"]["since"])
        for entries in chains.values()
        for entry in entries
        if entry["kind"] == EntryKind.KEY_REVOKED and entry["data"].get("kid") == kid
    ]
    known = [*told, since] if since else told
    from_ = min(map(parse_instant, known)) if known else None
    for chain, entries in chains.items():
        void = {
            mark
            for entry in entries
            if entry["kind"] == EntryKind.VOIDED
            for mark in entry["data"].get("statements", [])
        }
        for entry in entries:
            data = entry["data"]
            if data.get("kid") != kid or entry["kind"] in _ABOUT_THE_KEY:
                continue
            yield Spoken(
                chain,
                entry["seq"],
                entry["at"],
                entry["kind"],
                _name(entry),
                entry["step"] or entry["path"],
                entry["actor"],
                str(data.get("role", "")),
                str(data.get("statement", "")),
                from_ is not None and parse_instant(entry["at"]) >= from_,
                data.get("statement") in void,
            )


def _name(entry: StoredEntry) -> str:
    data = entry["data"]
    return str(data.get("option") or data.get("fact") or entry["kind"])
