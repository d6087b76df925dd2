"""What is to be told to whom, what was tried, and how far the ledger has been read: one SQLite file for each region.

Reading a stretch of a chain and noting the events it gives is one transaction, so a process that dies goes on exactly
where it stopped. An event is settled after its receiver took it; one that was sent and not settled is sent again, with
the same id and the same bytes.
"""

import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from watchfloor.outgoing.book_tables import FOLLOWS_PROCESSES, make_tables
from watchfloor.outgoing.events import Standing

BUSY_SECONDS = 5.0
KEPT = timedelta(days=14)
"""How long what was settled is shown, dead letters too."""
MOST_KEPT = 100_000
"""Attempts that are shown at most; the oldest go first."""

State = Literal["waiting", "delivered", "dead"]

_ATTEMPT = """
INSERT INTO attempts (subscription, chain, seq, kind, number, at_ms, took_ms, status, outcome, next_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_LANE = """
INSERT INTO lanes SELECT DISTINCT subscription, chain, ? FROM events WHERE subscription = ? AND chain = ?
AND state = 'waiting' ON CONFLICT (subscription, chain) DO UPDATE SET next_ms = excluded.next_ms
"""


class BookUnavailable(Exception):
    """The book cannot be read or written. Nothing is lost: what was not written is read and sent again."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event for one subscription. `until` is when it is given up."""

    subscription: str
    seq: int
    kind: str
    severity: str
    until: datetime
    body: str


