"""Reads the ledger's chains on, and notes in the book what each subscription is to be told.

Followed are incidents and what belongs to them: holds, handoffs, reviews.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice

import structlog
from pydantic import ValidationError

from schemas.ledger import EntryKind, StoredEntry
from watchfloor.connections.bindings import Subscription
from watchfloor.ledger.port import Ledger
from watchfloor.outgoing.book import Book, NewEvent
from watchfloor.outgoing.events import ABROAD, INCIDENTS, PROCESSES, Standing, Told, follow, is_wanted, write_event
from watchfloor.signing import parse_instant

CHAINS = (INCIDENTS, *PROCESSES)
"""What is followed: incidents, and their holds, handoffs and reviews, each in a chain of its own."""
STRETCH = 500
"""Entries that are read in one transaction."""
OPENING = timedelta(seconds=10)
"""How long an opening may wait for the severity that follows it in the same breath."""

log = structlog.get_logger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class Follower:
    """Follows one region's ledger for its subscriptions. One at a time for each book."""

    def __init__(
        self,
        region: str,
        ledger: Ledger,
        book: Book,
        subscriptions: Mapping[str, Subscription],
        *,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._region = region
        self._ledger = ledger
        self._book = book
        self._subscriptions = dict(subscriptions)
        self._clock = clock

    async def begin(self) -> None:
        """Take the subscriptions as they are now; what was written before a new one began is not told to it.

        Raises:
            LedgerUnavailable, BookUnavailable: to be tried again.
        """
        heads = await asyncio.to_thread(self._ledger.heads)
        await asyncio.to_thread(self._book.meet, set(self._subscriptions), heads, self._clock())

    async def catch_up(self) -> bool:
        """Read what is new; False when something has to be looked at again soon.

        Raises:
            LedgerUnavailable, BookUnavailable: nothing is lost; the same is read again.
        """
        return await asyncio.to_thread(self._catch_up)

    def _catch_up(self) -> bool:
        heads, read, began = self._ledger.heads(), self._book.read_to(), self._book.began()
        done = True
        for chain, head in heads.items():
            if chain.startswith(CHAINS) and head > read.get(chain, 0):
                done &= self._read(chain, began)
        return done

    def _read(self, chain: str, began: Mapping[str, datetime]) -> bool:
        standing, silent_to = self._book.standing(chain)
        while entries := list(islice(self._ledger.read(chain, after=standing.seq), STRETCH)):
            if not chain.startswith(INCIDENTS):
                standing = self._join(chain, standing, entries[0])
            elif standing.seq == 0:
                first = _find_severity(entries)
                if not first and self._may_still_come(entries):
                    return False
                standing = replace(standing, severity=first)
            events, now = list[NewEvent](), self._clock()
            for told in follow(standing, entries):
                standing = told.standing
                if standing.seq > silent_to:
                    events += self._events(told, began, now)
            self._book.take(chain, standing, events, now)
        return True

    def _join(self, chain: str, standing: Standing, first: StoredEntry) -> Standing:
        """The standing of a hold, handoff or review, with what its incident says as far as that is written.

        Where the incident is not in this ledger nobody knows which compartment it is in, and nothing is told.
        """
        named = first["data"].get("incident")
        incident = standing.incident or (named if isinstance(named, str) else "")
        if chain.startswith(ABROAD):
            return replace(standing, incident=incident, compartment="")
        above, _ = self._book.standing(incident)
        for told in follow(above, self._ledger.read(incident, after=above.seq)):
            above = told.standing
        if above.compartment is None:
            log.warning("nobody is told of a process, its incident is not in the ledger", chain=chain)
        return replace(
            standing,
            incident=incident,
            compartment=above.compartment,
            severity=above.severity,
            runbook=above.runbook,
        )

    def _events(self, told: Told, began: Mapping[str, datetime], now: datetime) -> list[NewEvent]:
        recorded_at = parse_instant(told.entry["recorded_at"])
        wanting = [
            (name, one)
            for name, one in self._subscriptions.items()
            if name in began and began[name] <= recorded_at and is_wanted(one, told)
        ]
        if not wanting:
            return []
        try:
            body = write_event(self._region, told)
        except ValidationError:
            # an entry that no event can be made of must not hold up all that come after it
            log.error("no event can be made", chain=told.entry["chain"], seq=told.entry["seq"], kind=told.kind)
            return []
        seq, kind, severity = told.entry["seq"], told.kind, told.standing.severity
        return [
            NewEvent(name, seq, kind, severity, now + timedelta(seconds=one.give_up_after), body)
            for name, one in wanting
        ]

    def _may_still_come(self, entries: list[StoredEntry]) -> bool:
        """A run writes its opening and its first severity in one breath, but not in one transaction."""
        return self._clock() - parse_instant(entries[-1]["recorded_at"]) < OPENING


def _find_severity(entries: list[StoredEntry]) -> str:
    found = (str(one["data"].get("severity", "")) for one in entries if one["kind"] == EntryKind.SEVERITY)
    return next(found, "")
