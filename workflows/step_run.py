"""`run`: another runbook as a run of its own, linked; one, or one per item.

With `wait` the step is done when the other run has closed, whatever its outcome; one that failed, was aborted, denied
or died fails the step (`failed`, `denied`). Without, it is done when that run has started. A `key` makes two runs that
ask for the same thing share one; `known_at` is the time of knowledge the other run counts from. `reroute` moves the
incident itself: commander, compartment, known facts and the clocks that the other runbook has too go along with their
instants, and this run stops with the outcome `rerouted`; clocks that it has not are assigned as at any closing.
"""

import asyncio
from collections.abc import Iterator

from temporalio import workflow

from schemas.incident import Given, IncidentStart
from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.plan import Plan, RunStep
from workflows.addresses import child_id
from workflows.children import GONE, STARTED, find_report
from workflows.halt import Halt, Halted, StepFailed, Unwound
from workflows.linked import ENDED, TOO_LARGE, find_moving, move_clocks, start_run
from workflows.outcome import Outcome
from workflows.plans import PlanRefused, load
from workflows.run import Run
from workflows.scope import Frame
from workflows.step_for_each import WIDTH_LIMIT, fix_items, sum_up
from workflows.values import find_fault

_LOST = "run_failed"
_FAILED = {"failed": _LOST, "aborted": _LOST, GONE: _LOST, "denied": "denied", TOO_LARGE: TOO_LARGE}


async def carry_out_run(run: Run, frame: Frame, step: RunStep, path: str) -> Outcome:
    """Start the other run, or one per item; gives `workflow`, `outcome` and its outputs, per item as `for_each` does.

    Raises:
        StepFailed: it could not be started, or it failed; items that failed are collected.
        Halted: the incident has moved.
    """
    if step["each"] is None:
        return Outcome(outputs=await _run_one(run, frame, step, path, path))
    items = fix_items(run, frame, step["each"]["in_"], path)
    left = iter([index for index in range(len(items)) if f"{path}[{index}]" not in run.state["results"]])
    width = max(1, min(step["each"]["at_once"], WIDTH_LIMIT, len(items)))
    halt = Halt(frame.halt)
    inner = frame.inside(halt=halt, caught=True)
    lanes = [asyncio.create_task(_walk_lane(run, inner, step, path, items, left)) for _ in range(width)]
    await workflow.wait_condition(lambda: all(lane.done() for lane in lanes))
    errors = [error for error in (lane.exception() for lane in lanes) if error is not None]
    if errors:
        raise next((error for error in errors if not isinstance(error, Unwound)), errors[0])
    return sum_up(run, path, items)


async def _walk_lane(
    run: Run, frame: Frame, step: RunStep, path: str, items: list[Json], indexes: Iterator[int]
) -> None:
    assert step["each"] is not None
    for index in indexes:
        at = f"{path}[{index}]"
        outputs: dict[str, Json] = {}
        try:
            outputs = await _run_one(run, frame.naming(step["each"]["item"], items[index]), step, path, at)
        except StepFailed as failure:
            outputs = {"error": failure.code}
        ok = "error" not in outputs
        run.state["results"][at] = {
            "status": "done" if ok else "failed",
            "ok": ok,
            "at": run.now,
            "outputs": outputs,
        }


async def _run_one(run: Run, frame: Frame, step: RunStep, path: str, at: str) -> dict[str, Json]:
    rounds = run.state["loops"].get(f"{path}!round", 0)
    at = at if rounds == 0 else f"{at}!{rounds + 1}"
    if at not in run.state["children"]:
        await run.admit(frame.halt)
        await _start(run, frame, step, at)
    child = str(find_report(run, at)["workflow"])
    if step["reroute"]:
        run.end("rerouted", reason=f"goes on as {child}", path=path)
        raise Halted("ending")
    if not step["wait"]:
        return {"workflow": child}
    await run.wait(frame.halt, lambda: find_report(run, at)["state"] != STARTED)
    report = find_report(run, at)
    state, data = str(report["state"]), report["data"]
    if state in _FAILED:
        raise StepFailed(_FAILED[state], f"the run {child} ended as {state}")
    outcome = "" if state == ENDED else str(data.get("outcome", ""))
    return {**_check_outputs(step, data.get("outputs")), "workflow": child, "outcome": outcome}


