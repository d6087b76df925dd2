"""What is wrong with rotas before it hurts: gaps, double bookings, people who cannot fill the role, too little rest,
holidays that nobody knows.

The rest rule: after a shift that reaches into the night (midnight to five, the core of "night time" in Article 2(3) of
Directive 2003/88/EC) a person has eleven hours before the next (Article 3). Shifts of a whole day are standby and not
held against it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Literal, TypeAlias

from watchfloor.identity.people import Directory
from watchfloor.identity.rotas import Place, Rota, Rotas, Shift
from watchfloor.identity.shifts import is_holiday, shifts_between, spans_of
from watchfloor.language.calendars import known_years

Kind: TypeAlias = Literal["gap", "double", "person", "change", "rest", "holidays"]
REST = timedelta(hours=11)
WHOLE_DAY = timedelta(hours=23)
"""A shift of a whole day has 23 hours on the day on which clocks go forward."""
_NIGHT_ENDS = time(5)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong. Only `rest` is a warning; the others mean that a page may reach nobody, or two people.

    Attributes:
        start_at: from when; None where it is wrong at any time.
        people: who is concerned.
        where: `file:line:column` of what to correct.
    """

    kind: Kind
    rota: str
    role: str
    region: str
    start_at: datetime | None
    end_at: datetime | None
    people: tuple[str, ...]
    words: str
    where: str = field(compare=False)

    @property
    def is_error(self) -> bool:
        return self.kind != "rest"


def find_problems(rotas: Rotas, people: Directory, since: datetime, until: datetime) -> tuple[Problem, ...]:
    """Everything wrong between two instants: errors before warnings, what is always wrong first, then by time."""
    found: list[Problem] = []
    everywhere: list[tuple[Rota, Shift]] = []
    for rota in rotas.rotas:
        shifts = shifts_between(rota, since, until)
        everywhere += [(rota, shift) for shift in shifts]
        found += _unfit(rotas, rota, people)
        found += _without_effect(rotas, rota)
        found += _unknown_holidays(rotas, rota, since, until)
        found += _gaps(rotas, rota, shifts, since, until)
        found += _crowds(rotas, rota, shifts, since, until)
    found += _twice(rotas, everywhere, since, until)
    found += _rest(rotas, everywhere)
    return tuple(sorted(found, key=lambda one: (not one.is_error, one.start_at or datetime.min.replace(tzinfo=UTC))))


def fits(rota: Rota, person: str, people: Directory) -> bool:
    """Whether somebody is there, holds the role and works in the region."""
    one = people.find(person)
    return one is not None and rota.role in one.roles and one.region == rota.region


def _unfit(rotas: Rotas, rota: Rota, people: Directory) -> Iterator[Problem]:
    for person, place in _named(rota):
        one = people.find(person)
        if one is None:
            words = f"`{person}` is not in the directory of people"
        elif one.region != rota.region:
            words = f"`{person}` works in region `{one.region}`, not in `{rota.region}`"
        elif rota.role not in one.roles:
            words = f"`{person}` does not hold `{rota.role}`; they hold: {', '.join(one.roles)}"
        else:
            continue
        yield _problem(rotas, rota, "person", None, None, (person,), words, place)


def _named(rota: Rota) -> Iterator[tuple[str, Place]]:
    """Everybody whom the rota names, each once, with the first place."""
    seen: set[str] = set()
    named: list[tuple[str, Place]] = []
    for layer in rota.layers:
        named += [(one, (*layer.place, "people", index)) for index, one in enumerate(layer.people)]
        if layer.holidays is not None:
            cover = layer.holidays.cover
            named += [(one, (*layer.place, "holidays", "cover", index)) for index, one in enumerate(cover)]
    named += [(one.person, (*one.place, "person")) for one in rota.overrides]
    for swap in rota.swaps:
        named += [
            (swap.one.person, (*swap.place, "one", "person")),
            (swap.other.person, (*swap.place, "other", "person")),
        ]
    for person, place in named:
        if person not in seen:
            seen.add(person)
            yield person, place


