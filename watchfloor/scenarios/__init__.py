"""Scenarios: tests of runbooks that authors write, run on the real engine with time skipped.

`run_files` is the door: it reads scenario files, runs each scenario on a time-skipping server of its own with the
actions stubbed by name, and compares what happened with what was expected. Names are loaded when they are first used,
so that reading and checking a file needs no Temporal.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchfloor.scenarios.coverage import Coverage
    from watchfloor.scenarios.document import parse_scenarios
    from watchfloor.scenarios.files import Summary, find_scenario_files, run_files
    from watchfloor.scenarios.junit import render_junit
    from watchfloor.scenarios.model import Scenario
    from watchfloor.scenarios.outcome import Outcome

_PLACES = {
    "Coverage": "coverage",
    "Outcome": "outcome",
    "Scenario": "model",
    "Summary": "files",
    "find_scenario_files": "files",
    "parse_scenarios": "document",
    "render_junit": "junit",
    "run_files": "files",
}

__all__ = [
    "Coverage",
    "Outcome",
    "Scenario",
    "Summary",
    "find_scenario_files",
    "parse_scenarios",
    "render_junit",
    "run_files",
]


def __getattr__(name: str) -> object:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module `watchfloor.scenarios` has no attribute `{name}`")
    return getattr(import_module(f"watchfloor.scenarios.{place}"), name)
