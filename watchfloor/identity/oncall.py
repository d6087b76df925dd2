"""Who is on call now and in the days to come, in one answer that terminal, picture and JSON are drawn from. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from string import ascii_uppercase

from watchfloor.identity.people import Directory
from watchfloor.identity.rota_problems import Problem, find_problems
from watchfloor.identity.rotas import Rota, Rotas, Shift
from watchfloor.identity.shifts import shifts_between


@dataclass(frozen=True, slots=True)
class Stretch:
    """A span in which the same people are on call. Nobody in a gap; more than the seats in a double booking."""

    start_at: datetime
    end_at: datetime
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RotaView:
    """One rota from `since` to `until`.

    Attributes:
        shifts: as planned; the first and last may reach beyond.
        now: the shifts at the instant asked for.
        then: the shifts after those, when somebody else takes over; None if nobody does within the span.
        gaps, doubles: of `problems`, what the picture shows.
    """

    rota: Rota
    shifts: tuple[Shift, ...]
    now: tuple[Shift, ...]
    then: Shift | None
    gaps: tuple[Problem, ...]
    doubles: tuple[Problem, ...]

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody on call within the span, by first shift."""
        return tuple(dict.fromkeys(shift.person for shift in self.shifts))

    def letter(self, person: str) -> str:
        """What stands for somebody where their id has no room: A for the first on call within the span."""
        return ascii_uppercase[self.people.index(person) % len(ascii_uppercase)]

    @property
    def until_at(self) -> datetime | None:
        """When who is on call now is relieved: consecutive shifts of the same person are one stretch."""
        if not self.now:
            return None
        last = max(self.now, key=lambda one: one.end_at)
        for shift in self.shifts:
            if shift.person == last.person and shift.start_at <= last.end_at < shift.end_at:
                last = shift
        return last.end_at


@dataclass(frozen=True, slots=True)
class Survey:
    """The answer. `since` is midnight (UTC) of the day asked about, `until` the end of the last day."""

    at: datetime
    since: datetime
    until: datetime
    views: tuple[RotaView, ...]
    problems: tuple[Problem, ...]

    @property
    def has_errors(self) -> bool:
        return any(one.is_error for one in self.problems)


def survey(rotas: Rotas, people: Directory, at: datetime, days: int) -> Survey:
    """Look at every rota from an instant to the end of `days` days, the first of them that of the instant.

    Args:
        rotas: those to look at.
        people: everybody, of all regions, so that somebody of another region is named as such.
        at: aware.
        days: at least 1.
    """
    at = at.astimezone(UTC)
    since = datetime.combine(at.date(), time(), tzinfo=UTC)
    until = since + timedelta(days=days)
    problems = find_problems(rotas, people, at, until)
    views = tuple(_view(rota, at, until, problems) for rota in rotas.rotas)
    return Survey(at, since, until, views, problems)


def stretches(view: RotaView, since: datetime, until: datetime) -> tuple[Stretch, ...]:
    """The span without holes: who is on call, piece by piece."""
    edges = {since, until}
    for shift in view.shifts:
        edges.update(edge for edge in (shift.start_at, shift.end_at) if since < edge < until)
    found: list[Stretch] = []
    for start, end in pairwise(sorted(edges)):
        there = tuple(sorted({one.person for one in view.shifts if one.start_at <= start and one.end_at >= end}))
        if found and found[-1].people == there:
            found[-1] = Stretch(found[-1].start_at, end, there)
        else:
            found.append(Stretch(start, end, there))
    return tuple(found)


def _view(rota: Rota, at: datetime, until: datetime, problems: tuple[Problem, ...]) -> RotaView:
    shifts = shifts_between(rota, at, until)
    now = tuple(shift for shift in shifts if shift.start_at <= at < shift.end_at)
    there = {shift.person for shift in now}
    mine = [one for one in problems if one.rota == rota.name]
    return RotaView(
        rota=rota,
        shifts=shifts,
        now=now,
        then=next((shift for shift in shifts if shift.start_at > at and shift.person not in there), None),
        gaps=tuple(one for one in mine if one.kind == "gap"),
        doubles=tuple(one for one in mine if one.kind == "double"),
    )
