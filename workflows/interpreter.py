"""The walk over a plan: blocks and steps, conditions, failures, results.

The walk always starts at the root. What is recorded (results, taken branches and options, conditions, loop counters,
absolute deadlines) is never computed again, so after continue-as-new, or after a failed step is tried again, the walk
passes over what is done at no event and goes on where it was.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from temporalio import workflow

from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.plan import Step
from workflows.failed_step import ask_about_failure
from workflows.failures import find_catch
from workflows.halt import Halt, Halted, StepFailed, Unwound
from workflows.outcome import Outcome
from workflows.outside_confirmed import count_outside
from workflows.run import Run
from workflows.scope import Frame
from workflows.state import OUTPUT_LIMIT, size_of
from workflows.step_action import carry_out_action
from workflows.step_choose import carry_out_choose
from workflows.step_decide import carry_out_decide
from workflows.step_for_each import carry_out_for_each
from workflows.step_handoff import carry_out_handoff
from workflows.step_hold import carry_out_hold
from workflows.step_parallel import carry_out_parallel
from workflows.step_postmortem import carry_out_postmortem
from workflows.step_repeat import carry_out_repeat
from workflows.step_run import carry_out_run
from workflows.step_stop import carry_out_stop
from workflows.step_task import carry_out_task
from workflows.step_try import carry_out_try
from workflows.step_wait import carry_out_wait

CarryOut = Callable[[Run, Frame, Any, str], Awaitable[Outcome]]

KINDS: dict[str, CarryOut] = {
    "action": carry_out_action,
    "decide": carry_out_decide,
    "task": carry_out_task,
    "wait": carry_out_wait,
    "parallel": carry_out_parallel,
    "for_each": carry_out_for_each,
    "choose": carry_out_choose,
    "repeat": carry_out_repeat,
    "hold": carry_out_hold,
    "handoff": carry_out_handoff,
    "postmortem": carry_out_postmortem,
    "run": carry_out_run,
    "stop": carry_out_stop,
    "try": carry_out_try,
}

_DEFINITION_ERRORS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What a plan that this engine cannot walk raises. At a step it becomes a failure of that step: left alone it would
fail the workflow task for ever, with the run looking alive."""


async def walk_block(run: Run, frame: Frame, steps: Sequence[Step]) -> None:
    """Carry out steps one after another, passing over those that have a result.

    Raises:
        StepFailed: one failed and a block around this one handles it.
        Halted, Drained: the walk came to rest.
    """
    for step in steps:
        await walk_step(run, frame, step)


async def walk_step(run: Run, frame: Frame, step: Step) -> None:
    """Carry out one step to its result; raises as `walk_block`."""
    path = frame.locate(step["path"])
    while path not in run.state["results"]:
        await run.admit(frame.halt)
        run.running[path] = (step, run.now)
        # a part of its own: word that the step was carried out outside stops it and nothing else
        halt = run.step_halts[path] = Halt(frame.halt, lasting=frame.halt.lasting)
        try:
            await _advance(run, frame.inside(halt=halt), step, path)
        except Halted:
            if frame.halt.reason or not halt.reason:
                raise
        finally:
            run.running.pop(path, None)
            run.step_halts.pop(path, None)


async def _advance(run: Run, frame: Frame, step: Step, path: str) -> None:
    """One try at a step: leaves a result, or makes it ready for another try."""
    taken = run.state["taken"]
    if await _is_done_outside(run, frame, step, path):
        return
    if f"{path}!error" not in taken:
        try:
            if not _is_wanted(run, frame, step, path):
                _record(run, frame, step, path, Outcome("skipped"))
                return
            outcome = await _carry_out(run, frame, step, path)
            _record(run, frame, step, path, outcome)
            return
        except StepFailed as failure:
            run.note_failure(step, path, failure)
            taken[f"{path}!error"] = failure.code
            run.state["results"].pop(path, None)
    await _handle_failure(run, frame, step, path, StepFailed(taken[f"{path}!error"]))


async def _is_done_outside(run: Run, frame: Frame, step: Step, path: str) -> bool:
    """Whether people carried the step out themselves; its result is recorded then."""
    if step["kind"] not in {"action", "task"} or not run.state.get("outside"):
        return False
    try:
        outcome = await count_outside(run, frame, cast(Any, step), path)
        if outcome is not None:
            _record(run, frame, step, path, outcome)
        return outcome is not None
    except StepFailed as failure:
        run.note_failure(step, path, failure)
        run.state["taken"][f"{path}!error"] = failure.code
        run.state["results"].pop(path, None)
        return False


