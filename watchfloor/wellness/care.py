"""After something hard: rest, a call by the wellness officer, and looking in again after a day, a week and a month.

A panic asks nothing and says nothing: what the person has is handed back, they rest, and the officer calls. What is due
stands in the wellness file until it is done; a gateway looks there (`watchfloor.gateway.looking_in`).
"""

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast

from watchfloor.wellness.caps import Caps
from watchfloor.wellness.store import WellnessStore

Kind = Literal["reassign", "call", "check_in"]
CHECK_INS = "check-ins"
"""The word by which a person opts out of them, beside the classes of exposure."""
_NEAR = timedelta(hours=12)
"""One check-in stands for another that would be owed so close to it."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Something that is owed to a person. `reassign` is the engine's own: to hand back all they have."""

    id: str
    person: str
    kind: Kind
    due_at: datetime
    told: bool


class Care:
    """Rest and follow-ups in the wellness file of one region."""

    def __init__(self, store: WellnessStore, caps: Caps) -> None:
        self.store = store
        self.caps = caps

    def panic(
        self,
        person: str,
        *,
        now: datetime,
        way: str = "dev",
        methods: Sequence[str] = (),
        who: Mapping[str, Any] | None = None,
    ) -> None:
        """End every exposure of a person, let them rest, owe them a call, check-ins and the end of their tasks.

        On the disk when this returns; pressed twice it owes nothing twice that is still open.

        Args:
            way: how they had signed in when they pressed; what is handed back later is said with it.
            methods: how they had proved who they are.
            who: who they were by the groups of that sign-in; kept until all they had is handed back.

        Raises:
            WellnessUnavailable: nothing was written.
        """
        at = now.timestamp()
        with self.store.transaction() as database:
            database.execute(
                "UPDATE exposures SET ended = min(until, ?) WHERE person = ? AND ended IS NULL", (at, person)
            )
            database.execute(
                "INSERT INTO rests VALUES (?, ?, '') ON CONFLICT (person) DO UPDATE SET"
                " until = max(until, excluded.until), during = ''",
                (person, (now + self.caps.cool_down).timestamp()),
            )
            owed = {"reassign": [timedelta(0)], "call": [self.caps.call_within], "check_in": [*self.caps.check_ins]}
            _owe(database, person, f"panic {at}", owed, now)
            database.execute(
                "INSERT OR REPLACE INTO pressed VALUES (?, ?, ?)", (person, way, json.dumps(list(methods)))
            )
            database.execute("DELETE FROM pressed_who WHERE person = ?", (person,))
            if who is not None:
                database.execute("INSERT INTO pressed_who VALUES (?, ?)", (person, json.dumps(dict(who))))

    def pressed_as(self, person: str) -> tuple[str, tuple[str, ...]]:
        """How somebody had signed in when they last pressed the panic button: the way, and the methods of proof."""
        with self.store.reading() as database:
            row = database.execute("SELECT way, methods FROM pressed WHERE person = ?", (person,)).fetchone()
        return (row[0], tuple(json.loads(row[1]))) if row else ("dev", ())

    def pressed_by(self, person: str) -> dict[str, Any] | None:
        """Who somebody was by the groups of the sign-in in which they pressed it; None when that is not known, or all
        they had is handed back."""
        with self.store.reading() as database:
            row = database.execute("SELECT who FROM pressed_who WHERE person = ?", (person,)).fetchone()
        return dict(json.loads(row[0])) if row else None

    def after_s0(self, person: str, run: str, *, now: datetime) -> None:
        """Somebody acted in an S0: they rest from exposure in other incidents, and check-ins are owed, once for a run.

        Args:
            run: mark of the incident; they may finish what they do in it.
        """
        with self.store.transaction() as database:
            # a rest after a panic is not opened again by finishing an S0
            database.execute(
                "INSERT INTO rests VALUES (?, ?, ?) ON CONFLICT (person) DO UPDATE SET"
                " during = CASE WHEN during = '' AND until > ? THEN '' ELSE excluded.during END,"
                " until = max(until, excluded.until)",
                (person, (now + self.caps.cool_down).timestamp(), run, now.timestamp()),
            )
            _owe(database, person, f"s0 {run}", {"check_in": [*self.caps.check_ins]}, now)

    def open_ones(self, person: str | None = None) -> list[FollowUp]:
        """What is owed and not done, the earliest first; without a person everybody's."""
        with self.store.reading() as database:
            rows = database.execute(
                "SELECT id, person, kind, due, told FROM follow_ups WHERE done IS NULL AND (? IS NULL OR person = ?)"
                " ORDER BY due, id",
                (person, person),
            ).fetchall()
        return [
            FollowUp(row[0], row[1], cast(Kind, row[2]), datetime.fromtimestamp(row[3], UTC), row[4] is not None)
            for row in rows
        ]

    def told(self, id_: str, *, now: datetime) -> None:
        """The wellness officer was paged about it."""
        with self.store.transaction() as database:
            database.execute("UPDATE follow_ups SET told = ? WHERE id = ?", (now.timestamp(), id_))

    def done(self, id_: str, *, by: str, now: datetime) -> bool:
        """It was done; False when there is none that is open."""
        with self.store.transaction() as database:
            changed = database.execute(
                "UPDATE follow_ups SET done = ?, done_by = ? WHERE id = ? AND done IS NULL", (now.timestamp(), by, id_)
            )
            database.execute(
                "DELETE FROM pressed_who WHERE person NOT IN"
                " (SELECT person FROM follow_ups WHERE kind = 'reassign' AND done IS NULL)"
            )
            return changed.rowcount == 1

    def opt_out(self, person: str, *, now: datetime) -> None:
        """No check-ins any more; those that were owed are gone. A call after a panic is owed all the same."""
        with self.store.transaction() as database:
            database.execute("INSERT OR IGNORE INTO opted_out VALUES (?, ?)", (person, now.timestamp()))
            database.execute(
                "DELETE FROM follow_ups WHERE person = ? AND kind = 'check_in' AND done IS NULL", (person,)
            )

    def opt_in(self, person: str) -> None:
        """Check-ins again, from the next occasion on."""
        with self.store.transaction() as database:
            database.execute("DELETE FROM opted_out WHERE person = ?", (person,))


def _owe(database: sqlite3.Connection, person: str, why: str, kinds: dict[str, list[timedelta]], now: datetime) -> None:
    out = database.execute("SELECT 1 FROM opted_out WHERE person = ?", (person,)).fetchone()
    for kind, spans in kinds.items():
        still = database.execute(
            "SELECT 1 FROM follow_ups WHERE person = ? AND kind = ? AND done IS NULL", (person, kind)
        ).fetchone()
        if (still and kind != "check_in") or (out and kind == "check_in"):
            continue
        for span in spans:
            due = (now + span).timestamp()
            near = database.execute(
                "SELECT 1 FROM follow_ups WHERE person = ? AND kind = ? AND done IS NULL AND abs(due - ?) < ?",
                (person, kind, due, _NEAR.total_seconds()),
            ).fetchone()
            if near:
                continue
            mark = hashlib.sha256(f"{person}\0{kind}\0{why}\0{span}".encode()).hexdigest()[:10]
            database.execute(
                "INSERT OR IGNORE INTO follow_ups (id, person, kind, due, opened) VALUES (?, ?, ?, ?, ?)",
                (mark, person, kind, due, now.timestamp()),
            )