def _without_effect(rotas: Rotas, rota: Rota) -> Iterator[Problem]:
    """Swaps of shifts that are not there, overrides that contradict one another."""
    for index, swap in enumerate(rota.swaps):
        before = _as_before(rota, index)
        for name, given in (("one", swap.one), ("other", swap.other)):
            around = shifts_between(before, given.start_at, given.start_at + timedelta(minutes=1))
            if not any((one.person, one.start_at) == (given.person, given.start_at) for one in around):
                words = f"`{given.person}` has no shift that starts then, so nothing is exchanged"
                place = (*swap.place, name)
                yield _problem(rotas, rota, "change", given.start_at, None, (given.person,), words, place)
    for one, other in ((a, b) for i, a in enumerate(rota.overrides) for b in rota.overrides[i + 1 :]):
        both = one.start_at < other.end_at and other.start_at < one.end_at
        if both and one.person != other.person and not other.instead_of and not one.instead_of:
            since, until = max(one.start_at, other.start_at), min(one.end_at, other.end_at)
            words = f"two overrides speak of the same time; the later one in the file counts: `{other.person}`"
            yield _problem(rotas, rota, "change", since, until, (one.person, other.person), words, other.place)


def _as_before(rota: Rota, index: int) -> Rota:
    return replace(rota, swaps=rota.swaps[:index], overrides=())


def _unknown_holidays(rotas: Rotas, rota: Rota, since: datetime, until: datetime) -> Iterator[Problem]:
    """Time of which nobody knows the holidays: somebody would be planned who is away."""
    for layer in rota.layers:
        if layer.holidays is None:
            continue
        place = layer.holidays.place
        last = known_years(place)[1]
        end = datetime(last + 1, 1, 1, tzinfo=UTC)
        if end < until:
            words = f"the holidays of {place} are known to the end of {last} only; after that nobody is seen to be away"
            yield _problem(rotas, rota, "holidays", max(end, since), until, (), words, (*layer.place, "holidays"))


def _gaps(rotas: Rotas, rota: Rota, shifts: Sequence[Shift], since: datetime, until: datetime) -> Iterator[Problem]:
    for begin, end in _to_cover(rota, since, until):
        for start, stop, there in _counted(shifts, begin, end):
            if len(there) >= rota.seats:
                continue
            reason = _holiday_words(rota, start, stop)
            lacking = "nobody is on call" if not there else f"{len(there)} of {rota.seats} on call"
            place = _holiday_place(rota, start, stop) or rota.place
            yield _problem(rotas, rota, "gap", start, stop, there, f"{lacking}{reason}", place)


def _to_cover(rota: Rota, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    if rota.cover is None:
        yield since, until
        return
    for _, begin, end in spans_of(rota.cover, since, until):
        if begin < until and end > since:
            yield max(begin, since), min(end, until)


def _counted(
    shifts: Sequence[Shift], since: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime, tuple[str, ...]]]:
    """The span in pieces with who is on call in each; neighbours with the same people are one piece."""
    edges = {since, until}
    for shift in shifts:
        edges.update(edge for edge in (shift.start_at, shift.end_at) if since < edge < until)
    pieces: list[tuple[datetime, datetime, tuple[str, ...]]] = []
    for start, stop in pairwise(sorted(edges)):
        there = tuple(sorted({one.person for one in shifts if one.start_at <= start and one.end_at >= stop}))
        if pieces and pieces[-1][2] == there:
            pieces[-1] = (pieces[-1][0], stop, there)
        else:
            pieces.append((start, stop, there))
    yield from pieces


def _holidays_in(rota: Rota, start: datetime, stop: datetime) -> Iterator[tuple[str, Place]]:
    for layer in rota.layers:
        absent = layer.holidays
        if absent is None or absent.cover or absent.layer:
            continue
        for day, begin, end in spans_of(layer.hours, start, stop):
            name = is_holiday(absent.place, day) if begin < stop and end > start else ""
            if name:
                yield f"{name} in {absent.place}", (*layer.place, "holidays")


def _holiday_words(rota: Rota, start: datetime, stop: datetime) -> str:
    names = list(dict.fromkeys(name for name, _ in _holidays_in(rota, start, stop)))
    return f": {', '.join(names)}, and nobody covers" if names else ""


