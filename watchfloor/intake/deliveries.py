"""The deliveries of a region: each one that was believed, on the disk before anything is done about it.

    kept ──> started | joined | merged | reported | ignored        what became of it, for each runbook that listens
         └─> dead ──> kept (driven once more) | discarded          nothing could be started; somebody must look

The same delivery is one row, however often it comes: its id is a keyed hash of the sender, the address and the sender's
own id. What it said is in a sealed box, which is thrown away as soon as it is not needed any more, and at last when its
time is over. Beside the boxes a row holds names of ours, keyed hashes and instants, so that nothing of what a message
said stands here. Of what was refused only how often is counted, by sender and day.

Who drives a delivery holds it for a while (`taken_until`); after that another may. A process that dies leaves it
`kept`, so it is driven by the next one, and driving it twice starts one run (`watchfloor.client.runs`).
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from watchfloor.signing import render_instant
from watchfloor.storage import SqliteFile

State = Literal["kept", "started", "joined", "merged", "reported", "ignored", "dead", "discarded"]
Made = Literal[State, "waits"]
"""What one runbook made of it: as the delivery's own states, or that its start is to be tried again."""
STATES: tuple[State, ...] = ("kept", "dead", "started", "merged", "joined", "reported", "ignored", "discarded")
SETTLED = frozenset({"started", "joined", "merged", "reported", "ignored", "discarded"})

HELD_FOR = timedelta(seconds=60)
"""How long who drives a delivery has it alone; longer than any call to the engine takes."""
REMEMBERED = timedelta(days=730)
"""How long a delivery that started something is remembered: as long as a claim."""
REMEMBERED_IGNORED = timedelta(days=30)
"""How long one that started nothing is."""
BOX_OF_DEAD = timedelta(days=30)
"""How long what a dead letter said is kept."""
BOX_OF_IGNORED = timedelta(days=7)
"""How long what nothing matched said is kept, for a mapping that is corrected."""
MOST_BOXES = 1000
"""Boxes of dead letters that one sender may have here, and of ignored ones."""
MOST_KEPT = 5000
"""Deliveries of one sender that may wait to be driven."""
MOST_REFUSED = 10**9

_DELIVERIES = """
CREATE TABLE IF NOT EXISTS deliveries (
  id TEXT PRIMARY KEY,
  sender TEXT NOT NULL,
  kind TEXT NOT NULL,
  target TEXT NOT NULL,
  thread TEXT NOT NULL,
  mark TEXT NOT NULL,
  size INTEGER NOT NULL,
  received_at TEXT NOT NULL,
  state TEXT NOT NULL,
  why TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  repeats INTEGER NOT NULL DEFAULT 0,
  next_at TEXT NOT NULL,
  patient_until TEXT NOT NULL,
  taken_until TEXT NOT NULL,
  settled_at TEXT NOT NULL DEFAULT '',
  person TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  compartments TEXT NOT NULL DEFAULT '',
  box BLOB,
  box_until TEXT NOT NULL,
  remembered_until TEXT NOT NULL
) STRICT
"""
_STARTS = """
CREATE TABLE IF NOT EXISTS starts (
  delivery TEXT NOT NULL,
  runbook TEXT NOT NULL,
  state TEXT NOT NULL,
  incident TEXT NOT NULL,
  code TEXT NOT NULL,
  why TEXT NOT NULL,
  compartment TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (delivery, runbook, incident)
) STRICT
"""
_REFUSED = """
CREATE TABLE IF NOT EXISTS refused (
  sender TEXT NOT NULL,
  day TEXT NOT NULL,
  code TEXT NOT NULL,
  times INTEGER NOT NULL,
  last_at TEXT NOT NULL,
  PRIMARY KEY (sender, day, code)
) STRICT
"""
_INDEXES = (
    "CREATE INDEX IF NOT EXISTS deliveries_by_state ON deliveries (state, next_at)",
    "CREATE INDEX IF NOT EXISTS deliveries_by_arrival ON deliveries (received_at DESC, id)",
    "CREATE INDEX IF NOT EXISTS deliveries_by_thread ON deliveries (sender, thread)",
    "CREATE INDEX IF NOT EXISTS starts_by_incident ON starts (incident)",
    # however many deliveries are remembered, only those with a box are counted and thinned
    "CREATE INDEX IF NOT EXISTS deliveries_with_box ON deliveries (sender, state, received_at) WHERE box IS NOT NULL",
)
_VERSION = 2
_COLUMNS = (
    "id, sender, kind, target, thread, mark, size, received_at, state, why, attempts, repeats, next_at, patient_until,"
    " taken_until, settled_at, person, reason, compartments, box IS NOT NULL, box_until"
)
_FOREVER = "9999"