def _check_outputs(step: RunStep, given: Json) -> dict[str, Json]:
    """What the other run gives, as far as it is declared and of its type."""
    outputs = given if isinstance(given, dict) else {}
    return {
        name: outputs[name]
        for name, spec in step["outputs"].items()
        if outputs.get(name) is not None and not find_fault(spec, outputs[name])
    }


async def _start(run: Run, frame: Frame, step: RunStep, at: str) -> None:
    plan_z = run.plan.get("library", {}).get(step["plan"])
    try:
        plan = load(plan_z or "", step["plan"]).plan
    except PlanRefused as error:
        raise StepFailed("definition", str(error)) from error
    if run.desk.region not in plan["allowed_regions"]:
        raise StepFailed("no_region", f"`{plan['id']}` does not run in {run.desk.region}")
    key = run.find_value(step["key"], frame) if step["key"] is not None else None
    child = child_id("inc", run.desk.incident, at) if key is None else child_id("inc", plan["id"], str(key))
    known = run.find_value(step["known_at"], frame) if step["known_at"] is not None else run.now
    argument: IncidentStart = {
        "v": 1,
        "incident": child,
        "region": run.desk.region,
        "namespace": run.desk.namespace,
        "plan": step["plan"],
        "plan_z": str(plan_z),
        "inputs": _fill_inputs(run, frame, step, plan),
        "requester": run.desk.requester,
        "trigger": {
            "source": f"run:{run.desk.incident}",
            "key": at if key is None else str(key),
            "received_at": str(known),
        },
        "decision_keys": {},
        "exposed_regions": list(run.start["exposed_regions"]),
        "limits": run.start["limits"],
        "carried": None,
        "ledger_by_activity": True,
        "parent": {"incident": run.desk.incident, "path": at},
    }
    run.desk.pin(argument)
    moving = find_moving(run, plan) if step["reroute"] else {}
    if step["reroute"]:
        argument["given"] = _give(run, moving)
    compartment = (run.compartment if step["reroute"] else "") or plan["compartment"]
    if compartment:
        argument["compartment"] = compartment
    run.note(EntryKind.LINKED, step=step["id"], path=at, run=child, runbook=plan["id"], plan=step["plan"])
    await start_run(run, at, argument, plan)
    if step["reroute"]:
        move_clocks(run, moving, child)


def _fill_inputs(run: Run, frame: Frame, step: RunStep, plan: Plan) -> dict[str, Json]:
    """The other run's inputs, defaults filled in and types checked.

    Raises:
        StepFailed: code `bad_input`.
    """
    given = {name: run.fill(value, frame) for name, value in step["with_"].items()}
    for name, spec in plan["inputs"].items():
        if given.get(name) is None:
            given.pop(name, None)
            if "default" in spec:
                given[name] = spec["default"]
            elif not spec.get("optional"):
                raise StepFailed("bad_input", f"`{plan['id']}` needs the input `{name}`")
            continue
        fault = find_fault(spec, given[name])
        if fault:
            raise StepFailed("bad_input", f"the input `{name}` of `{plan['id']}`: {fault}")
    return given


def _give(run: Run, moving: dict[str, str]) -> Given:
    return {
        "commander": run.state["commander"],
        "clocks": {
            name: {**run.state["clocks"][own], "name": name, "came_from": run.desk.incident}
            for name, own in moving.items()
        },
        "facts": dict(run.state["facts"]),
        "compartment": run.compartment,
    }