def _holiday_place(rota: Rota, start: datetime, stop: datetime) -> Place | None:
    return next((place for _, place in _holidays_in(rota, start, stop)), None)


def _crowds(rotas: Rotas, rota: Rota, shifts: Sequence[Shift], since: datetime, until: datetime) -> Iterator[Problem]:
    for start, stop, there in _counted(shifts, since, until):
        if len(there) > rota.seats:
            seats = "one seat" if rota.seats == 1 else f"{rota.seats} seats"
            words = f"{len(there)} people on call for {seats}"
            yield _problem(rotas, rota, "double", start, stop, there, words, rota.place)


def _twice(
    rotas: Rotas, everywhere: Sequence[tuple[Rota, Shift]], since: datetime, until: datetime
) -> Iterator[Problem]:
    """One person in two shifts at once: of two rotas, or of two layers of one."""
    by_person: dict[str, list[tuple[Rota, Shift]]] = {}
    for rota, shift in everywhere:
        by_person.setdefault(shift.person, []).append((rota, shift))
    for person, theirs in sorted(by_person.items()):
        found: dict[tuple[str, str], list[tuple[datetime, datetime, Rota, Shift]]] = {}
        for index, (rota, shift) in enumerate(theirs):
            for other_rota, other in theirs[index + 1 :]:
                start, stop = max(shift.start_at, other.start_at, since), min(shift.end_at, other.end_at, until)
                if start < stop:
                    spans = found.setdefault((rota.name, other_rota.name), [])
                    spans.append((start, stop, rota, other))
        for (name, other_name), spans in found.items():
            for start, stop, rota, other in _merged(spans):
                beside = f"for `{other_name}` too" if other_name != name else "in two shifts of this rota"
                words = f"`{person}` is on call {beside} at the same time"
                yield _problem(rotas, rota, "double", start, stop, (person,), words, other.place)


def _merged(
    spans: Sequence[tuple[datetime, datetime, Rota, Shift]],
) -> list[tuple[datetime, datetime, Rota, Shift]]:
    merged: list[tuple[datetime, datetime, Rota, Shift]] = []
    for start, stop, rota, shift in sorted(spans, key=lambda one: (one[0], one[1])):
        if merged and merged[-1][1] >= start:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]), merged[-1][2], merged[-1][3])
        else:
            merged.append((start, stop, rota, shift))
    return merged


def _rest(rotas: Rotas, everywhere: Sequence[tuple[Rota, Shift]]) -> Iterator[Problem]:
    by_person: dict[str, list[tuple[Rota, Shift]]] = {}
    for rota, shift in everywhere:
        if shift.end_at - shift.start_at < WHOLE_DAY:
            by_person.setdefault(shift.person, []).append((rota, shift))
    for person, theirs in sorted(by_person.items()):
        for (rota, shift), (_, after) in pairwise(sorted(theirs, key=lambda one: one[1])):
            pause = after.start_at - shift.end_at
            if timedelta() <= pause < REST and reaches_into_night(rota, shift):
                hours = pause / timedelta(hours=1)
                words = f"`{person}` has {hours:g} h between a night shift and the next one; expected at least 11 h"
                yield _problem(rotas, rota, "rest", shift.end_at, after.start_at, (person,), words, after.place)


def reaches_into_night(rota: Rota, shift: Shift) -> bool:
    """Whether a shift covers some of midnight to five, in the zone of its layer."""
    layer = next((one for one in rota.layers if one.name == shift.layer), rota.layers[0])
    zone = layer.hours.zone
    start, end = shift.start_at.astimezone(zone), shift.end_at.astimezone(zone)
    return start.time() < _NIGHT_ENDS or (end.date() > start.date() and end.time() > time())


def _problem(
    rotas: Rotas,
    rota: Rota,
    kind: Kind,
    start: datetime | None,
    end: datetime | None,
    people: tuple[str, ...],
    words: str,
    place: Place,
) -> Problem:
    return Problem(kind, rota.name, rota.role, rota.region, start, end, people, words, rotas.where(place))
