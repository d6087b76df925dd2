"""`wait`: for a duration, until an instant or a condition, or for a fact. Every deadline is absolute and made once.

A fact that is recorded already ends the wait at once. A condition is looked at after every change; one that reads
`now` also every half minute, for time alone changes nothing that could wake the run.
"""

from datetime import datetime, timedelta

from temporalio import workflow

from schemas.json_value import Json
from schemas.plan import Expr, WaitStep
from watchfloor.signing import parse_instant
from workflows.halt import StepFailed
from workflows.outcome import Outcome
from workflows.run import Run
from workflows.scope import Frame

_LOOK_EVERY = timedelta(seconds=30)


async def carry_out_wait(run: Run, frame: Frame, step: WaitStep, path: str) -> Outcome:
    """Wait; gives `timed_out`.

    Raises:
        StepFailed: code `timed_out` with `on_timeout: fail`.
    """
    taken = run.state["taken"]
    if path not in taken:
        taken[path] = "in_time" if await _wait(run, frame, step, path) else "timed_out"
    if taken[path] == "in_time":
        return Outcome(outputs={"timed_out": False})
    if step["on_timeout"] == "fail":
        raise StepFailed("timed_out", "the wait ended without what it waited for")
    if step["on_timeout"] != "continue":
        await run.walk(frame, step["on_timeout"])
    return Outcome("timed_out", {"timed_out": True})


async def _wait(run: Run, frame: Frame, step: WaitStep, path: str) -> bool:
    if step["for_"] is not None:
        until = run.fix_deadline(path, run.find_seconds(step["for_"]))
        await run.wait(frame.halt, lambda: False, until)
        return True
    limit = None if step["within"] is None else run.fix_deadline(path, run.find_seconds(step["within"]))
    if step["fact"] is not None:
        wanted = step["fact"]
        return await run.wait(frame.halt, lambda: wanted in run.state["facts"], limit)
    if step["until"] is None:
        raise StepFailed("definition", "a wait needs `for`, `until` or `fact`")
    return await _wait_until(run, frame, step["until"], path, limit)


async def _wait_until(run: Run, frame: Frame, until: Expr, path: str, limit: datetime | None) -> bool:
    if until["type"] == "timestamp":
        deadlines = run.state["deadlines"]
        if f"{path}!until" not in deadlines:
            deadlines[f"{path}!until"] = _as_instant(run.find_value(until, frame))
        at = parse_instant(deadlines[f"{path}!until"])
        await run.wait(frame.halt, lambda: False, at if limit is None else min(at, limit))
        return workflow.now() >= at
    while True:
        pause = workflow.now() + _LOOK_EVERY if "now" in until["vars"] else None
        bounds = [one for one in (pause, limit) if one is not None]
        if await run.wait(frame.halt, lambda: run.holds(until, frame), min(bounds) if bounds else None):
            return True
        if limit is not None and workflow.now() >= limit:
            return False


def _as_instant(value: Json) -> str:
    if not isinstance(value, str):
        raise StepFailed("expression", "`until` gives no instant")
    return value
