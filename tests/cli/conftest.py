"""Shared fixtures of the command line's tests."""

from datetime import UTC, datetime

import pytest


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own region, person, home or cluster must not leak into a test."""
    for name in (
        "WATCHFLOOR_HOME",
        "WATCHFLOOR_REGION",
        "WATCHFLOOR_PERSON",
        "WATCHFLOOR_EMBEDDED",
        "TEMPORAL_ADDRESS",
        "TEMPORAL_PROFILE",
        "TEMPORAL_NAMESPACE",
    ):
        monkeypatch.delenv(name, raising=False)