@dataclass(frozen=True, slots=True)
class Due:
    """The event that is next in its incident, and how often it was tried."""

    subscription: str
    chain: str
    seq: int
    kind: str
    attempts: int
    queued_at: datetime
    until: datetime
    body: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try as the delivery log shows it. `status` is None where nothing was answered."""

    subscription: str
    chain: str
    seq: int
    kind: str
    number: int
    at: datetime
    took: timedelta
    status: int | None
    outcome: str
    next_at: datetime | None = None

    @property
    def event(self) -> str:
        return f"{self.chain}:{self.seq}"


@dataclass(frozen=True, slots=True)
class Tally:
    """What of one incident waits for one subscription, since when, and what was given up."""

    subscription: str
    chain: str
    waiting: int
    dead: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class Account:
    """How one subscription stands."""

    name: str
    began_at: datetime
    disabled_at: datetime | None
    rests_until: datetime | None
    why: str
    waiting: int
    oldest_at: datetime | None
    dead: int
    last: Attempt | None


class Book:
    """The record. Short transactions on one connection, from any thread and several processes; durable on return."""

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            BookUnavailable: it cannot be.
        """
        self._path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            self._database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            make_tables(self._database)
        except (sqlite3.Error, OSError) as error:
            raise BookUnavailable(f"the book of webhooks {path} cannot be opened: {error}") from error

    def close(self) -> None:
        with self._lock:
            self._database.close()

    # -- reading the ledger ---------------------------------------------------------------------------------------

    def meet(self, names: Collection[str], heads: Mapping[str, int], now: datetime) -> None:
        """Take the subscriptions as they are configured now.

        A new one hears of what is written from now on; what waited for one that is no more is a dead letter.

        Args:
            heads: the ledger's chains and their ends; on the very first call nothing before these is told, and of
                processes nothing before the first call by who follows them.
        """
        with self._transaction() as database:
            known = {name for (name,) in database.execute("SELECT name FROM subscriptions").fetchall()}
            ((follows,),) = database.execute("PRAGMA user_version").fetchall()
            if not known or follows < FOLLOWS_PROCESSES:
                silent = heads.items() if not known else [one for one in heads.items() if one[0][:4] != "inc-"]
                database.executemany(
                    "INSERT INTO chains (chain, seq, silent_to, severity, state, runbook, compartment) "
                    "VALUES (?, 0, ?, '', 'open', '', NULL) ON CONFLICT (chain) DO NOTHING",
                    silent,
                )
                database.execute(f"PRAGMA user_version = {FOLLOWS_PROCESSES}")
            for name in sorted(set(names) - known):
                database.execute("INSERT INTO subscriptions (name, began_ms) VALUES (?, ?)", (name, _ms(now)))
            for name in sorted(known - set(names)):
                database.execute(
                    "UPDATE events SET state = 'dead', settled_ms = ? WHERE subscription = ? AND state = 'waiting'",
                    (_ms(now), name),
                )
                database.execute("DELETE FROM lanes WHERE subscription = ?", (name,))
                database.execute("DELETE FROM subscriptions WHERE name = ?", (name,))

    def began(self) -> dict[str, datetime]:
        """Subscription -> the instant from which on it is told."""
        return {name: _at(ms) for name, ms in self._rows("SELECT name, began_ms FROM subscriptions")}

    def read_to(self) -> dict[str, int]:
        """Chain -> the place up to which nothing new is to be read."""
        return dict(self._rows("SELECT chain, max(seq, silent_to) FROM chains"))

    def standing(self, chain: str) -> tuple[Standing, int]:
        """Where reading of a chain stands, and the place up to which nothing is told of it."""
        found = self._rows(
            "SELECT seq, severity, state, runbook, compartment, incident, silent_to FROM chains WHERE chain = ?", chain
        )
        return (Standing(*found[0][:6]), found[0][6]) if found else (Standing(), 0)

    def take(self, chain: str, standing: Standing, events: Sequence[NewEvent], now: datetime) -> None:
        """Note how far a chain was read together with what that gives to send."""
        with self._transaction() as database:
            database.execute(
                "INSERT INTO chains (chain, seq, silent_to, severity, state, runbook, compartment, incident) "
                "VALUES (?, ?, 0, ?, ?, ?, ?, ?) ON CONFLICT (chain) DO UPDATE SET seq = excluded.seq, "
                "severity = excluded.severity, state = excluded.state, runbook = excluded.runbook, "
                "compartment = excluded.compartment, incident = excluded.incident",
                (
                    *(chain, standing.seq, standing.severity, standing.state, standing.runbook),
                    *(standing.compartment, standing.incident),
                ),
            )
            for one in events:
                database.execute(
                    "INSERT INTO events (subscription, chain, seq, kind, severity, state, queued_ms, until_ms, body) "
                    "VALUES (?, ?, ?, ?, ?, 'waiting', ?, ?, ?) ON CONFLICT DO NOTHING",
                    (one.subscription, chain, one.seq, one.kind, one.severity, _ms(now), _ms(one.until), one.body),
                )
                database.execute(
                    "INSERT INTO lanes VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (one.subscription, chain, _ms(now))
                )

    # -- sending --------------------------------------------------------------------------------------------------

    def due(self, subscription: str, now: datetime, *, without: Collection[str], limit: int) -> list[Due]:
        """For as many incidents as asked for the event that is next in each, the longest due first."""
        if limit <= 0:
            return []
        rows = self._rows(
            "SELECT chain FROM lanes WHERE subscription = ? AND next_ms <= ? ORDER BY next_ms LIMIT ?",
            subscription,
            _ms(now),
            limit + len(without),
        )
        found = []
        for (chain,) in [row for row in rows if row[0] not in without][:limit]:
            events = self._rows(
                "SELECT subscription, chain, seq, kind, attempts, queued_ms, until_ms, body FROM events "
                "WHERE subscription = ? AND chain = ? AND state = 'waiting' ORDER BY seq LIMIT 1",
                subscription,
                chain,
            )
            found += [_due(*one) for one in events]
        return found

    def next_due(self, subscription: str) -> datetime | None:
        """When something is due next."""
        ((ms,),) = self._rows("SELECT min(next_ms) FROM lanes WHERE subscription = ?", subscription)
        return _at(ms) if ms is not None else None

    def may_send(self, subscription: str, now: datetime) -> bool:
        """False while a subscription rests or is disabled."""
        found = self._rows("SELECT rests_to_ms, disabled_ms FROM subscriptions WHERE name = ?", subscription)
        return bool(found) and found[0][0] <= _ms(now) and found[0][1] is None

    def note(self, attempt: Attempt, state: State, *, rests_until: datetime | None = None) -> None:
        """Write an attempt down and what became of its event: settled, the next one of its incident is due."""
        at = _ms(attempt.at)
        lane = (attempt.subscription, attempt.chain)
        event = (*lane, attempt.seq)
        with self._transaction() as database:
            database.execute(
                _ATTEMPT,
                (
                    *(*lane, attempt.seq, attempt.kind, attempt.number, at),
                    *(int(attempt.took.total_seconds() * 1000), attempt.status, attempt.outcome),
                    _ms(attempt.next_at) if attempt.next_at else None,
                ),
            )
            if state == "delivered":
                # the log has it; what is kept is what may have to be sent
                database.execute("DELETE FROM events WHERE subscription = ? AND chain = ? AND seq = ?", event)
            else:
                database.execute(
                    "UPDATE events SET state = ?, attempts = attempts + 1, settled_ms = ? "
                    "WHERE subscription = ? AND chain = ? AND seq = ? AND state = 'waiting'",
                    (state, at if state == "dead" else None, *event),
                )
            database.execute("DELETE FROM lanes WHERE subscription = ? AND chain = ?", lane)
            database.execute(_LANE, (_ms(attempt.next_at) if attempt.next_at else at, *lane))
            if rests_until is not None:
                database.execute(
                    "UPDATE subscriptions SET rests_to_ms = ? WHERE name = ?", (_ms(rests_until), attempt.subscription)
                )

    def disable(self, subscription: str, why: str, now: datetime) -> None:
        """Send it nothing until it is enabled again."""
        with self._transaction() as database:
            database.execute(
                "UPDATE subscriptions SET disabled_ms = ?, why = ? WHERE name = ?", (_ms(now), why, subscription)
            )

    def enable(self, subscription: str) -> bool:
        """Send to it again, what waited first; False when it was not disabled."""
        with self._transaction() as database:
            done = database.execute(
                "UPDATE subscriptions SET disabled_ms = NULL, rests_to_ms = 0, why = '' "
                "WHERE name = ? AND disabled_ms IS NOT NULL",
                (subscription,),
            )
            return done.rowcount == 1

    def redrive(self, subscription: str, now: datetime, patience: timedelta, *, event: str = "") -> int:
        """Have dead letters sent again: one, those of one incident, or all of a subscription; gives how many."""
        chain, _, seq = event.partition(":")
        with self._transaction() as database:
            if not database.execute("SELECT 1 FROM subscriptions WHERE name = ?", (subscription,)).fetchone():
                return 0
            rows = database.execute(
                "UPDATE events SET state = 'waiting', settled_ms = NULL, until_ms = ?, attempts = 0 "
                "WHERE subscription = ? AND state = 'dead' AND (? = '' OR (chain = ? AND (? = '' OR seq = ?))) "
                "RETURNING chain",
                (_ms(now + patience), subscription, event, chain, seq, _number(seq)),
            ).fetchall()
            for each in {name for (name,) in rows}:
                database.execute(_LANE, (_ms(now), subscription, each))
            return len(rows)

    def graves(self, subscription: str, *, event: str = "") -> dict[str, int]:
        """How many dead letters of which incidents `redrive` would have sent again."""
        chain, _, seq = event.partition(":")
        return dict(
            self._rows(
                "SELECT chain, count(*) FROM events WHERE subscription = ? AND state = 'dead' AND "
                "EXISTS (SELECT 1 FROM subscriptions WHERE name = ?) AND "
                "(? = '' OR (chain = ? AND (? = '' OR seq = ?))) GROUP BY chain ORDER BY chain",
                *(subscription, subscription, event, chain, seq, _number(seq)),
            )
        )

    def expire(self, now: datetime) -> None:
        """Give up what waited too long for a disabled subscription; forget what was settled long ago."""
        old = _ms(now - KEPT)
        with self._transaction() as database:
            database.execute(
                "UPDATE events SET state = 'dead', settled_ms = ? WHERE state = 'waiting' AND until_ms < ? AND "
                "subscription IN (SELECT name FROM subscriptions WHERE disabled_ms IS NOT NULL)",
                (_ms(now), _ms(now)),
            )
            database.execute(
                "DELETE FROM lanes WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.subscription = lanes.subscription "
                "AND e.chain = lanes.chain AND e.state = 'waiting')"
            )
            database.execute("DELETE FROM events WHERE state <> 'waiting' AND settled_ms < ?", (old,))
            database.execute(
                "DELETE FROM attempts WHERE at_ms < ? OR id <= (SELECT coalesce(max(id), 0) FROM attempts) - ?",
                (old, MOST_KEPT),
            )

    # -- looking --------------------------------------------------------------------------------------------------

    def accounts(self) -> list[Account]:
        """How every subscription stands, by name."""
        rows = self._rows("SELECT name, began_ms, disabled_ms, rests_to_ms, why FROM subscriptions ORDER BY name")
        counted = {
            name: (waiting, oldest, dead)
            for name, waiting, oldest, dead in self._rows(
                "SELECT subscription, sum(state = 'waiting'), min(iif(state = 'waiting', queued_ms, NULL)), "
                "sum(state = 'dead') FROM events GROUP BY subscription"
            )
        }
        found = []
        for name, began, disabled, rests, why in rows:
            waiting, oldest, dead = counted.get(name, (0, None, 0))
            last = self.attempts(name, limit=1)
            found.append(
                Account(
                    name,
                    _at(began),
                    _at(disabled) if disabled is not None else None,
                    _at(rests) if rests else None,
                    why,
                    waiting,
                    _at(oldest) if oldest is not None else None,
                    dead,
                    last[0] if last else None,
                )
            )
        return found

    def tallies(self, *, limit: int = 400) -> list[Tally]:
        """What waits or was given up, by incident; what has waited longest first."""
        rows = self._rows(
            "SELECT subscription, chain, sum(state = 'waiting'), sum(state = 'dead'), "
            "min(iif(state = 'waiting', queued_ms, NULL)) AS oldest FROM events GROUP BY subscription, chain "
            "ORDER BY oldest IS NULL, oldest LIMIT ?",
            limit,
        )
        return [
            Tally(name, chain, waiting, dead, _at(oldest) if oldest is not None else None)
            for name, chain, waiting, dead, oldest in rows
        ]

    def attempts(
        self, subscription: str = "", *, event: str = "", open_to: Collection[str] | None = None, limit: int = 50
    ) -> list[Attempt]:
        """The delivery log, the latest first.

        Args:
            event: an event's id, or an incident's.
            open_to: compartments that the reader may look into, `""` for what is in none; all without it.
        """
        chain, _, seq = event.partition(":")
        where, values = ["1"], list[object]()
        for column, value in (("subscription", subscription), ("chain", chain), ("seq", seq)):
            if value:
                where.append(f"{column} = ?")
                values.append(value if column != "seq" else _number(value))
        if open_to is not None:
            marks = ", ".join("?" * len(open_to))
            # only column names of this module and question marks are put together, here and below
            where.append(f"chain IN (SELECT chain FROM chains WHERE compartment IN ({marks}))")  # noqa: S608
            values += open_to
        rows = self._rows(
            "SELECT subscription, chain, seq, kind, number, at_ms, took_ms, status, outcome, next_ms FROM attempts "  # noqa: S608
            f"WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?",
            *values,
            limit,
        )
        return [_attempt(*row) for row in rows]

    def dead(self, subscription: str = "", *, limit: int = 100) -> list[Due]:
        """Dead letters, the latest given up first."""
        rows = self._rows(
            "SELECT subscription, chain, seq, kind, attempts, queued_ms, until_ms, body FROM events "
            "WHERE state = 'dead' AND (? = '' OR subscription = ?) ORDER BY settled_ms DESC LIMIT ?",
            *(subscription, subscription, limit),
        )
        return [_due(*one) for one in rows]

    def _rows(self, statement: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        with self._lock:
            try:
                return self._database.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise BookUnavailable(f"the book of webhooks {self._path} cannot be read: {error}") from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._database.execute("BEGIN IMMEDIATE")
                try:
                    yield self._database
                    self._database.execute("COMMIT")
                except BaseException:
                    if self._database.in_transaction:
                        self._database.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise BookUnavailable(f"the book of webhooks {self._path} cannot be written: {error}") from error


def _number(text: str) -> int:
    """The number that a text is; one that no entry has for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 13 else -1


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _due(
    subscription: str, chain: str, seq: int, kind: str, attempts: int, queued_ms: int, until_ms: int, body: str
) -> Due:
    return Due(subscription, chain, seq, kind, attempts, _at(queued_ms), _at(until_ms), body)


def _attempt(
    subscription: str,
    chain: str,
    seq: int,
    kind: str,
    number: int,
    at_ms: int,
    took_ms: int,
    status: int | None,
    outcome: str,
    next_ms: int | None,
) -> Attempt:
    next_at = _at(next_ms) if next_ms is not None else None
    took = timedelta(milliseconds=took_ms)
    return Attempt(subscription, chain, seq, kind, number, _at(at_ms), took, status, outcome, next_at)
