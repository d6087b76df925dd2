"""Days as a place counts them: the workflow's table against an independent computation from zone files and holidays."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.plan import ClockLaw
from schemas.register import RegisterRow
from watchfloor.language.calendars import find_place_fault, find_zone_fault
from watchfloor.language.register import law_of
from workflows.spans import find_due, find_unknown

ZONES = ["Europe/Dublin", "Europe/Berlin", "America/Los_Angeles", "America/New_York", "Australia/Lord_Howe"]
ODD = ["Asia/Kathmandu", "Pacific/Apia", "Africa/Cairo", "America/Havana", "America/Santiago", "Africa/Casablanca"]
"""Offsets of a quarter of an hour, and places whose clocks change at midnight itself."""


def law(zone: str, *, duration=None, business_days=None, months=None, place="", extra=()) -> ClockLaw:
    row: RegisterRow = {
        "id": "test.row",
        "kind": "deadline",
        "title": "",
        "legal_ref": "",
        "duration": duration,
        "business_days": business_days,
        "months": months,
        "internal_slo": None,
        "basis": "P",
        "owner": "us",
        "review_after": "2027-05-01",
        "holidays": list(extra),
        "counted": {"kind": "business_days" if business_days else "calendar_days", "zone": zone, "place": place},
    }
    return law_of(row)


def first_instant(zone: str, day: date) -> datetime:
    """The first minute at which it is this day at a place, found by looking at the clock on the wall."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=16)
    while at.astimezone(ZoneInfo(zone)).date() < day:
        at += timedelta(minutes=15)
    return at


instants = st.datetimes(datetime(2025, 1, 1), datetime(2029, 12, 1), timezones=st.just(UTC))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ZONES + ODD), instants, st.integers(1, 90))
@example("Africa/Cairo", datetime(2026, 4, 22, 12, tzinfo=UTC), 1)
@example("Africa/Cairo", datetime(2026, 10, 28, 12, tzinfo=UTC), 1)
@example("America/Havana", datetime(2027, 10, 30, 12, tzinfo=UTC), 1)
@example("Europe/Berlin", datetime(2026, 3, 28, 22, 59, 59, tzinfo=UTC), 1)
@example("Europe/Berlin", datetime(2026, 3, 28, 23, 0, 0, tzinfo=UTC), 1)
def test_calendar_days_end_at_the_midnight_of_their_place(zone: str, started: datetime, days: int) -> None:
    wanted = first_instant(zone, started.astimezone(ZoneInfo(zone)).date() + timedelta(days=days + 1))
    assert find_due(law(zone, duration=days * 86_400.0), started) == wanted


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES), instants, st.integers(1, 24))
def test_calendar_months_end_with_the_same_day_or_the_last(zone: str, started: datetime, months: int) -> None:
    last = started.astimezone(ZoneInfo(zone)).date() + relativedelta(months=months)
    assert find_due(law(zone, months=months), started) == first_instant(zone, last + timedelta(days=1))


PLACES = [
    ("DE-BY", "Europe/Berlin"),
    ("US-CA", "America/Los_Angeles"),
    ("IE", "Europe/Dublin"),
    ("IN", "Asia/Kolkata"),
    ("AU-NSW", "Australia/Sydney"),
    ("HU", "Europe/Budapest"),
    ("IL", "Asia/Jerusalem"),
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PLACES), instants, st.integers(1, 30))
@example(("DE-BY", "Europe/Berlin"), datetime(2026, 12, 23, 12, tzinfo=UTC), 3)
@example(("HU", "Europe/Budapest"), datetime(2026, 1, 8, 12, tzinfo=UTC), 2)
def test_business_days_leave_out_weekends_and_the_holidays_of_their_place(
    place: tuple[str, str], started: datetime, days: int
) -> None:
    country, _, part = place[0].partition("-")
    known = holidays.country_holidays(country, subdiv=part or None)
    last = known.get_nth_working_day(started.astimezone(ZoneInfo(place[1])).date() + timedelta(days=1), 0)
    for _ in range(days - 1):
        last = known.get_nth_working_day(last, 1)
    due = find_due(law(place[1], business_days=days, place=place[0]), started)
    assert due == first_instant(place[1], last + timedelta(days=1))