class DeliveriesUnavailable(Exception):
    """Nothing was kept, so nothing may be answered but that it is to be sent again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one runbook made of a delivery. `code` is for programs, `why` for people; neither quotes the message."""

    runbook: str
    state: Made
    incident: str = ""
    code: str = ""
    why: str = ""
    compartment: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known of a delivery when it comes in. `box` is what it said, sealed."""

    id: str
    sender: str
    kind: str
    target: str
    thread: str
    mark: str
    size: int
    received_at: datetime
    patience: timedelta
    box: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery as it stands now."""

    id: str
    sender: str
    kind: str
    target: str
    thread: str
    mark: str
    size: int
    received_at: str
    state: State
    why: str
    attempts: int
    repeats: int
    next_at: str
    patient_until: str
    taken_until: str
    settled_at: str
    person: str
    reason: str
    compartments: tuple[str, ...]
    readable: bool
    """What it said is still there, so that it can be driven once more."""
    box_until: str
    outcomes: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """What `keep` found. `mine` says that who asked is to drive it now."""

    delivery: Delivery
    new: bool
    mine: bool
    contradicts: bool = False


@dataclass(frozen=True, slots=True)
class Refusals:
    """How often something of a sender was refused in a day, and why."""

    sender: str
    day: str
    code: str
    times: int
    last_at: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the list: after this delivery."""

    received_at: str
    id: str


class Deliveries:
    """The file of one region."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, (_DELIVERIES, _STARTS, _REFUSED, *_INDEXES), _VERSION, _unavailable)

    # -- coming in --------------------------------------------------------------------------------------------------

    def keep(self, one: Arrival, *, now: datetime) -> Kept | None:
        """Keep a delivery; it is on the disk when this returns. None when too many of this sender wait already.

        Raises:
            DeliveriesUnavailable: nothing was kept.
        """
        with self._file.transaction() as database:
            found = _find(database, one.id)
            if found is None:
                (waiting,) = database.execute(
                    "SELECT count(*) FROM deliveries WHERE sender = ? AND state = 'kept'", (one.sender,)
                ).fetchone()
                if waiting >= MOST_KEPT:
                    return None
                _insert(database, one, now)
                found = _find(database, one.id)
                assert found is not None
                return Kept(found, new=True, mine=True)
            if found.mark != one.mark:
                return Kept(found, new=False, mine=False, contradicts=True)
            database.execute("UPDATE deliveries SET repeats = repeats + 1 WHERE id = ?", (one.id,))
            mine = found.state == "dead" or (found.state == "kept" and found.taken_until <= render_instant(now))
            if mine:
                _hold(database, one.id, now, box=one.box, patience=one.patience)
            again = _find(database, one.id)
            assert again is not None
            return Kept(again, new=False, mine=mine)

    def refused(self, sender: str, code: str, times: int = 1, *, now: datetime) -> None:
        """Count what was not taken. Nothing else of it is kept."""
        with self._file.transaction() as database:
            database.execute(
                "INSERT INTO refused (sender, day, code, times, last_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
                " SET times = min(times + excluded.times, ?), last_at = excluded.last_at",
                (sender, render_instant(now)[:10], code, times, render_instant(now), MOST_REFUSED),
            )

    # -- being driven -----------------------------------------------------------------------------------------------

    def due(self, *, now: datetime, limit: int = 50) -> list[str]:
        """Deliveries that nobody drives and whose next attempt is due, the first received first."""
        with self._file.reading() as database:
            rows = database.execute(
                "SELECT id FROM deliveries WHERE state = 'kept' AND next_at <= ? AND taken_until <= ?"
                " ORDER BY received_at, id LIMIT ?",
                (render_instant(now), render_instant(now), limit),
            ).fetchall()
        return [str(row[0]) for row in rows]

    def take(self, id_: str, *, now: datetime) -> tuple[Delivery, bytes | None] | None:
        """Hold a kept delivery, to drive it; with its box. None when somebody else has it, or it is settled."""
        with self._file.transaction() as database:
            found = _find(database, id_)
            if found is None or found.state != "kept" or found.taken_until > render_instant(now):
                return None
            _hold(database, id_, now)
            (box,) = database.execute("SELECT box FROM deliveries WHERE id = ?", (id_,)).fetchone()
            return found, box

    def wait(
        self, id_: str, why: str, done: Sequence[Outcome], walls: Sequence[str], *, next_at: datetime, now: datetime
    ) -> None:
        """Let go of a delivery that is to be tried again, with what is done of it already."""
        with self._file.transaction() as database:
            _write(database, id_, done, now)
            database.execute(
                "UPDATE deliveries SET why = ?, next_at = ?, compartments = ?, taken_until = '',"
                " attempts = attempts + 1 WHERE id = ? AND state = 'kept'",
                (why, render_instant(next_at), " ".join(sorted(set(walls))), id_),
            )

    def settle(
        self, id_: str, state: State, why: str, outcomes: Sequence[Outcome], walls: Sequence[str], *, now: datetime
    ) -> bool:
        """Write down what became of it. False when it is a dead letter for which there was no room: what it said is
        not kept, and its sender must be told.

        Args:
            walls: compartments whose people alone may know of it.
        """
        with self._file.transaction() as database:
            row = database.execute("SELECT sender, state FROM deliveries WHERE id = ?", (id_,)).fetchone()
            if row is None or row[1] != "kept":
                return True
            room = state != "dead" or _boxes(database, row[0], "dead") < MOST_BOXES
            _write(database, id_, outcomes, now)
            box_until = {"dead": BOX_OF_DEAD, "ignored": BOX_OF_IGNORED}.get(state) if room else None
            remembered = REMEMBERED_IGNORED if state in {"ignored", "dead", "discarded"} else REMEMBERED
            database.execute(
                "UPDATE deliveries SET state = ?, why = ?, settled_at = ?, taken_until = '', attempts = attempts + 1,"
                " compartments = ?, box = CASE WHEN ? THEN box END, box_until = ?, remembered_until = ? WHERE id = ?",
                (
                    state,
                    why
                    if room
                    else f"{why}; what it said is not kept, because {MOST_BOXES} dead letters of its sender"
                    " wait already",
                    render_instant(now),
                    " ".join(sorted(set(walls))),
                    box_until is not None,
                    render_instant(now + box_until) if box_until else "",
                    render_instant(now + remembered),
                    id_,
                ),
            )
            if state == "ignored":
                _thin(database, row[0])
            return room

    # -- people -----------------------------------------------------------------------------------------------------

    def redrive(self, id_: str, person: str, reason: str, patience: timedelta, *, now: datetime) -> Delivery | None:
        """Have a dead or ignored delivery driven once more. None when it is neither, or what it said is gone."""
        with self._file.transaction() as database:
            found = _find(database, id_)
            if found is None or found.state not in {"dead", "ignored"} or not found.readable:
                return None
            database.execute(
                "UPDATE deliveries SET state = 'kept', why = 'driven once more', person = ?, reason = ?, next_at = ?,"
                " patient_until = ?, taken_until = '', box_until = ?, remembered_until = ? WHERE id = ?",
                (person, reason, render_instant(now), render_instant(now + patience), _FOREVER, _FOREVER, id_),
            )
            return _find(database, id_)

    def discard(self, id_: str, person: str, reason: str, *, now: datetime) -> Delivery | None:
        """Give a dead letter up; what it said is destroyed. None when it is no dead letter."""
        with self._file.transaction() as database:
            found = _find(database, id_)
            if found is None or found.state != "dead":
                return None
            database.execute(
                "UPDATE deliveries SET state = 'discarded', person = ?, reason = ?, settled_at = ?, box = NULL,"
                " box_until = '' WHERE id = ?",
                (person, reason, render_instant(now), id_),
            )
            return _find(database, id_)

    # -- looking ----------------------------------------------------------------------------------------------------

    def get(self, id_: str) -> Delivery | None:
        with self._file.reading() as database:
            return _find(database, id_)

    def page(
        self, *, states: Sequence[str] = (), sender: str = "", after: Mark | None = None, limit: int = 100
    ) -> list[Delivery]:
        """Deliveries, the last received first, from a place on."""
        where, values = ["1"], list[object]()
        if states:
            where.append("state IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(list(states)))
        if sender:
            where.append("sender = ?")
            values.append(sender)
        if after is not None:
            where.append("(received_at < ? OR (received_at = ? AND id > ?))")
            values += [after.received_at, after.received_at, after.id]
        with self._file.reading() as database:
            rows = database.execute(
                # only text of this module is put together
                f"SELECT {_COLUMNS} FROM deliveries WHERE {' AND '.join(where)}"  # noqa: S608
                " ORDER BY received_at DESC, id LIMIT ?",
                (*values, limit),
            ).fetchall()
            return [_delivery(database, row) for row in rows]

    def refusals(self, *, limit: int = 200) -> list[Refusals]:
        """What was refused, the latest day first."""
        with self._file.reading() as database:
            rows = database.execute(
                "SELECT sender, day, code, times, last_at FROM refused"
                " ORDER BY day DESC, last_at DESC, sender, code LIMIT ?",
                (limit,),
            ).fetchall()
        return [Refusals(*row) for row in rows]

    def walls_of(self, sender: str) -> list[str]:
        """Every compartment that deliveries of a sender concern."""
        with self._file.reading() as database:
            rows = database.execute(
                "SELECT DISTINCT compartments FROM deliveries WHERE sender = ?", (sender,)
            ).fetchall()
        return sorted({wall for row in rows for wall in str(row[0]).split()})

    def incidents_of(self, sender: str, thread: str) -> list[str]:
        """The incidents that messages of a thread have started or joined, the latest first."""
        with self._file.reading() as database:
            rows = database.execute(
                "SELECT incident, max(at) AS last FROM starts JOIN deliveries ON deliveries.id = starts.delivery"
                " WHERE sender = ? AND thread = ? AND starts.state IN ('started', 'joined', 'merged')"
                " GROUP BY incident ORDER BY last DESC, incident LIMIT 20",
                (sender, thread),
            ).fetchall()
        return [str(row[0]) for row in rows]

    def waits_before(self, id_: str, sender: str, thread: str) -> bool:
        """Whether an earlier message of the thread is still to be driven."""
        with self._file.reading() as database:
            row = database.execute(
                "SELECT 1 FROM deliveries WHERE sender = ? AND thread = ? AND state = 'kept' AND id != ? AND"
                " received_at <= (SELECT received_at FROM deliveries WHERE id = ?) LIMIT 1",
                (sender, thread, id_, id_),
            ).fetchone()
        return row is not None

    def forget(self, *, now: datetime) -> int:
        """Throw away boxes and rows whose time is over; gives how many rows."""
        at = render_instant(now)
        with self._file.transaction() as database:
            database.execute(
                "UPDATE deliveries SET box = NULL, box_until = '' WHERE box_until < ? AND box_until != ''", (at,)
            )
            over = database.execute("DELETE FROM deliveries WHERE remembered_until < ? AND state != 'kept'", (at,))
            database.execute("DELETE FROM starts WHERE delivery NOT IN (SELECT id FROM deliveries)")
            database.execute("DELETE FROM refused WHERE day < ?", (render_instant(now - REMEMBERED_IGNORED)[:10],))
            return over.rowcount


def _unavailable(what: str) -> DeliveriesUnavailable:
    return DeliveriesUnavailable(f"the deliveries {what}; nothing was kept")


def _insert(database: sqlite3.Connection, one: Arrival, now: datetime) -> None:
    database.execute(
        "INSERT INTO deliveries (id, sender, kind, target, thread, mark, size, received_at, state, why, next_at,"
        " patient_until, taken_until, box, box_until, remembered_until)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'kept', 'not driven yet', ?, ?, ?, ?, ?, ?)",
        (
            one.id,
            one.sender,
            one.kind,
            one.target,
            one.thread,
            one.mark,
            one.size,
            render_instant(one.received_at),
            render_instant(now),
            render_instant(now + one.patience),
            render_instant(now + HELD_FOR),
            one.box,
            _FOREVER,
            _FOREVER,
        ),
    )


def _hold(
    database: sqlite3.Connection,
    id_: str,
    now: datetime,
    *,
    box: bytes | None = None,
    patience: timedelta | None = None,
) -> None:
    database.execute(
        "UPDATE deliveries SET state = 'kept', taken_until = ?, box = coalesce(?, box), box_until = ?,"
        " remembered_until = ?, patient_until = coalesce(?, patient_until) WHERE id = ?",
        (
            render_instant(now + HELD_FOR),
            box,
            _FOREVER,
            _FOREVER,
            render_instant(now + patience) if patience is not None else None,
            id_,
        ),
    )


def _write(database: sqlite3.Connection, id_: str, outcomes: Sequence[Outcome], now: datetime) -> None:
    """What each runbook has made of it, in place of what stood there."""
    database.execute("DELETE FROM starts WHERE delivery = ?", (id_,))
    database.executemany(
        "INSERT OR REPLACE INTO starts (delivery, runbook, state, incident, code, why, compartment, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (id_, one.runbook, one.state, one.incident, one.code, one.why, one.compartment, render_instant(now))
            for one in outcomes
        ],
    )


