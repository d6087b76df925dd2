"""Days as a place counts them, written out for a plan: its offsets from UTC, its weekend, its public holidays.

A workflow must not read time zone files or compute holidays: another worker, a year later, would have other ones. So
the compiler writes out what they say today, for the years around the row's day of review; a plan is then the same
whenever it is compiled from the same register. Sources: the IANA time zone database and the package `holidays`.
"""

import re
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from schemas.plan import Calendar, ClockLaw
from schemas.register import CalendarRule, RegisterRow

BEFORE = 3
"""Years before the year of review that a table knows: facts may lie in the past."""
AFTER = 3
"""Years after it, on top of the row's own length."""
_ZONE = re.compile(r"[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*){0,2}\Z")
_PLACE = re.compile(r"([A-Z]{2})(?:-([A-Za-z0-9]{1,8}))?\Z")


def find_zone_fault(zone: str) -> str:
    """Why this is no time zone; empty when it is one."""
    if _ZONE.match(zone):
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError):
            pass
        else:
            return ""
    return f"`{zone[:80]}` is no time zone of the IANA database"


def find_place_fault(place: str) -> str:
    """Why no holidays are known of this place; empty when they are."""
    match = _PLACE.match(place)
    if match is None:
        return f"`{place[:80]}` is no country or part of one"
    parts = _countries().get(match[1])
    if parts is None:
        return f"no holidays are known of the country `{match[1]}`"
    if match[2] and match[2] not in parts:
        return f"no holidays are known of the part `{match[2]}` of `{match[1]}`"
    return ""


def write_out(rule: CalendarRule, law: ClockLaw) -> Calendar:
    """The table for one row, from three years before its review to three years after the longest it may run; of a place
    no years of which the package knows nothing, for those would look like years without a holiday."""
    review = date.fromisoformat(law["review_after"]).year
    known_from, known_until = known_years(rule["place"])
    last = min(review + AFTER + find_longest(law).days // 365, known_until)
    first = min(max(review - BEFORE, known_from), last)
    table = _holidays(rule["place"], first, last)
    return {
        "kind": rule["kind"],
        "zone": rule["zone"],
        "place": rule["place"],
        "weekend": table["weekend"],
        "workdays": table["workdays"],
        "holidays": table["holidays"],
        "offsets": _offsets(rule["zone"], first, last),
        "known_from": date(first, 1, 1).isoformat(),
        "known_until": date(last, 12, 31).isoformat(),
    }


def find_longest(law: ClockLaw) -> timedelta:
    """What a period of this row takes at most, by a calendar with many holidays; pauses and renewals apart."""
    days = 366 * -(-(law["months"] or 0) // 12) + (law["duration"] or 0) / 86_400 + 2 * (law["business_days"] or 0)
    return timedelta(days=int(days))


def find_end(row: RegisterRow) -> date | None:
    """The last day that the calendar of a row knows; None where it counts by none."""
    rule = row.get("counted")
    if rule is not None:
        return date.fromisoformat(write_out(rule, row)["known_until"])
    own = row["holidays"] if row["business_days"] is not None else []
    return date(int(max(own)[:4]), 12, 31) if own else None


def known_years(place: str) -> tuple[int, int]:
    """The first and the last year of which the package knows the holidays of a place."""
    if not place:
        return date.min.year, date.max.year
    import holidays

    country, _, part = place.partition("-")
    made = holidays.country_holidays(country, subdiv=part or None)
    return made.start_year, made.end_year


def name_holidays(place: str, first: int, last: int) -> dict[str, str]:
    """Public holidays of a place in some years: day -> name, in the library's words."""
    return dict(_holidays(place, first, last)["names"])


@cache
def _countries() -> dict[str, list[str]]:
    import holidays

    found: dict[str, list[str]] = holidays.list_supported_countries()
    return found


@cache
def _holidays(place: str, first: int, last: int) -> dict[str, Any]:
    if not place:
        return {"weekend": [5, 6], "workdays": [], "holidays": [], "names": {}}
    import holidays

    country, _, part = place.partition("-")
    made = holidays.country_holidays(country, subdiv=part or None, years=range(first, last + 1), language="en_US")
    # the package fills in the years around when it is asked; only those promised are written out
    names = {day.isoformat(): name for day, name in sorted(made.items()) if first <= day.year <= last}
    worked = sorted(day.isoformat() for day in made.weekend_workdays if first <= day.year <= last)
    return {"weekend": sorted(made.weekend), "workdays": worked, "holidays": list(names), "names": names}


@cache
def _offsets(zone: str, first: int, last: int) -> list[tuple[str, int]]:
    """Every change of a zone's offset between two years, to the second."""
    place = ZoneInfo(zone)

    def offset(at: datetime) -> int:
        found = at.astimezone(place).utcoffset()
        return int(found.total_seconds()) if found is not None else 0

    # a day before, so that the first midnight of the table is known wherever the place lies
    at = datetime(first, 1, 1, tzinfo=UTC) - timedelta(days=2)
    end = datetime(last + 1, 1, 1, tzinfo=UTC) + timedelta(days=2)
    found = [(_render(at), offset(at))]
    while at < end:
        after = at + timedelta(days=1)
        if offset(after) != offset(at):
            low, high = at, after
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                middle = middle.replace(microsecond=0)
                low, high = (middle, high) if offset(middle) == offset(at) else (low, middle)
            found.append((_render(high), offset(high)))
        at = after
    return found


def _render(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