def test_the_christmas_of_a_place_is_left_out_and_a_rows_own_day_too() -> None:
    started = datetime(2026, 12, 23, 12, tzinfo=UTC)
    plain = law("Europe/Berlin", business_days=2, place="DE")
    assert find_due(plain, started) == datetime(2026, 12, 28, 23, tzinfo=UTC)
    shut = law("Europe/Berlin", business_days=2, place="DE", extra=["2026-12-28"])
    assert find_due(shut, started) == datetime(2026, 12, 29, 23, tzinfo=UTC)


def test_hours_run_across_a_change_of_clocks_as_if_there_were_none() -> None:
    hours = law("Europe/Berlin", duration=3600.0)
    del hours["calendar"]
    begun = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert find_due(hours, begun) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("started", "known"),
    [
        (datetime(2023, 12, 31, 12, tzinfo=UTC), "2024-01-01"),
        (datetime(2026, 5, 1, tzinfo=UTC), None),
        (datetime(2030, 12, 20, tzinfo=UTC), "2030-12-31"),
    ],
)
def test_a_period_beyond_the_table_says_so(started: datetime, known: str | None) -> None:
    assert find_unknown(law("Europe/Berlin", business_days=10, place="DE"), started) == known


def test_a_place_of_which_the_package_knows_no_later_year_has_no_years_without_holidays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The package knows Sri Lanka to 2026; a table that went on would count its holidays as business days, unsaid."""
    monkeypatch.setattr(type(holidays.country_holidays("DE")), "end_year", 2027)
    begun = datetime(2027, 12, 27, tzinfo=UTC)
    short, long = (law("Europe/Berlin", business_days=10, place=place) for place in ("DE", "FR"))
    assert (short["calendar"]["known_until"], find_unknown(short, begun)) == ("2027-12-31", "2027-12-31")
    assert (long["calendar"]["known_until"], find_unknown(long, begun)) == ("2030-12-31", None)
    monkeypatch.setattr(type(holidays.country_holidays("DE")), "end_year", 2020)
    ended = law("Europe/Berlin", business_days=10, place="DE")
    assert find_unknown(ended, datetime(2026, 5, 1, tzinfo=UTC)) == "2020-12-31"


@pytest.mark.parametrize(
    ("started", "known"),
    [
        (datetime(2024, 12, 30, tzinfo=UTC), "2025-01-01"),
        (datetime(2026, 12, 10, tzinfo=UTC), None),
        (datetime(2026, 12, 28, tzinfo=UTC), "2026-12-31"),
        (datetime(2027, 5, 1, tzinfo=UTC), "2026-12-31"),
    ],
)
def test_days_that_a_row_names_itself_end_with_the_last_year_that_it_names(
    started: datetime, known: str | None
) -> None:
    row = law("UTC", business_days=5, extra=["2025-12-25", "2026-12-25"])
    del row["calendar"]
    assert find_unknown(row, started) == known
    assert find_unknown({**row, "holidays": []}, started) is None, "it never promised to know any"


def test_the_table_is_the_same_whenever_it_is_written_and_reaches_as_far_as_the_row() -> None:
    long = law("America/New_York", months=120)
    assert long == law("America/New_York", months=120)
    assert long["calendar"]["known_until"] == "2040-12-31"
    assert len(long["calendar"]["offsets"]) > 30


def test_a_zone_or_place_nobody_knows_is_said() -> None:
    assert find_zone_fault("Europe/Dublin") == find_place_fault("AU-NSW") == ""
    for wrong in ("Europe/Nowhere", "/etc/localtime", "..", "europe/dublin\n"):
        assert "no time zone" in find_zone_fault(wrong)
    assert "country `QQ`" in find_place_fault("QQ")
    assert "part `XX`" in find_place_fault("DE-XX")
    assert "no country" in find_place_fault("germany")
