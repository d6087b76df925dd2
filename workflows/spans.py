"""Legal and written durations, computed in UTC and purely. Months keep the day where the month has it; business days
leave out Saturdays, Sundays and the law's holidays and keep the time of day, which is never later than the end of the
last day that Regulation (EEC, Euratom) 1182/71, Article 3, would give.

With a calendar of a place, days are that place's days: the day of the event does not count, and the last one ends at
the place's midnight (the same Article 3). What the place's clocks and holidays are stands in the plan."""

import calendar
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from schemas.plan import Calendar, ClockLaw
from watchfloor.signing import parse_instant


def add_months(at: datetime, months: int) -> datetime:
    """The same day so many months later, or that month's last day."""
    years, month = divmod(at.month - 1 + months, 12)
    year = at.year + years
    day = min(at.day, calendar.monthrange(year, month + 1)[1])
    return at.replace(year=year, month=month + 1, day=day)


def add_business_days(at: datetime, days: int, holidays: Sequence[str] = ()) -> datetime:
    """The same time of day so many business days later; `holidays` are ISO dates."""
    closed = {date.fromisoformat(one) for one in holidays}
    left = days
    while left > 0:
        at += timedelta(days=1)
        if at.weekday() < 5 and at.date() not in closed:
            left -= 1
    return at


def find_due(law: ClockLaw, started: datetime) -> datetime | None:
    """When a clock under this law is due; None where neither the law nor an own target gives a number."""
    started = started.astimezone(UTC)
    known = law.get("calendar")
    if known is not None:
        return find_midnight(known, find_last_day(law, known, started) + timedelta(days=1))
    if law["months"] is not None:
        return add_months(started, law["months"])
    if law["business_days"] is not None:
        return add_business_days(started, law["business_days"], law["holidays"])
    seconds = law["duration"] if law["duration"] is not None else law["internal_slo"]
    return None if seconds is None else started + timedelta(seconds=seconds)


def find_last_day(law: ClockLaw, known: Calendar, started: datetime) -> date:
    """The last day of a period that is counted in days of a place, as that place names the day."""
    day = find_day(known, started)
    if law["months"] is not None:
        return add_months(datetime(day.year, day.month, day.day), law["months"]).date()
    if law["business_days"] is None:
        return day + timedelta(days=int((law["duration"] or 0) // 86_400))
    left = law["business_days"]
    while left > 0:
        day += timedelta(days=1)
        left -= is_business_day(known, law, day)
    return day


def is_business_day(known: Calendar, law: ClockLaw, day: date) -> bool:
    """Whether a place works on a day; the row's own holidays are left out too."""
    written = day.isoformat()
    if written in known["holidays"] or written in law["holidays"]:
        return False
    return day.weekday() not in known["weekend"] or written in known["workdays"]


def find_day(known: Calendar, at: datetime) -> date:
    """The day that it is at a place."""
    offset = known["offsets"][0][1]
    for since, seconds in known["offsets"]:
        if parse_instant(since) <= at:
            offset = seconds
    return (at.astimezone(UTC) + timedelta(seconds=offset)).date()


def find_midnight(known: Calendar, day: date) -> datetime:
    """The first instant at which it is this day at a place, also where its clocks change at midnight."""
    local = datetime(day.year, day.month, day.day, tzinfo=UTC)
    offsets = known["offsets"]
    for number, (since, seconds) in enumerate(offsets):
        begin = parse_instant(since)
        at = local - timedelta(seconds=seconds)
        if number and at < begin:
            # the hour of midnight is left out by the change, or the day began right with it
            at = begin
        if number + 1 == len(offsets) or at < parse_instant(offsets[number + 1][0]):
            return at
    raise AssertionError("a calendar has one offset at least")


def find_unknown(law: ClockLaw, started: datetime) -> str | None:
    """The day up to which (or from which on) the plan knows the calendar of a period that reaches beyond; None when it
    knows it all. Without a place a row knows the holidays of the years of which it names some itself."""
    known = law.get("calendar")
    if known is None:
        return _find_unnamed(law, started)
    if find_day(known, started).isoformat() < known["known_from"]:
        return known["known_from"]
    return known["known_until"] if find_last_day(law, known, started).isoformat() > known["known_until"] else None


def _find_unnamed(law: ClockLaw, started: datetime) -> str | None:
    due = find_due(law, started) if law["business_days"] is not None and law["holidays"] else None
    if due is None:
        return None
    first, last = f"{min(law['holidays'])[:4]}-01-01", f"{max(law['holidays'])[:4]}-12-31"
    if started.date().isoformat() < first:
        return first
    return last if due.date().isoformat() > last else None
