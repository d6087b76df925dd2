"""What faces ask and tell: may this person take it, they took it, they are done with it."""

import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from watchfloor.identity.resting import Spell, find_spells
from watchfloor.identity.rotas import NO_ROTAS, Rotas
from watchfloor.wellness.caps import Caps, load_caps
from watchfloor.wellness.care import Care
from watchfloor.wellness.rules import BETWEEN_SHIFTS, Standing, Verdict, judge, judge_break, say_between
from watchfloor.wellness.store import KEPT_SECONDS, WellnessStore

DAY = timedelta(days=1)
WEEK_DAYS = 7


class CapRaised(ValueError):
    """Somebody wanted a cap above the one that stands; caps are overridden downwards only."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One person and one class over the last 24 hours and seven days."""

    exposure: str
    opted_in: bool
    minutes: float
    items: int
    cap_minutes: float
    own_cap: bool
    days: int
    days_cap: int


class Wellness:
    """The wellness store of one region under its caps.

    Args:
        path: the file; made when it is first used.
        caps: the shipped ones if not given.
        rotas: gives the region's rotas as they are now; without them nobody has shifts that are known.
    """

    def __init__(self, path: Path, caps: Caps | None = None, *, rotas: Callable[[], Rotas] = lambda: NO_ROTAS) -> None:
        self.rotas = rotas
        self.store = WellnessStore(path)
        self.caps = caps or load_caps()
        self.care = Care(self.store, self.caps)

    # -- exposure -------------------------------------------------------------------------------------------------

    def begin(self, person: str, exposure: str, task: str, until: datetime, *, run: str, now: datetime) -> Verdict:
        """Judge and, if allowed, write down that this person is exposed from now, at most until then.

        Args:
            task: `task_mark` of the task; one that is begun already by this person goes on.
            run: `task_mark` of the incident: who rests after an S0 may still finish that very incident.

        Raises:
            WellnessUnavailable: nothing was judged or written.
        """
        with self.store.transaction() as database:
            found = self._standing(database, person, exposure, now, run, beside=task)
            row = _open_row(database, person, task, now)
            spent = now - _when(row[0]) if row else timedelta(0)
            verdict = judge(exposure, found, spent + (until - now), soft=self.caps.soft, now=now)
            if verdict.allowed:
                verdict = self._with_break(database, person, exposure, task, now - spent, until, verdict)
            if verdict.allowed and not row:
                verdict = self._with_shifts(database, person, verdict, now)
            if verdict.allowed and row:
                database.execute(
                    "UPDATE exposures SET until = ? WHERE person = ? AND task = ? AND began = ?",
                    (until.timestamp(), person, task, row[0]),
                )
            elif verdict.allowed:
                database.execute(
                    "INSERT INTO exposures (person, class, task, began, until) VALUES (?, ?, ?, ?, ?)",
                    (person, exposure, task, now.timestamp(), until.timestamp()),
                )
            database.execute("DELETE FROM exposures WHERE began < ?", (now.timestamp() - KEPT_SECONDS,))
        return verdict

    def takes(
        self,
        person: str,
        exposure: str,
        *,
        run: str = "",
        task: str = "",
        length: timedelta = timedelta(minutes=1),
        now: datetime,
    ) -> Verdict:
        """Whether a person is asked for something of this class now, for so long; between two shifts they are not.

        Args:
            run, task: as in `begin`.

        Raises:
            WellnessUnavailable: nobody can say.
        """
        with self.store.reading() as database:
            found = self._standing(database, person, exposure, now, run, beside=task)
            verdict = judge(exposure, found, length, soft=1.0, now=now)
            if verdict.allowed:
                verdict = self._with_break(database, person, exposure, task, now, now + length, verdict)
            if verdict.allowed and (words := self._between(database, person, now)):
                return Verdict(False, BETWEEN_SHIFTS, words)
        return verdict

    def undo(self, person: str, task: str, *, began: datetime) -> None:
        """Forget an exposure that began then and never came to be: the run refused the claim."""
        with self.store.transaction() as database:
            database.execute(
                "DELETE FROM exposures WHERE person = ? AND task = ? AND began = ?", (person, task, began.timestamp())
            )

    def end(self, task: str, *, now: datetime) -> None:
        """Whoever is exposed by this task is so no longer."""
        with self.store.transaction() as database:
            database.execute(
                "UPDATE exposures SET ended = min(until, ?) WHERE task = ? AND ended IS NULL", (now.timestamp(), task)
            )

    def burden(self, person: str, exposure: str, *, now: datetime) -> tuple[float, float]:
        """Seconds of one class in the last 24 hours and in the last seven days, for whose turn it is; nothing else."""
        with self.store.reading() as database:
            rows = _rows(database, person, exposure, now)
        day, week = (now - DAY).timestamp(), (now - WEEK_DAYS * DAY).timestamp()
        return _seconds(rows, day, now), _seconds(rows, week, now)

    def has(self, person: str, task: str, *, now: datetime) -> bool:
        """Whether this person has begun this task and is not done with it."""
        with self.store.reading() as database:
            return _open_row(database, person, task, now) is not None

    def standing(self, person: str, exposure: str, *, run: str = "", now: datetime) -> Standing:
        """Where a person stands with one class."""
        with self.store.reading() as database:
            return self._standing(database, person, exposure, now, run)

    # -- what people say about themselves ---------------------------------------------------------------------------

    def opt_in(self, person: str, exposure: str, *, now: datetime) -> None:
        """Take this class from now on."""
        with self.store.transaction() as database:
            database.execute(
                "INSERT OR IGNORE INTO consents VALUES (?, ?, ?)", (person, self._known(exposure), now.timestamp())
            )

    def opt_out(self, person: str, exposure: str) -> None:
        """Take this class no more. Nobody asks why."""
        with self.store.transaction() as database:
            database.execute("DELETE FROM consents WHERE person = ? AND class = ?", (person, self._known(exposure)))

    def lower_cap(self, person: str, exposure: str, day: timedelta, *, by: str, now: datetime) -> None:
        """Set a cap of a person's own. It may only go down, also from one set before.

        Raises:
            CapRaised: the cap that stands is lower, or the same.
        """
        with self.store.transaction() as database:
            standing = self._cap(database, person, self._known(exposure))[0]
            if day >= standing:
                raise CapRaised(
                    f"the cap of `{exposure}` stands at {_minutes(standing)} min and may only be lowered; "
                    f"found {_minutes(day)} min"
                )
            database.execute(
                "INSERT OR REPLACE INTO caps VALUES (?, ?, ?, ?, ?)",
                (person, exposure, day.total_seconds(), by, now.timestamp()),
            )

    def rest_of(self, person: str, *, now: datetime) -> datetime | None:
        """Until when a person rests from exposure; None when they do not."""
        with self.store.reading() as database:
            row = database.execute("SELECT until FROM rests WHERE person = ?", (person,)).fetchone()
        return _when(row[0]) if row and row[0] > now.timestamp() else None

    def figures(self, person: str, *, now: datetime) -> list[Figures]:
        """A person's own figures, class by class."""
        found: list[Figures] = []
        with self.store.reading() as database:
            for exposure in self.caps.classes:
                rows = _rows(database, person, exposure, now)
                seconds = _seconds(rows, (now - DAY).timestamp(), now)
                one = self._standing(database, person, exposure, now, "")
                found.append(
                    Figures(
                        exposure=exposure,
                        opted_in=one.opted_in,
                        minutes=round(seconds / 60, 1),
                        items=sum(_end(row, now) > (now - DAY).timestamp() for row in rows),
                        cap_minutes=_minutes(one.cap),
                        own_cap=one.own_cap,
                        days=one.days,
                        days_cap=one.days_cap,
                    )
                )
        return found

    # -- inside ---------------------------------------------------------------------------------------------------

    def _standing(
        self, database: sqlite3.Connection, person: str, exposure: str, now: datetime, run: str, beside: str = ""
    ) -> Standing:
        """`beside` names a task whose open exposure is not counted: it is what is judged."""
        rule = self.caps.classes[self._known(exposure)]
        since = (now - DAY).timestamp()
        rows = [
            row
            for row in _rows(database, person, exposure, now)
            if not (row[3] == beside and row[2] is None and row[1] > now.timestamp())
        ]
        reserved = sum(max(0.0, (row[1] if row[2] is None else row[2]) - max(row[0], since)) for row in rows)
        days = {_when(row[0]).astimezone(UTC).date() for row in rows}
        days = {day for day in days if (now.astimezone(UTC).date() - day).days < WEEK_DAYS}
        cap, own = self._cap(database, person, exposure)
        consented = database.execute(
            "SELECT 1 FROM consents WHERE person = ? AND class = ?", (person, exposure)
        ).fetchone()
        rest = database.execute("SELECT until, during FROM rests WHERE person = ?", (person,)).fetchone()
        resting = rest is not None and not (rest[1] and rest[1] == run)
        return Standing(
            opted_in=not rule.opt_in or consented is not None,
            used=timedelta(seconds=reserved),
            cap=cap,
            days=len(days),
            days_cap=rule.days,
            today=now.astimezone(UTC).date() in days,
            rest_until=_when(rest[0]) if resting else None,
            own_cap=own,
        )

    def _with_break(
        self,
        database: sqlite3.Connection,
        person: str,
        exposure: str,
        task: str,
        since: datetime,
        until: datetime,
        verdict: Verdict,
    ) -> Verdict:
        """The verdict, or a refusal where this would leave no room for a break."""
        rule = self.caps.classes[exposure].pause
        if rule is None:
            return verdict
        rows = _rows(database, person, exposure, since)
        spans = [
            (_when(row[0]), _when(row[1] if row[2] is None else row[2]))
            for row in rows
            if not (row[3] == task and row[0] == since.timestamp())
        ]
        found = judge_break(exposure, spans, since, until, rule)
        return verdict if found.allowed else found

    def _with_shifts(self, database: sqlite3.Connection, person: str, verdict: Verdict, now: datetime) -> Verdict:
        """The verdict with a warning, or a refusal, where this lies between two shifts."""
        words = self._between(database, person, now)
        if not words or self.caps.between is None:
            return verdict
        if self.caps.between.refuses:
            return Verdict(False, BETWEEN_SHIFTS, f"{words}; the task stays with the others")
        return Verdict(True, "", "; ".join(one for one in (verdict.words, words) if one))

    def _between(self, database: sqlite3.Connection, person: str, now: datetime) -> str:
        rule = self.caps.between
        if rule is None:
            return ""
        night, after = find_spells(self.rotas(), person, now, rule.rest)
        if night is not None and not _exposed_in(database, person, night):
            night = None
        return say_between(night, after, rule.rest)

    def _cap(self, database: sqlite3.Connection, person: str, exposure: str) -> tuple[timedelta, bool]:
        rule = self.caps.classes[exposure].day
        row = database.execute("SELECT seconds FROM caps WHERE person = ? AND class = ?", (person, exposure)).fetchone()
        own = timedelta(seconds=row[0]) if row else rule
        return min(own, rule), own < rule  # the file may have come down since

    def _known(self, exposure: str) -> str:
        if exposure not in self.caps.classes:
            raise ValueError(
                f"`{exposure[:40]}` is no class of exposure; expected one of {', '.join(self.caps.classes)}"
            )
        return exposure


