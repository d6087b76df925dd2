"""Priority: the more urgent of severity and clock, at the moment it is looked at."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.signing import find_priority, press, render_instant

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
HOUR = (render_instant(START), render_instant(START + timedelta(hours=1)))
DAY = (render_instant(START), render_instant(START + timedelta(days=1)))


@pytest.mark.parametrize(
    ("minutes", "priority"),
    [(0, "P3"), (29, "P3"), (30, "P3"), (31, "P1"), (45, "P1"), (46, "P0"), (60, "P0"), (600, "P0")],
)
def test_a_small_matter_becomes_urgent_with_its_deadline(minutes: int, priority: str) -> None:
    assert find_priority("S3", press([HOUR]), START + timedelta(minutes=minutes)) == priority


def test_a_grave_matter_with_time_is_as_urgent_as_it_is_grave() -> None:
    pressed = press([DAY])
    assert find_priority("S0", pressed, START) == "P0"
    assert find_priority("S1", pressed, START + timedelta(hours=1)) == "P1"
    assert find_priority("S2", "", START) == "P2"


def test_the_nearest_of_several_clocks_counts() -> None:
    assert find_priority("S4", press([DAY, HOUR]), START + timedelta(minutes=50)) == "P0"


@pytest.mark.parametrize("said", ["", "/", "x/y", "2026-11-22T03:00:00Z", "\u202e/\u202e"])
def test_what_cannot_be_read_presses_nobody(said: str) -> None:
    assert find_priority("S3", said, START + timedelta(days=9)) == "P3"
    assert find_priority("Sx", said, START) == "P4"


@given(st.sampled_from(["S0", "S1", "S2", "S3", "S4"]), st.integers(-10, 10_000), st.integers(1, 100_000))
def test_time_alone_never_makes_it_less_urgent(severity: str, minutes: int, seconds: int) -> None:
    pressed = press([(render_instant(START), render_instant(START + timedelta(seconds=seconds)))])
    then = START + timedelta(minutes=minutes)
    later = then + timedelta(minutes=1)
    assert find_priority(severity, pressed, later) <= find_priority(severity, pressed, then)
    assert find_priority(severity, pressed, then)[1] <= severity[1]
