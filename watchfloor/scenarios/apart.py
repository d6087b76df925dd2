"""`python -m watchfloor.scenarios.apart`: one rehearsal in a process of its own, asked for and told in JSON.

For a face that must go on answering meanwhile: playing takes a processor for seconds, and whoever asked may kill it.
It reads one request from standard input and writes one document. Nothing outside is touched: it opens no store, no
connection and no key of a region; the engine is a time-skipping server of its own.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.plan import Plan
from watchfloor.client.errors import ClientError, NotFound
from watchfloor.client.library import find_runbook, library_ids, plan_for_start
from watchfloor.client.orders import Order
from watchfloor.runtime.leaving import leave
from watchfloor.scenarios.document import parse_scenarios
from watchfloor.scenarios.files import CONTRACTS, NAME, run_files
from watchfloor.scenarios.improvising import names_of
from watchfloor.scenarios.model import Assumptions, Scenario
from watchfloor.scenarios.outcome import Outcome
from watchfloor.scenarios.rehearsal import Rehearsal, Wish, rehearse, usual_choices
from watchfloor.scenarios.rehearsal_report import as_document

MARKS = {
    "step": "steps",
    "branch": "branches",
    "option": "options",
    "approval": "outcomes of approvals",
    "silence": "kinds of silence",
}
NICE = 10
"""A rehearsal yields to everything that is real."""


class Request(BaseModel):
    """What is to be rehearsed.

    `scenario` plays one as its author wrote it, with what it expects; `what_if` takes that one's order, its
    systems and its facts and assumes the usual answers of people, but for the asks in `silent` and the actions in
    `failing`; `all` plays every one and says what of the
    runbook was carried out.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    what: Literal["scenario", "what_if", "all"]
    runbook: str = Field(max_length=80)
    scenario: str = Field(default="", max_length=300)
    silent: list[str] = Field(default_factory=list, max_length=20)
    failing: dict[str, str] = Field(default_factory=dict, max_length=20)


def list_scenarios(runbook: str) -> list[Scenario]:
    """The scenarios of a runbook of the library; none where it has no file or the file does not read.

    Raises:
        NotFound: no runbook of this id.
    """
    file = scenario_file(runbook)
    if not file.is_file():
        return []
    scenarios, findings = parse_scenarios(file.read_bytes(), path=file.name, catalog=CONTRACTS)
    return [] if any(one.is_error for one in findings) else scenarios


def scenario_file(runbook: str) -> Path:
    """Where the scenarios of a runbook of the library stand.

    Raises:
        NotFound: no runbook of this id.
    """
    if runbook not in library_ids():
        raise NotFound("no runbook of this id in the library")
    return find_runbook(runbook).with_name(NAME)


def answer(request: Request) -> dict[str, Any]:
    """Rehearse, and give the document.

    Raises:
        NotFound: no such runbook, scenario, ask or action; or the engine could not play it.
        FileNotFoundError: the time-skipping server is not installed.
    """
    if request.what == "all":
        return _answer_all(request.runbook)
    scenario = next((one for one in list_scenarios(request.runbook) if one.name == request.scenario), None)
    if scenario is None:
        raise NotFound("no scenario of this name")
    plan, digest = plan_for_start(request.runbook)
    if request.what == "what_if":
        assume = Assumptions(silent=frozenset(request.silent), usual=usual_choices(plan))
        order = Order("rehearsal", "rehearsal", "", scenario.requester, scenario.inputs)
        found = rehearse(plan, digest, order, assume, Wish({}, request.failing, {}), within=scenario)
        return {**as_document(found), "untried": _list_untried(request, found)}
    played = run_files([scenario_file(request.runbook)], match=scenario.name, at_once=1).outcomes
    outcome = next(one for one in played if one.scenario.name == scenario.name)
    return {
        **_document(plan, outcome),
        "passed": outcome.passed,
        "deviations": [one.message for one in outcome.deviations],
    }


def _list_untried(request: Request, found: Rehearsal) -> list[str]:
    """What was wished and never came to pass: an ask that nobody was asked, an action that was not called. Without this
    a rehearsal that ends well would seem to have tried it."""
    asked = {name for event in found.asked for name in names_of(event.path)}
    called = found.called
    silent = [f"{step} was never asked" for step in request.silent if step not in asked]
    return silent + [f"{action} was never called" for action in request.failing if action not in called]


def _document(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    if outcome.ending is None:
        raise NotFound("; ".join(one.message for one in outcome.deviations) or "its runbook does not compile")
    return as_document(Rehearsal(plan, Assumptions(), outcome.ending, (), outcome.seconds))


def _answer_all(runbook: str) -> dict[str, Any]:
    summary = run_files([scenario_file(runbook)], at_once=1)
    mine = next((one for one in summary.coverage if one.runbook == runbook), None)
    return {
        "runbook": runbook,
        "scenarios": [
            {"name": one.scenario.name, "passed": one.passed, "deviations": [each.message for each in one.deviations]}
            for one in summary.outcomes
        ],
        "coverage": [[word, *mine.count(kind)] for kind, word in MARKS.items() if mine.count(kind)[1]] if mine else [],
        "missed": list(mine.missed) if mine else [],
    }


def main() -> int:
    os.nice(NICE)
    try:
        request = Request.model_validate_json(sys.stdin.buffer.read(64 * 1024))
    except ValidationError as error:
        print(json.dumps({"error": f"the request does not fit: {error.error_count()} fields"}))
        return 2
    try:
        found = answer(request)
    except (ClientError, FileNotFoundError) as error:
        print(json.dumps({"error": str(error)}))
        return 1
    print(json.dumps(found, ensure_ascii=False, default=str))
    return 0


if __name__ == "__main__":
    leave(main())