def _is_wanted(run: Run, frame: Frame, step: Step, path: str) -> bool:
    """Whether the step's condition holds; looked at once."""
    if step["cond"] is None:
        return True
    taken = run.state["taken"]
    mark = f"{path}!if"
    if mark not in taken:
        taken[mark] = "yes" if run.find_value(step["cond"], frame) is True else "no"
        if taken[mark] == "no":
            run.note(EntryKind.STEP_SKIPPED, step=step["id"], path=path, why="condition")
    return taken[mark] == "yes"


async def _carry_out(run: Run, frame: Frame, step: Step, path: str) -> Outcome:
    """Run the step's kind, bounded by its `timeout`; every error of the definition is a failure of the step."""
    inner = frame.inside(caught=True) if step["on_error"] != "fail" or step.get("catches") else frame
    try:
        if step["timeout"] is None or step["kind"] == "action":
            return await KINDS[step["kind"]](run, inner, step, path)
        return await _bound(run, inner, step, path, step["timeout"])
    except _DEFINITION_ERRORS as error:
        workflow.logger.warning("step could not be interpreted", extra={"path": path, "error": type(error).__name__})
        raise StepFailed("definition", f"{type(error).__name__}: {error}") from error


async def _bound(run: Run, frame: Frame, step: Step, path: str, seconds: float) -> Outcome:
    """Carry out a step until an absolute deadline; what runs inside is told to stop then, and waited for."""
    until = run.fix_deadline(f"{path}!timeout", seconds)
    halt = Halt(frame.halt)
    task = asyncio.ensure_future(KINDS[step["kind"]](run, frame.inside(halt=halt), step, path))
    try:
        if not await run.wait(frame.halt, task.done, until):
            halt.stop("timeout")
    except Unwound:
        await workflow.wait_condition(task.done)
        task.exception()
        raise
    await workflow.wait_condition(task.done)
    try:
        return task.result()
    except Halted:
        run.check(frame.halt)
        raise StepFailed("timed_out", f"not done within {seconds:g} s") from None


def _record(run: Run, frame: Frame, step: Step, path: str, outcome: Outcome) -> None:
    """Record the result of a step and the facts it found.

    Raises:
        StepFailed: the outputs are too large, or a fact cannot be recorded.
    """
    state = run.state
    if size_of(outcome.outputs) > OUTPUT_LIMIT and step["kind"] != "for_each":
        raise StepFailed("too_large", f"outputs of more than {OUTPUT_LIMIT} bytes; keep a reference instead")
    result: dict[str, Json] = {
        "status": outcome.status,
        "ok": outcome.ok,
        "at": outcome.at or run.now,
        "outputs": outcome.outputs,
    }
    if outcome.left_out:
        result["left_out"] = outcome.left_out
    state["results"][path] = result
    if outcome.ok:
        seen = frame.after_round(outcome.last) if outcome.last is not None else frame
        for name, expr in step["records"].items():
            value = run.find_present(cast(Any, expr), seen)
            if value is not None:
                run.record_fact(name, value, step["id"], path)
    for mark in ("!if", "!error", "!timeout", "!round"):
        state["taken"].pop(f"{path}{mark}", None)
        state["deadlines"].pop(f"{path}{mark}", None)
        state["loops"].pop(f"{path}{mark}", None)
    run.human.close(path)
    run.changed()


async def _handle_failure(run: Run, frame: Frame, step: Step, path: str, failure: StepFailed) -> None:
    on_error = find_catch(step.get("catches", ()), failure.code) or step["on_error"]
    if on_error == "continue":
        _record(run, frame, step, path, Outcome("failed", {"error": failure.code}))
        return
    if on_error != "fail":
        await run.walk(frame, on_error)
        _record(run, frame, step, path, Outcome("failed", {"error": failure.code}))
        return
    if frame.caught:
        raise failure
    if await ask_about_failure(run, frame, step, path, failure):
        _record(run, frame, step, path, Outcome("skipped", {"error": failure.code}))
