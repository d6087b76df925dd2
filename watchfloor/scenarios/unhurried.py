"""Cancelling in a scenario waits a moment, which keeps the time-skipping server from stalling.

That server refuses a workflow task that cancels an activity which has ended meanwhile (ACTIVITY_UNKNOWN) and then never
hands the task out again; a real server takes it. Where two actions of a scenario end in the same instant that happened
to every second attempt. So the wish to cancel an action is kept back for a second of skipped time: by then it has
ended, or it is between two attempts and is cancelled as it would have been.
"""

import asyncio
from typing import Any

from temporalio import workflow
from temporalio.worker import (
    Interceptor,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

MOMENT = 1.0
"""Seconds of skipped time."""


class _Outbound(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> "workflow.ActivityHandle[Any]":
        handle = super().start_activity(input)
        # an action of the walk is waited for after it is cancelled; whoever does not wait is cancelled at once
        if input.cancellation_type is workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED:
            _keep_back(handle)
        return handle


class _Inbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))


class Unhurried(Interceptor):
    """Given to the worker of a scenario."""

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        return _Inbound


def _keep_back(handle: "workflow.ActivityHandle[Any]") -> None:
    cancel_now = handle.cancel
    later = list[asyncio.Task[None]]()

    async def wait_and_cancel() -> None:
        try:
            await workflow.wait_condition(handle.done, timeout=MOMENT)
        except TimeoutError:
            cancel_now()

    def cancel(msg: Any = None) -> bool:
        if not handle.done() and not later:
            later.append(asyncio.create_task(wait_and_cancel()))
        return not handle.done()

    handle.cancel = cancel  # type: ignore[method-assign]
