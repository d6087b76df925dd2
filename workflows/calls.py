"""Calling an action: the one activity of an effect, its retries, what its failure means.

A plain call is one activity: six events in sequence, nothing else. Retries are the server's while the longest pause is
a minute; longer pauses are timers of the run between single attempts, so that a run can continue as new and be told
to stop in between. Worker deaths count as attempts (`attempt_timeout`). The idempotency key is the same throughout.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    is_cancelled_exception,
)
from temporalio.exceptions import (
    TimeoutError as AttemptTimedOut,
)

from schemas.actions import ActionCall, ErrorType
from schemas.json_value import Json
from schemas.plan import Retry
from workflows.halt import Halt, Halted, StepFailed
from workflows.run import Run
from workflows.state import OUTPUT_LIMIT, size_of

NOT_RETRIED = [
    ErrorType.REFUSED,
    ErrorType.OUTCOME_UNKNOWN,
    ErrorType.BAD_INPUT,
    ErrorType.NO_GRANT,
    ErrorType.NOT_BOUND,
    ErrorType.KILLED,
    ErrorType.TOO_LARGE,
]
LONGEST_SERVER_PAUSE = 60.0
"""Seconds; a longer backoff is a timer of the run."""
_SLACK = 60.0
"""Seconds added to the sum of attempts and pauses, for the way to a worker."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long and how often. Seconds; `total` is None where the step sets no `timeout`."""

    attempt: float
    total: float | None
    retry: Retry


def pauses(retry: Retry) -> list[float]:
    """The pauses between attempts, one fewer than attempts."""
    found: list[float] = []
    pause = retry["first"]
    for _ in range(max(0, retry["times"] - 1)):
        found.append(min(pause, retry["up_to"]))
        pause = min(pause * retry["factor"], retry["up_to"])
    return found


async def call_action(run: Run, halt: Halt, call: ActionCall, bounds: Bounds) -> dict[str, Json]:
    """Carry out an action and give its receipt; ledger entries that wait ride along.

    Raises:
        StepFailed: with the action's `ErrorType`, or `timed_out`.
        Halted, Drained: told to stop before an attempt, or cancelled during one.
    """
    gaps = pauses(bounds.retry)
    if max(gaps, default=0.0) <= LONGEST_SERVER_PAUSE:
        total = bounds.total or sum(gaps) + bounds.attempt * (len(gaps) + 1) + _SLACK
        return await _attempt(run, halt, call, bounds, bounds.retry["times"], total)
    return await _attempt_slowly(run, halt, call, bounds, gaps)


async def _attempt_slowly(run: Run, halt: Halt, call: ActionCall, bounds: Bounds, gaps: list[float]) -> dict[str, Json]:
    """Single attempts with timers of the run between them; the count and the instants are in the state."""
    path, state = call["path"], run.state
    end = run.fix_deadline(f"{path}!total", bounds.total) if bounds.total is not None else None
    while True:
        done = state["loops"].get(f"{path}!attempts", 0)
        if done:
            next_at = run.fix_deadline(f"{path}!retry", gaps[done - 1])
            await run.wait(halt, lambda: False, next_at if end is None else min(end, next_at))
            if end is not None and workflow.now() >= end:
                raise StepFailed("timed_out", "the step's timeout passed between two attempts")
        await run.admit(halt)
        state["deadlines"].pop(f"{path}!retry", None)
        state["loops"][f"{path}!attempts"] = done + 1
        try:
            return await _attempt(run, halt, call, bounds, 1, bounds.attempt + _SLACK)
        except StepFailed as failure:
            if failure.code in NOT_RETRIED or done >= len(gaps):
                raise


async def _attempt(run: Run, halt: Halt, call: ActionCall, bounds: Bounds, times: int, total: float) -> dict[str, Json]:
    retry = bounds.retry
    try:
        with run.journal.riding(call["path"] if call["gated"] else "") as entries:
            handle: workflow.ActivityHandle[dict[str, Any]] = workflow.start_activity(
                call["action"],
                {**call, "entries": entries},
                result_type=dict,
                start_to_close_timeout=timedelta(seconds=bounds.attempt),
                schedule_to_close_timeout=timedelta(seconds=total),
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(seconds=max(retry["first"], 0.001)),
                    backoff_coefficient=max(retry["factor"], 1.0),
                    maximum_interval=timedelta(seconds=max(retry["up_to"], retry["first"], 0.001)),
                    maximum_attempts=max(times, 1),
                    non_retryable_error_types=NOT_RETRIED,
                ),
                cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            )
            # waited for as a condition: a result that has come is never torn away by a cancellation
            await workflow.wait_condition(lambda: handle.done() or bool(halt.reason))
            if not handle.done():
                handle.cancel()
                await _wait_for_last_attempt(handle, bounds.attempt, halt)
            receipt = await handle
    except ActivityError as error:
        raise _explain(error, halt) from error
    return _check_receipt(call, receipt)


async def _wait_for_last_attempt(handle: "workflow.ActivityHandle[Any]", attempt: float, halt: Halt) -> None:
    """Give an attempt that is under way the time to end, so that its effect is known; no longer than it may take."""
    try:
        await workflow.wait_condition(handle.done, timeout=timedelta(seconds=attempt))
    except TimeoutError:
        raise Halted(halt.reason) from None


def _explain(error: ActivityError, halt: Halt) -> StepFailed | Halted:
    if is_cancelled_exception(error) and halt.reason:
        return Halted(halt.reason)
    cause = error.cause
    if isinstance(cause, ApplicationError):
        return StepFailed(cause.type or "error")
    if isinstance(cause, AttemptTimedOut):
        return StepFailed("timed_out")
    return StepFailed("error")


def _check_receipt(call: ActionCall, receipt: dict[str, Any]) -> dict[str, Json]:
    # the codec binds a result to its activity's id, which begins anew with each continue-as-new; the key does not
    if receipt.get("key") != call["key"]:
        raise StepFailed("bad_receipt", "the receipt is of another call")
    outputs = receipt.get("outputs")
    if not isinstance(outputs, dict):
        raise StepFailed("bad_receipt", "the action gave no `outputs`")
    if size_of(outputs) > OUTPUT_LIMIT:
        raise StepFailed(ErrorType.TOO_LARGE, f"outputs of more than {OUTPUT_LIMIT} bytes")
    return receipt
