"""Legal and written durations, computed in UTC and purely. Months keep the day where the month has it; business days
leave out Saturdays, Sundays and the law's holidays and keep the time of day, which is never later than the end of the
last day that Regulation (EEC, Euratom) 1182/71, Article 3, would give."""

import calendar
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from schemas.plan import ClockLaw


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
    if law["months"] is not None:
        return add_months(started, law["months"])
    if law["business_days"] is not None:
        return add_business_days(started, law["business_days"], law["holidays"])
    seconds = law["duration"] if law["duration"] is not None else law["internal_slo"]
    return None if seconds is None else started + timedelta(seconds=seconds)
