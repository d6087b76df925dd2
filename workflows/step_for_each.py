"""`for_each`: steps per item, at most `at_once` side by side, each item durable by itself.

When an item is done, only its outcome and a capped part of its outputs stay in the state, so that a thousand items do
not weigh on continue-as-new. An item that failed is collected (`collect`), or stops the others and fails the step
(`fail`); tried again, only what failed is done anew.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

from temporalio import workflow

from schemas.json_value import Json
from schemas.plan import Expr, ForEachStep
from watchfloor.signing import digest
from workflows.halt import Halt, StepFailed, Unwound
from workflows.outcome import Outcome
from workflows.run import Run
from workflows.scope import Frame
from workflows.state import ITEM_LIMIT, forget_below, size_of

WIDTH_LIMIT = 200
"""Items side by side, whatever the plan says: the server takes 2,000 pending activities a run."""
RESULTS_LIMIT = 256 * 1024
"""Bytes that `results` may take in all; beyond it the items' outputs are left out, their outcomes stay."""


async def carry_out_for_each(run: Run, frame: Frame, step: ForEachStep, path: str) -> Outcome:
    """Walk the steps for each item; gives `results`, `succeeded`, `failed` and `total`.

    Raises:
        StepFailed: code `item_failed` with `on_item_error: fail`.
    """
    items = fix_items(run, frame, step["in_"], path)
    run.state.setdefault("folded", {})[path] = {"done": 0, "failed": 0, "total": len(items)}
    _count(run, path, len(items))
    halt = Halt(frame.halt)
    inner = replace(frame, halt=halt, caught=True)
    lane_inputs = iter([index for index in range(len(items)) if f"{path}[{index}]" not in run.state["results"]])
    width = max(1, min(step["at_once"], WIDTH_LIMIT, len(items)))
    lanes = [asyncio.create_task(_walk_lane(run, inner, step, path, items, lane_inputs, halt)) for _ in range(width)]
    # every lane is waited for before the step ends, fails or unwinds
    await workflow.wait_condition(lambda: all(lane.done() for lane in lanes))
    errors = [error for error in (lane.exception() for lane in lanes) if error is not None]
    failed = [error for error in errors if not isinstance(error, Unwound)]
    if failed:
        raise failed[0]
    run.check(frame.halt)
    if errors:
        raise errors[0]
    return sum_up(run, path, items)


async def _walk_lane(
    run: Run, frame: Frame, step: ForEachStep, path: str, items: list[Json], indexes: Iterator[int], halt: Halt
) -> None:
    for index in indexes:
        run.check(frame.halt)
        item_path = f"{path}[{index}]"
        inner = frame.looping(step["path"], item_path).naming(step["item"], items[index])
        try:
            await run.walk(inner, step["steps"])
        except StepFailed as failure:
            _close_item(run, inner, step, item_path, failure.code)
            if step["on_item_error"] == "fail":
                halt.stop("an item failed")
                raise StepFailed("item_failed", f"item {index}: {failure.code}") from failure
        else:
            _close_item(run, inner, step, item_path, "")
        _count(run, path, len(items))


def _close_item(run: Run, frame: Frame, step: ForEachStep, item_path: str, error: str) -> None:
    """Leave only the item's outcome; of one that will be tried again also what succeeded inside it."""
    outputs: dict[str, Json] = dict(run.outputs_below(step["path"], frame))
    if size_of(outputs) > ITEM_LIMIT:
        outputs = {}
    if error:
        outputs["error"] = error
    if not error or step["on_item_error"] == "collect":
        forget_below(run.state, f"{item_path}/")
        run.human.forget_below(f"{item_path}/")
    run.state["results"][item_path] = {
        "status": "failed" if error else "done",
        "ok": not error,
        "at": run.now,
        "outputs": outputs,
    }


def fix_items(run: Run, frame: Frame, in_: Expr, path: str) -> list[Json]:
    """The items, the same on every walk: kept in the state unless they come from the run's inputs alone."""
    kept = run.state["results"].get(f"{path}!items")
    items = kept["outputs"]["items"] if kept is not None else run.find_value(in_, frame)
    if not isinstance(items, list):
        raise StepFailed("expression", "`in` gives no list")
    if kept is None and any(not name.removeprefix("has.").startswith("inputs.") for name in in_["vars"]):
        run.state["results"][f"{path}!items"] = {
            "status": "done",
            "ok": True,
            "at": run.now,
            "outputs": {"items": items, "digest": digest(items)},
        }
    return list(items)


def _count(run: Run, path: str, total: int) -> None:
    done = failed = 0
    for index in range(total):
        result = run.state["results"].get(f"{path}[{index}]")
        if result is not None:
            done += bool(result["ok"])
            failed += not result["ok"]
    run.state["folded"][path] = {"done": done, "failed": failed, "total": total}


def sum_up(run: Run, path: str, items: list[Json]) -> Outcome:
    """The outputs of a finished loop, and nothing left of its items in the state."""
    results: list[dict[str, Json]] = []
    succeeded: list[Json] = []
    failed: list[Json] = []
    room = RESULTS_LIMIT
    for index, item in enumerate(items):
        result = run.state["results"][f"{path}[{index}]"]
        (succeeded if result["ok"] else failed).append(item)
        row: dict[str, Json] = {"index": index, "ok": result["ok"], "status": result["status"], "at": result["at"]}
        weight = size_of(result["outputs"])
        if weight <= room:
            row.update(result["outputs"])
            room -= weight
        results.append(row)
    _count(run, path, len(items))
    forget_below(run.state, f"{path}[")
    forget_below(run.state, f"{path}!items")
    return Outcome(outputs={"results": results, "succeeded": succeeded, "failed": failed, "total": len(items)})
