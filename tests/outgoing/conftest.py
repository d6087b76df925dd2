"""A floor for each test; the library that verifies lives in the same time."""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from pathlib import Path

import pytest
from standardwebhooks import webhooks

from tests.outgoing.floor import Floor


@pytest.fixture
def floor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Floor]:
    made = Floor(tmp_path)

    class Time(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return made.clock().astimezone(tz)

    monkeypatch.setattr(webhooks, "datetime", Time)
    yield made
    made.close()
