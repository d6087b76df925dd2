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
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from watchfloor.intake import delivery_rows as rows
from watchfloor.intake.delivery import Arrival, Delivery, Kept, Mark, Outcome, Refusals, State
from watchfloor.signing import render_instant
from watchfloor.storage import SqliteFile

REMEMBERED = timedelta(days=730)
"""How long a delivery that started something is remembered: as long as a claim."""
REMEMBERED_IGNORED = timedelta(days=30)
"""How long one that started nothing is."""
BOX_OF_DEAD = timedelta(days=30)
"""How long what a dead letter said is kept."""
BOX_OF_IGNORED = timedelta(days=7)
"""How long what nothing matched said is kept, for a mapping that is corrected."""
MOST_KEPT = 5000
"""Deliveries of one sender that may wait to be driven."""
MOST_REFUSED = 10**9


class DeliveriesUnavailable(Exception):
    """Nothing was kept, so nothing may be answered but that it is to be sent again."""


class Deliveries:
    """The file of one region."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, rows.TABLES, rows.VERSION, _unavailable)

    # -- coming in --------------------------------------------------------------------------------------------------

    def keep(self, one: Arrival, *, now: datetime) -> Kept | None:
        """Keep a delivery; it is on the disk when this returns. None when too many of this sender wait already.

        Raises:
            DeliveriesUnavailable: nothing was kept.
        """
        with self._file.transaction() as database:
            found = rows.find(database, one.id)
            if found is None:
                (waiting,) = database.execute(
                    "SELECT count(*) FROM deliveries WHERE sender = ? AND state = 'kept'", (one.sender,)
                ).fetchone()
                if waiting >= MOST_KEPT:
                    return None
                rows.insert(database, one, now)
                found = rows.find(database, one.id)
                assert found is not None
                return Kept(found, new=True, mine=True)
            if found.mark != one.mark:
                return Kept(found, new=False, mine=False, contradicts=True)
            database.execute("UPDATE deliveries SET repeats = repeats + 1 WHERE id = ?", (one.id,))
            mine = found.state == "dead" or (found.state == "kept" and found.taken_until <= render_instant(now))
            if mine:
                rows.hold(database, one.id, now, box=one.box, patience=one.patience)
            again = rows.find(database, one.id)
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
            found = database.execute(
                "SELECT id FROM deliveries WHERE state = 'kept' AND next_at <= ? AND taken_until <= ?"
                " ORDER BY received_at, id LIMIT ?",
                (render_instant(now), render_instant(now), limit),
            ).fetchall()
        return [str(row[0]) for row in found]

    def take(self, id_: str, *, now: datetime) -> tuple[Delivery, bytes | None] | None:
        """Hold a kept delivery, to drive it; with its box. None when somebody else has it, or it is settled."""
        with self._file.transaction() as database:
            found = rows.find(database, id_)
            if found is None or found.state != "kept" or found.taken_until > render_instant(now):
                return None
            rows.hold(database, id_, now)
            (box,) = database.execute("SELECT box FROM deliveries WHERE id = ?", (id_,)).fetchone()
            return found, box

    def wait(
        self, id_: str, why: str, done: Sequence[Outcome], walls: Sequence[str], *, next_at: datetime, now: datetime
    ) -> None:
        """Let go of a delivery that is to be tried again, with what is done of it already."""
        with self._file.transaction() as database:
            rows.write_outcomes(database, id_, done, now)
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
            room = state != "dead" or rows.count_boxes(database, row[0], "dead") < rows.MOST_BOXES
            rows.write_outcomes(database, id_, outcomes, now)
            box_until = {"dead": BOX_OF_DEAD, "ignored": BOX_OF_IGNORED}.get(state) if room else None
            remembered = REMEMBERED_IGNORED if state in {"ignored", "dead", "discarded"} else REMEMBERED
            database.execute(
                "UPDATE deliveries SET state = ?, why = ?, settled_at = ?, taken_until = '', attempts = attempts + 1,"
                " compartments = ?, box = CASE WHEN ? THEN box END, box_until = ?, remembered_until = ? WHERE id = ?",
                (
                    state,
                    why
                    if room
                    else f"{why}; what it said is not kept, because {rows.MOST_BOXES} dead letters of its sender"
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
                rows.thin(database, row[0])
            return room

    # -- people -----------------------------------------------------------------------------------------------------

    def redrive(self, id_: str, person: str, reason: str, patience: timedelta, *, now: datetime) -> Delivery | None:
        """Have a dead or ignored delivery driven once more. None when it is neither, or what it said is gone."""
        with self._file.transaction() as database:
            found = rows.find(database, id_)
            if found is None or found.state not in {"dead", "ignored"} or not found.readable:
                return None
            database.execute(
                "UPDATE deliveries SET state = 'kept', why = 'driven once more', person = ?, reason = ?, next_at = ?,"
                " patient_until = ?, taken_until = '', box_until = ?, remembered_until = ? WHERE id = ?",
                (person, reason, render_instant(now), render_instant(now + patience), rows.FOREVER, rows.FOREVER, id_),
            )
            return rows.find(database, id_)

    def discard(self, id_: str, person: str, reason: str, *, now: datetime) -> Delivery | None:
        """Give a dead letter up; what it said is destroyed. None when it is no dead letter."""
        with self._file.transaction() as database:
            found = rows.find(database, id_)
            if found is None or found.state != "dead":
                return None
            database.execute(
                "UPDATE deliveries SET state = 'discarded', person = ?, reason = ?, settled_at = ?, box = NULL,"
                " box_until = '' WHERE id = ?",
                (person, reason, render_instant(now), id_),
            )
            return rows.find(database, id_)

    # -- looking ----------------------------------------------------------------------------------------------------

    def get(self, id_: str) -> Delivery | None:
        with self._file.reading() as database:
            return rows.find(database, id_)

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
            found = database.execute(
                # only text of this module is put together
                f"SELECT {rows.COLUMNS} FROM deliveries WHERE {' AND '.join(where)}"  # noqa: S608
                " ORDER BY received_at DESC, id LIMIT ?",
                (*values, limit),
            ).fetchall()
            return [rows.delivery_of(database, row) for row in found]

    def refusals(self, *, limit: int = 200) -> list[Refusals]:
        """What was refused, the latest day first."""
        with self._file.reading() as database:
            found = database.execute(
                "SELECT sender, day, code, times, last_at FROM refused"
                " ORDER BY day DESC, last_at DESC, sender, code LIMIT ?",
                (limit,),
            ).fetchall()
        return [Refusals(*row) for row in found]

    def walls_of(self, sender: str) -> list[str]:
        """Every compartment that deliveries of a sender concern."""
        with self._file.reading() as database:
            found = database.execute(
                "SELECT DISTINCT compartments FROM deliveries WHERE sender = ?", (sender,)
            ).fetchall()
        return sorted({wall for row in found for wall in str(row[0]).split()})

    def incidents_of(self, sender: str, thread: str) -> list[str]:
        """The incidents that messages of a thread have started or joined, the latest first."""
        with self._file.reading() as database:
            found = database.execute(
                "SELECT incident, max(at) AS last FROM starts JOIN deliveries ON deliveries.id = starts.delivery"
                " WHERE sender = ? AND thread = ? AND starts.state IN ('started', 'joined', 'merged')"
                " GROUP BY incident ORDER BY last DESC, incident LIMIT 20",
                (sender, thread),
            ).fetchall()
        return [str(row[0]) for row in found]

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
