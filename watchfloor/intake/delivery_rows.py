"""The tables of a region's deliveries and their rows; each function works in its caller's transaction."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from watchfloor.intake.delivery import Arrival, Delivery, Outcome
from watchfloor.signing import render_instant

HELD_FOR = timedelta(seconds=60)
"""How long who drives a delivery has it alone; longer than any call to the engine takes."""
MOST_BOXES = 1000
"""Boxes of dead letters that one sender may have here, and of ignored ones."""

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
COLUMNS = (
    "id, sender, kind, target, thread, mark, size, received_at, state, why, attempts, repeats, next_at, patient_until,"
    " taken_until, settled_at, person, reason, compartments, box IS NOT NULL, box_until"
)
FOREVER = "9999"
TABLES = (_DELIVERIES, _STARTS, _REFUSED, *_INDEXES)
VERSION = 2


def insert(database: sqlite3.Connection, one: Arrival, now: datetime) -> None:
    """A delivery that has not been seen before; who kept it is to drive it."""
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
            FOREVER,
            FOREVER,
        ),
    )


def hold(
    database: sqlite3.Connection,
    id_: str,
    now: datetime,
    *,
    box: bytes | None = None,
    patience: timedelta | None = None,
) -> None:
    """Whoever asked has it alone for `HELD_FOR`, with what was said now if it is given."""
    database.execute(
        "UPDATE deliveries SET state = 'kept', taken_until = ?, box = coalesce(?, box), box_until = ?,"
        " remembered_until = ?, patient_until = coalesce(?, patient_until) WHERE id = ?",
        (
            render_instant(now + HELD_FOR),
            box,
            FOREVER,
            FOREVER,
            render_instant(now + patience) if patience is not None else None,
            id_,
        ),
    )


def write_outcomes(database: sqlite3.Connection, id_: str, outcomes: Sequence[Outcome], now: datetime) -> None:
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


def count_boxes(database: sqlite3.Connection, sender: str, state: str) -> int:
    """How many deliveries of a sender in this state still have what they said."""
    (count,) = database.execute(
        "SELECT count(*) FROM deliveries WHERE sender = ? AND state = ? AND box IS NOT NULL", (sender, state)
    ).fetchone()
    return int(count)


def thin(database: sqlite3.Connection, sender: str) -> None:
    """Of what concerned nobody only the latest boxes stay."""
    database.execute(
        "UPDATE deliveries SET box = NULL, box_until = '' WHERE id IN (SELECT id FROM deliveries WHERE sender = ? AND"
        " state = 'ignored' AND box IS NOT NULL ORDER BY received_at DESC LIMIT -1 OFFSET ?)",
        (sender, MOST_BOXES),
    )


def find(database: sqlite3.Connection, id_: str) -> Delivery | None:
    """The delivery of this id, None when there is none."""
    row = database.execute(f"SELECT {COLUMNS} FROM deliveries WHERE id = ?", (id_,)).fetchone()  # noqa: S608
    return delivery_of(database, row) if row else None


def delivery_of(database: sqlite3.Connection, row: Sequence[Any]) -> Delivery:
    """The delivery that a row of `COLUMNS` is, with what each runbook made of it."""
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
