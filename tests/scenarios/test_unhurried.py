"""Two actions of a scenario that end in one instant, one of which the end of the run cancels, do not stall it."""

import importlib
from pathlib import Path

import pytest

from watchfloor.scenarios import run_files

FOLDER = Path(__file__).parents[1] / "fixtures" / "runbooks" / "screened-report"
TIMES = 4
"""Without the moment every second attempt stalls."""


def test_an_action_that_is_cancelled_as_it_ends_stalls_no_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("watchfloor.scenarios.play"), "ATTEMPTS", 1)
    for _ in range(TIMES):
        summary = run_files([FOLDER], match="a life is in danger")
        assert [one.passed for one in summary.outcomes] == [True]