def _boxes(database: sqlite3.Connection, sender: str, state: str) -> int:
    (count,) = database.execute(
        "SELECT count(*) FROM deliveries WHERE sender = ? AND state = ? AND box IS NOT NULL", (sender, state)
    ).fetchone()
    return int(count)


def _thin(database: sqlite3.Connection, sender: str) -> None:
    """Of what concerned nobody only the latest boxes stay."""
    database.execute(
        "UPDATE deliveries SET box = NULL, box_until = '' WHERE id IN (SELECT id FROM deliveries WHERE sender = ? AND"
        " state = 'ignored' AND box IS NOT NULL ORDER BY received_at DESC LIMIT -1 OFFSET ?)",
        (sender, MOST_BOXES),
    )


def _find(database: sqlite3.Connection, id_: str) -> Delivery | None:
    row = database.execute(f"SELECT {_COLUMNS} FROM deliveries WHERE id = ?", (id_,)).fetchone()  # noqa: S608
    return _delivery(database, row) if row else None


def _delivery(database: sqlite3.Connection, row: Sequence[Any]) -> Delivery:
    known, (compartments, readable, box_until) = row[:-3], row[-3:]
    outcomes = database.execute(
        "SELECT runbook, state, incident, code, why, compartment FROM starts WHERE delivery = ?"
        " ORDER BY runbook, incident",
        (row[0],),
    ).fetchall()
    walls = tuple(str(compartments).split())
    made = tuple(Outcome(*one) for one in outcomes)
    fields: list[Any] = [*known, walls, bool(readable), str(box_until), made]
    return Delivery(*fields)
