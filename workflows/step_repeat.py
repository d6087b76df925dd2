"""`repeat`: the body at once, then every `every` seconds, until a condition holds or the rounds are used up.

The condition sees `last`, the round just done; so does the body of the next round, and `records` when it held. Rounds
count on when the step is tried again after a failure, so that no round's key is used twice.
"""

from datetime import timedelta

from temporalio import workflow

from schemas.json_value import Json
from schemas.plan import RepeatStep
from watchfloor.signing import parse_instant, render_instant
from workflows.halt import StepFailed
from workflows.outcome import Outcome
from workflows.run import Run
from workflows.scope import Frame
from workflows.state import forget_below


async def carry_out_repeat(run: Run, frame: Frame, step: RepeatStep, path: str) -> Outcome:
    """Walk rounds; gives `rounds`.

    Raises:
        StepFailed: code `exhausted` with `on_exhausted: fail`.
    """
    state = run.state
    offset = state["loops"].get(f"{path}!round", 0) * step["times"]
    if path not in state["loops"]:
        forget_below(state, f"{path}[")
        state["loops"][path] = offset + 1
        state["deadlines"][f"{path}!next"] = run.now
    while f"{path}!exhausted" not in state["taken"]:
        number = state["loops"][path]
        last = await _walk_round(run, frame, step, path, number)
        if state["taken"][f"{path}[{number}]"] == "yes":
            _forget_rounds(run, path)
            return Outcome(outputs={"rounds": number - offset}, last=last)
        if number - offset >= step["times"]:
            state["taken"][f"{path}!exhausted"] = "yes"
            break
        _begin_next(run, step, path, number)
    if step["on_exhausted"] == "fail":
        raise StepFailed("exhausted", f"the condition did not hold in {step['times']} rounds")
    if step["on_exhausted"] != "continue":
        await run.walk(frame, step["on_exhausted"])
    _forget_rounds(run, path)
    return Outcome("exhausted", {"rounds": step["times"]})


async def _walk_round(run: Run, frame: Frame, step: RepeatStep, path: str, number: int) -> dict[str, dict[str, Json]]:
    """One round: wait for its time, walk the body, look at the condition once; gives the body's outputs."""
    state = run.state
    await run.wait(frame.halt, lambda: False, parse_instant(state["deadlines"][f"{path}!next"]))
    round_path = f"{path}[{number}]"
    before = frame.looping(step["path"], f"{path}[{number - 1}]")
    inner = frame.looping(step["path"], round_path).after_round(run.outputs_below(step["path"], before) or None)
    if round_path not in state["taken"]:
        state["deadlines"].setdefault(f"{round_path}!begun", run.now)
        await run.walk(inner, step["steps"])
        last = run.outputs_below(step["path"], inner)
        state["taken"][round_path] = "yes" if run.find_value(step["until"], inner.after_round(last)) is True else "no"
    return run.outputs_below(step["path"], inner)


def _begin_next(run: Run, step: RepeatStep, path: str, number: int) -> None:
    """The next round begins `every` seconds after this one began, at once if that has passed."""
    state = run.state
    begun = parse_instant(state["deadlines"][f"{path}[{number}]!begun"])
    due = begun + timedelta(seconds=run.find_seconds(step["every"]))
    state["deadlines"][f"{path}!next"] = render_instant(max(due, workflow.now()))
    state["loops"][path] = number + 1
    # the round before this one has been seen by it; only the newest is looked at again
    forget_below(state, f"{path}[{number - 1}]")
    state["taken"].pop(f"{path}[{number - 1}]", None)


def _forget_rounds(run: Run, path: str) -> None:
    forget_below(run.state, f"{path}[")
    run.human.forget_below(f"{path}[")
    for mark in ("!next", "!exhausted"):
        run.state["deadlines"].pop(f"{path}{mark}", None)
        run.state["taken"].pop(f"{path}{mark}", None)
    run.state["loops"].pop(path, None)
