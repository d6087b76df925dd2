"""When a clock of the register would be due, step by step, in words that a lawyer can check with a calendar.

The instant comes from the same function that a run computes it with; the words only say what that function did.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import cast

from schemas.plan import Calendar, ClockLaw
from schemas.register import RegisterRow
from watchfloor.drawing import render_span
from watchfloor.language.calendars import name_holidays
from watchfloor.language.register import law_of
from workflows.spans import find_day, find_due, find_last_day, find_unknown, is_business_day

_MOST_SKIPPED = 60
"""Days left out that are named one by one; more are counted."""


@dataclass(frozen=True, slots=True)
class Reckoning:
    """`due_at` is None for rows that set no time; `known` is the day beyond which no calendar is known."""

    started_at: datetime
    due_at: datetime | None
    steps: tuple[str, ...]
    known: str | None


def reckon(row: RegisterRow, started_at: datetime) -> Reckoning:
    """Compute the due instant of a row from an instant, and say how.

    Args:
        started_at: aware; when the fact was there that starts the clock.
    """
    law = law_of(row)
    started = started_at.astimezone(UTC)
    due = None if row["kind"] == "info" else find_due(law, started)
    if due is None:
        return Reckoning(started, None, ("this row sets no time: it is a condition or a threshold",), None)
    steps = tuple(_steps(law, started, due))
    return Reckoning(started, due, steps, find_unknown(law, started))


def _steps(law: ClockLaw, started: datetime, due: datetime) -> Iterator[str]:
    known = law.get("calendar")
    where = f" in {known['zone']}" if known is not None else ""
    day = find_day(known, started) if known is not None else started.date()
    yield f"the fact that starts it: {_at(started)}" + (f", which is {_day(day)}{where}" if known is not None else "")
    if known is not None:
        yield "the day of the event does not count"
    if law["business_days"] is not None:
        yield from _business_days(law, known, day, due)
    elif known is not None and law["months"] is None:
        days = int((law["duration"] or 0) // 86_400)
        yield f"{days} calendar days later is {_day(find_last_day(law, known, started))}"
    elif law["months"] is not None:
        months = f"{law['months']} calendar month" + ("" if law["months"] == 1 else "s")
        last = find_last_day(law, known, started) if known is not None else due.date()
        shorter = ", the last day of a shorter month" if last.day != day.day else ""
        yield f"{months} later is {_day(last)}{shorter}"
    elif law["duration"] is not None:
        yield f"{_span(law['duration'])} on the wall clock"
    else:
        yield f"the law gives no number; our own objective is {_span(law['internal_slo'] or 0)}"
    if known is not None:
        before, after = _offset(known, started), _offset(known, due)
        yield f"the last day ends at midnight{where}, {_utc(after)}"
        if before != after:
            yield f"the clocks there change meanwhile, from {_utc(before)} to {_utc(after)}"
    yield f"due: {_at(due)}"


def _business_days(law: ClockLaw, known: Calendar | None, day: date, due: datetime) -> Iterator[str]:
    """Each day that is left out by name, then the last that counts."""
    place = known["place"] if known is not None else ""
    plain: Calendar = known or {
        "kind": "business_days",
        "zone": "UTC",
        "place": "",
        "weekend": [5, 6],
        "workdays": [],
        "holidays": [],
        "offsets": [(day.isoformat() + "T00:00:00Z", 0)],
        "known_from": "",
        "known_until": "",
    }
    names = name_holidays(place, day.year - 1, due.year + 1) if place else {}
    left, skipped = law["business_days"] or 0, list[str]()
    while left > 0:
        day += timedelta(days=1)
        if is_business_day(plain, law, day):
            left -= 1
        else:
            skipped.append(f"{_day(day)}: {_why(law, plain, day, names)}")
    for words in skipped[:_MOST_SKIPPED]:
        yield f"left out: {words}"
    if len(skipped) > _MOST_SKIPPED:
        yield f"left out: {len(skipped) - _MOST_SKIPPED} more days"
    yield f"business day {law['business_days']} is {_day(day)}"
    if known is None:
        yield "counted in UTC without public holidays, the time of day kept"


def _why(law: ClockLaw, known: Calendar, day: date, names: dict[str, str]) -> str:
    written = day.isoformat()
    if written in known["holidays"]:
        return f"{names.get(written, 'a public holiday')} ({known['place']})"
    return "a day that the row leaves out" if written in law["holidays"] else "weekend"


def with_place(row: RegisterRow, place: str, zone: str) -> RegisterRow:
    """A row counted in the business days of another place."""
    return cast(RegisterRow, {**row, "counted": {"kind": "business_days", "zone": zone, "place": place}})


def _span(seconds: float) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours:g} h" if not rest and hours <= 96 else render_span(seconds)


def _offset(known: Calendar, at: datetime) -> int:
    offsets = [seconds for since, seconds in known["offsets"] if datetime.fromisoformat(since) <= at]
    return offsets[-1] if offsets else known["offsets"][0][1]


def _utc(seconds: int) -> str:
    sign, (hours, minutes) = ("-" if seconds < 0 else "+"), divmod(abs(seconds) // 60, 60)
    return f"UTC{sign}{hours:02d}:{minutes:02d}"


def _day(day: date) -> str:
    return f"{day:%a %Y-%m-%d}"


def _at(at: datetime) -> str:
    return f"{at:%a %Y-%m-%d %H:%M:%S}Z"
