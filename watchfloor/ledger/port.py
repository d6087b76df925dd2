"""What the rest of the product may ask of a ledger, and how a ledger refuses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from schemas.decision import Envelope
from schemas.ledger import Entry, StoredEntry

MAX_ENTRY = 64 * 1024
"""Bytes of one entry's canonical JSON. Entries hold references; a larger one is a mistake, not a record."""


class LedgerError(Exception):
    """Root of what a ledger raises: `LedgerUnavailable`, `EntryRefused`, `EntryConflict`, `CapReached`."""


class LedgerUnavailable(LedgerError):
    """Nothing was written: disk full, file locked for too long, file damaged. The same call may succeed later."""


class EntryRefused(LedgerError):
    """An entry is not well formed, so nothing of the call was written."""


class EntryConflict(LedgerError):
    """The id of an announcement is taken by another one: somebody else is at the same effect. Nothing was written."""


class CapReached(LedgerError):
    """The action has been announced as often as its cap allows in this window. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `limit` different effects of one action, over all processes of the region, in any `window`."""

    action: str
    limit: int
    window: timedelta = timedelta(hours=1)


class Ledger(Protocol):
    """An append-only store of entries, one hash chain per process that writes (incident, hold, handoff, postmortem).

    Safe with several processes at once. Appending an id that is already there with the same content does nothing;
    with other content it keeps the first and adds a `ledger.conflict` entry that holds the second.
    """

    def append(self, entries: Sequence[Entry]) -> list[StoredEntry]:
        """Append all or none, durably, in the order given; gives each entry as stored."""
        ...

    def announce(self, entries: Sequence[Entry], announced: Entry, cap: Cap | None = None) -> StoredEntry:
        """Append `entries` and the announcement of one effect in one transaction.

        Raises:
            EntryConflict: the announcement's id is taken, whatever by.
            CapReached: the cap is used up.
        """
        ...

    def read(self, chain: str, *, after: int = 0) -> Iterator[StoredEntry]:
        """The entries of one chain that come after a place in it."""
        ...

    def heads(self) -> dict[str, int]:
        """Chain -> place of its last entry."""
        ...

    def version(self) -> int:
        """A number that changes when another connection has written."""
        ...

    def about(self, key: str) -> list[StoredEntry]:
        """The effect entries of one idempotency key, oldest first."""
        ...

    def chains(self) -> list[str]: ...

    def head(self, chain: str) -> StoredEntry | None:
        """The last entry of a chain, None when it has none."""
        ...

    def find(self, entry_id: str) -> StoredEntry | None: ...

    def export(self, chain: str, file: Path) -> int:
        """Write a chain as JSON lines (RFC 8785 each), atomically; gives the number of lines."""
        ...

    def note_checkpoint(self, checkpoint: Envelope, ref: str, at: datetime) -> None:
        """Remember a signed checkpoint and where it was put, so that it can be found again."""
        ...

    def checkpoints(self, chain: str) -> list[Envelope]:
        """The signed checkpoints of a chain, oldest first."""
        ...
