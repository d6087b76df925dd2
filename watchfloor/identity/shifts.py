"""From rotas to shifts: who is on call between two instants, and at one. Pure: the same rota gives the same shifts.

Turns are counted from a layer's start date. A shift begins and ends by the wall clock: on the night in which clocks go
forward a night shift is an hour shorter, in autumn an hour longer. A time that the clock skips is the instant at which
it would have been without the change; a time that comes twice is the first of the two. As the end of a shift and the
start of the next are found the same way, a change of the clock opens no gap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import holidays
from dateutil.rrule import WEEKLY, rrule

from watchfloor.identity.rotas import Hours, Layer, Override, Rota, Shift, Swap

DAY = timedelta(days=1)
_REACH = timedelta(days=3)
"""A shift lasts a day at most; zones are up to 14 hours away from UTC."""


def shifts_between(rota: Rota, since: datetime, until: datetime) -> tuple[Shift, ...]:
    """Every shift that overlaps the span, as it was planned (not cut to the span), in the order of their starts.

    Args:
        rota: whose.
        since: aware.
        until: aware, exclusive.
    """
    planned = sorted(shift for layer in rota.layers for shift in _turns(rota, layer, since - _REACH, until + _REACH))
    for swap in rota.swaps:
        planned = _exchange(planned, swap)
    for override in _near(rota.overrides, since - _REACH, until + _REACH):
        planned = sorted(_override(rota, planned, override))
    return tuple(shift for shift in planned if shift.start_at < until and shift.end_at > since)


def on_call_at(rota: Rota, at: datetime) -> tuple[Shift, ...]:
    """Who is on call at an instant; nobody gives an empty tuple."""
    return tuple(shift for shift in shifts_between(rota, at, at + timedelta(microseconds=1)) if shift.start_at <= at)


def spans_of(hours: Hours, since: datetime, until: datetime) -> Iterator[tuple[date, datetime, datetime]]:
    """Each day with these hours that may overlap the span: its date, and the instants at which they begin and end."""
    first = since.astimezone(hours.zone).date() - DAY
    last = until.astimezone(hours.zone).date()
    rule = rrule(
        WEEKLY,
        byweekday=hours.days,
        dtstart=datetime.combine(first, time()),
        until=datetime.combine(last, time()),
    )
    over_midnight = hours.ends <= hours.begins
    for found in rule:
        day = found.date()
        begin = wall_clock(day, hours.begins, hours)
        end = wall_clock(day + DAY if over_midnight else day, hours.ends, hours)
        if begin < end:  # hours that lie wholly in a skipped hour are none
            yield day, begin, end


def wall_clock(day: date, at: time, hours: Hours) -> datetime:
    """The instant (UTC) of a time of day in the zone of these hours."""
    return datetime.combine(day, at, tzinfo=hours.zone).astimezone(UTC)


def is_holiday(place: str, day: date) -> str:
    """The name of the public holiday in a place on a day; empty on any other day."""
    return str(_calendar(place, day.year).get(day, ""))


def known_place(place: str) -> bool:
    """Whether the `holidays` package knows a country, or a part of one."""
    country, _, part = place.partition("-")
    supported = holidays.list_supported_countries(include_aliases=True)
    return country in supported and (not part or part in supported[country])


@lru_cache(maxsize=256)
def _calendar(place: str, year: int) -> holidays.HolidayBase:
    country, _, part = place.partition("-")
    return holidays.country_holidays(country, subdiv=part or None, years=year, expand=False)


def _turns(rota: Rota, layer: Layer, since: datetime, until: datetime) -> Iterator[Shift]:
    for day, begin, end in spans_of(layer.hours, since, until):
        if day < layer.start:
            continue
        absent = layer.holidays
        if absent is not None and is_holiday(absent.place, day):
            person = _stand_in(rota, layer, day)
            if person:
                yield Shift(begin, end, person, rota.name, layer.name, "holiday", layer.place)
            continue
        yield Shift(begin, end, _turn(layer.people, layer, day), rota.name, layer.name, "turn", layer.place)


def _turn(people: Sequence[str], layer: Layer, day: date) -> str:
    return people[(day - layer.start).days // (7 * layer.weeks) % len(people)]


def _stand_in(rota: Rota, layer: Layer, day: date) -> str:
    absent = layer.holidays
    if absent is None:
        return ""
    if absent.cover:
        return _turn(absent.cover, layer, day)
    other = next((one for one in rota.layers if one.name == absent.layer), None)
    return _turn(other.people, other, day) if other is not None and day >= other.start else ""


def _exchange(planned: Sequence[Shift], swap: Swap) -> list[Shift]:
    """Both shifts change hands, or, where one is not in view, the one that is."""
    changed = []
    for shift in planned:
        person = shift.person
        if (person, shift.start_at) == (swap.one.person, swap.one.start_at):
            person = swap.other.person
        elif (person, shift.start_at) == (swap.other.person, swap.other.start_at):
            person = swap.one.person
        changed.append(shift if person == shift.person else replace(shift, person=person, why="swap", place=swap.place))
    return changed


def _near(overrides: Sequence[Override], since: datetime, until: datetime) -> tuple[Override, ...]:
    """Those that can change a shift of the span: they overlap it, or one that does. Others cost time only."""
    while True:
        found = tuple(one for one in overrides if one.start_at < until and one.end_at > since)
        first = min([since, *(one.start_at for one in found)])
        last = max([until, *(one.end_at for one in found)])
        if (first, last) == (since, until):
            return found
        since, until = first, last


def _override(rota: Rota, planned: Sequence[Shift], override: Override) -> Iterator[Shift]:
    """What is left of the others before and after, and the override itself."""
    for shift in planned:
        concerned = not override.instead_of or shift.person == override.instead_of
        if not concerned or shift.end_at <= override.start_at or shift.start_at >= override.end_at:
            yield shift
            continue
        if shift.start_at < override.start_at:
            yield replace(shift, end_at=override.start_at)
        if shift.end_at > override.end_at:
            yield replace(shift, start_at=override.end_at)
    yield Shift(override.start_at, override.end_at, override.person, rota.name, "", "override", override.place)