def task_mark(*place: str) -> str:
    """A task (or an incident) as this store knows it: a hash, so that the file alone names none."""
    return hashlib.sha256("\0".join(("watchfloor.wellness.v1", *place)).encode()).hexdigest()[:32]


_Row = tuple[float, float, float | None, str]


def _rows(database: sqlite3.Connection, person: str, exposure: str, now: datetime) -> list[_Row]:
    week = (now - timedelta(days=WEEK_DAYS)).timestamp()
    return database.execute(
        "SELECT began, until, ended, task FROM exposures WHERE person = ? AND class = ? AND until > ? ORDER BY began",
        (person, exposure, week),
    ).fetchall()


def _open_row(database: sqlite3.Connection, person: str, task: str, now: datetime) -> tuple[float] | None:
    found: tuple[float] | None = database.execute(
        "SELECT began FROM exposures WHERE person = ? AND task = ? AND ended IS NULL AND until > ?",
        (person, task, now.timestamp()),
    ).fetchone()
    return found


def _exposed_in(database: sqlite3.Connection, person: str, spell: Spell) -> bool:
    found = database.execute(
        "SELECT 1 FROM exposures WHERE person = ? AND began < ? AND coalesce(ended, until) > ?",
        (person, spell.end_at.timestamp(), spell.start_at.timestamp()),
    ).fetchone()
    return found is not None


def _end(row: _Row, now: datetime) -> float:
    return min(row[1], now.timestamp()) if row[2] is None else row[2]


def _seconds(rows: list[_Row], since: float, now: datetime) -> float:
    return sum(max(0.0, _end(row, now) - max(row[0], since)) for row in rows)


def _when(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _minutes(length: timedelta) -> float:
    return round(length.total_seconds() / 60, 1)
