"""Legal durations in UTC."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.workflows.builder import law
from workflows.addresses import child_id
from workflows.spans import add_business_days, add_months, find_due


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-01-31T10:00:00", 1, "2026-02-28T10:00:00"),
        ("2028-01-31T10:00:00", 1, "2028-02-29T10:00:00"),
        ("2026-11-22T03:10:00", 6, "2027-05-22T03:10:00"),
        ("2026-12-31T00:00:00", 12, "2027-12-31T00:00:00"),
        ("2024-02-29T12:00:00", 12, "2025-02-28T12:00:00"),
    ],
)
def test_months_keep_the_day_where_there_is_one(start: str, months: int, end: str) -> None:
    assert add_months(at(start), months) == at(end)


@pytest.mark.parametrize(
    ("start", "days", "holidays", "end"),
    [
        ("2026-11-20T15:00:00", 1, [], "2026-11-23T15:00:00"),
        ("2026-11-21T15:00:00", 1, [], "2026-11-23T15:00:00"),
        ("2026-12-23T15:00:00", 3, ["2026-12-25", "2026-12-24"], "2026-12-30T15:00:00"),
        ("2026-11-23T15:00:00", 10, [], "2026-12-07T15:00:00"),
        ("2026-11-23T15:00:00", 0, [], "2026-11-23T15:00:00"),
    ],
)
def test_business_days_leave_out_weekends_and_holidays(start: str, days: int, holidays: list, end: str) -> None:
    assert add_business_days(at(start), days, holidays) == at(end)


def test_a_law_without_a_number_gives_no_due_instant_unless_there_is_an_own_target() -> None:
    start = at("2026-11-22T00:00:00")
    assert find_due(law(duration=None), start) is None
    assert find_due(law(duration=None, internal_slo=600.0), start) == start + timedelta(minutes=10)
    assert find_due(law(duration=None, months=1), start) == at("2026-12-22T00:00:00")


def test_child_ids_are_deterministic_and_differ_by_path() -> None:
    one = child_id("hold", "inc-a", "legal_hold/hold")
    assert one == child_id("hold", "inc-a", "legal_hold/hold")
    assert one.startswith("hold-")
    assert len({one, child_id("hold", "inc-a", "legal_hold/other"), child_id("hold", "inc-b", "legal_hold/hold")}) == 3
