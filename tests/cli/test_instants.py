"""Instants are read at three in the morning: UTC first, the day only when it is another one."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from watchfloor.cli.instants import ago, clock_time, left, span

NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
TOKYO = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("at", "local", "told"),
    [
        ("2026-11-22T23:45:00Z", UTC, "23:45:00Z"),
        ("2026-11-23T00:10:00Z", UTC, "2026-11-23 00:10:00Z"),
        ("2026-11-22T14:00:00Z", TOKYO, "14:00:00Z (23:00 local)"),
        ("2026-11-22T23:45:00Z", TOKYO, "23:45:00Z (Mon 08:45 local)"),
        (None, UTC, "—"),
    ],
)
def test_an_instant(at: str | None, local: timezone, told: str) -> None:
    assert clock_time(at, NOW, local=local) == told


def test_what_is_left_and_what_is_over() -> None:
    assert left("2026-11-22T23:49:58Z", NOW) == "19m 58s left"
    assert left("2026-11-22T23:29:00Z", NOW) == "1m over"
    assert left("2026-11-22T23:30:00Z", NOW) == "0s left"
    assert left(None, NOW) == "no deadline"


def test_what_was() -> None:
    assert ago("2026-11-22T23:30:00.400000Z", NOW) == "now"
    assert ago("2026-11-22T23:26:00Z", NOW) == "4m ago"
    assert span(59.6) == "1m"
