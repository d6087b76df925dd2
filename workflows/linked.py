"""Runs that a run starts: incidents of their own by another runbook, linked both ways.

The child is an abandoned child workflow under a deterministic id, so a retry never makes two, and nothing that was
started twice runs twice, even after it has closed. It reports its end to the run that started it and to every run that
joined it later (`link`), by workflow id, so a parent that continued as new hears it too.
"""

from collections.abc import Iterator

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import ChildWorkflowError, FailureError, WorkflowAlreadyStartedError

from schemas.incident import INCIDENT_WORKFLOW, SIGNAL_LINK, SIGNAL_REPORT, ClockState, IncidentStart, Parent, Report
from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.plan import ClockPlan, Plan
from watchfloor.signing import neutral_name
from workflows.children import GONE, REPORT_LIMIT, STARTED
from workflows.halt import StepFailed
from workflows.run import Run
from workflows.scope import Frame
from workflows.state import size_of

ENDED = "ended"
"""The run that was to be joined had closed already; how, it told only those who had started or joined it then."""
TOO_LARGE = "too_large"
_ON = {"running", "breached", "paused"}
_PARENTS = 1000
_RUNBOOK = SearchAttributeKey.for_keyword("WatchfloorRunbook")
_INCIDENT = SearchAttributeKey.for_keyword("WatchfloorIncident")


async def start_run(run: Run, path: str, argument: IncidentStart, plan: Plan) -> None:
    """Start a run once, or join it when it goes on already; its reports come to `path`.

    Raises:
        StepFailed: code `not_started`.
    """
    child = argument["incident"]
    if "paging" not in argument and run.start.get("paging"):
        argument["paging"] = run.start.get("paging")
    if path in run.state["children"]:
        return
    report: dict[str, Json] = {"path": path, "kind": "run", "workflow": child, "state": STARTED, "at": run.now}
    run.state["children"][path] = {**report, "data": {}}
    pairs: list[SearchAttributePair[str]] = []
    if run.start["limits"].get("search_attributes", True):
        name = neutral_name(child) if plan["compartment"] else plan["id"]
        pairs = [SearchAttributePair(_RUNBOOK, name), SearchAttributePair(_INCIDENT, child)]
    try:
        handle = await workflow.start_child_workflow(
            INCIDENT_WORKFLOW,
            argument,
            id=child,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
            search_attributes=TypedSearchAttributes(pairs) if pairs else None,
        )
    except WorkflowAlreadyStartedError:
        await _join(run, path, child)
        return
    except ChildWorkflowError as error:
        del run.state["children"][path]
        raise StepFailed("not_started", "the other runbook could not be started") from error
    run.watch(_watch(run, path, handle))


async def _join(run: Run, path: str, child: str) -> None:
    parent: Parent = {"incident": run.desk.incident, "path": path}
    try:
        await workflow.get_external_workflow_handle(child).signal(SIGNAL_LINK, parent)
    except FailureError:
        known = run.state["children"][path]
        if known["state"] == STARTED:
            run.state["children"][path] = {**known, "state": ENDED, "at": run.now}


async def _watch(run: Run, path: str, handle: "workflow.ChildWorkflowHandle[object, object]") -> None:
    """Notice a run that dies without a report, as long as this execution lasts."""
    try:
        await handle
    except ChildWorkflowError:
        run.state["children"][path] = {**run.state["children"][path], "state": GONE, "at": run.now}
        run.changed()


def take_link(run: Run, said: object) -> None:
    """Remember who else wants to hear of this run's end; anything else that is sent is dropped."""
    if not isinstance(said, dict):
        return
    incident, path = said.get("incident"), said.get("path")
    if not isinstance(incident, str) or not isinstance(path, str) or not incident.startswith("inc-"):
        return
    parents = run.state.setdefault("parents", [])
    parent: Parent = {"incident": incident[:200], "path": path[:1000]}
    if parent not in parents and len(parents) < _PARENTS:
        parents.append(parent)


async def report_end(run: Run, outcome: str, closed_at: str) -> None:
    """Tell every run that waits for this one how it ended and what it gives; also those that join meanwhile."""
    data: dict[str, Json] = {"outcome": outcome, "outputs": _find_outputs(run)}
    state = outcome
    if size_of(data) > REPORT_LIMIT:
        data, state = {"outcome": outcome, "outputs": {}}, TOO_LARGE
    told = 0
    while told < len(parents := list(_parents(run))):
        parent = parents[told]
        told += 1
        report: Report = {
            "path": parent["path"],
            "kind": "run",
            "workflow": run.desk.workflow,
            "state": state,
            "at": closed_at,
            "data": data,
        }
        try:
            await workflow.get_external_workflow_handle(parent["incident"]).signal(SIGNAL_REPORT, report)
        except FailureError:
            workflow.logger.info("a run that waited for this one has ended")


def _parents(run: Run) -> Iterator[Parent]:
    first = run.start.get("parent")
    if first:
        yield first
    yield from run.state.get("parents", [])


def _find_outputs(run: Run) -> dict[str, Json]:
    """The outputs that have a value now."""
    found: dict[str, Json] = {}
    for name, spec in run.plan.get("outputs", {}).items():
        try:
            value = run.find_present(spec["value"], Frame(halt=run.root))
        except StepFailed:
            continue
        if value is not None:
            found[name] = value
    return found


def find_moving(run: Run, plan: Plan) -> dict[str, str]:
    """Which running clocks the other runbook has too, by the law they come from: its name for each -> ours."""
    running = [own for own, clock in run.state["clocks"].items() if clock["state"] in _ON and own in run.plan["clocks"]]
    moving: dict[str, str] = {}
    for name, theirs in plan["clocks"].items():
        same = [
            own
            for own in running
            if run.plan["clocks"][own]["law"]["id"] == theirs["law"]["id"]
            and _can_go_on(run.state["clocks"][own], theirs)
        ]
        if same:
            moving[name] = same[0]
            running.remove(same[0])
    return moving


def _can_go_on(clock: ClockState, theirs: ClockPlan) -> bool:
    """Whether the other runbook hears of it when the reason is gone for which a clock stands still."""
    open_reasons = {one["reason"] for one in clock.get("pauses", ()) if one["until"] is None}
    return clock["state"] != "paused" or open_reasons <= set(theirs.get("pause", {}))


def move_clocks(run: Run, moving: dict[str, str], child: str) -> None:
    """The clocks run on in the other run; here they belong to it."""
    for own in moving.values():
        clock = run.state["clocks"][own]
        clock["state"], clock["assigned_to"] = "assigned", child
        run.note(EntryKind.CLOCK_ASSIGNED, clock=own, role="", run=child, due_at=clock["due_at"])
    run.changed()


def take_over(run: Run) -> None:
    """Take over what an incident that moves here brings along; its clocks keep their instants."""
    given = run.start.get("given")
    if not given:
        return
    run.state["commander"] = {**given["commander"], "since": run.now}
    run.facts.record_given(given["facts"])
    for name, clock in given["clocks"].items():
        if name in run.plan["clocks"]:
            moved: ClockState = {**clock, "name": name}
            run.state["clocks"][name] = moved
            run.note(EntryKind.CLOCK_STARTED, path=f"clocks/{name}", clock=name, **_describe(run, moved))


def _describe(run: Run, clock: ClockState) -> dict[str, Json]:
    law = run.plan["clocks"][clock["name"]]["law"]["id"]
    return {"law": law, "started_at": clock["started_at"], "due_at": clock["due_at"], "stopped_at": None}
