"""What the engine itself knows of a run: who works on it, what is tried again, how often and why it failed.

A board says what a run waits for; it cannot say that nobody carries it on. That is asked of the engine here.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.enums.v1 import PendingActivityState, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.service import RPCError

from watchfloor.client.face import Face
from watchfloor.signing import render_instant

POLLED_WITHIN = timedelta(seconds=90)
"""A worker asks for work at least once a minute; one that has not for this long is not there."""
ANSWER_WITHIN = timedelta(seconds=2)
"""A page does not wait longer for this; it then says less."""
MOST = 50
"""Activities that are told of."""

_STARTED = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED


@dataclass(frozen=True, slots=True)
class Attempt:
    """One activity that is under way or waits for its next attempt.

    `error` is the type of its last failure (`schemas.actions.ErrorType` or the engine's word), never its text.
    """

    action: str
    number: int
    working: bool
    next_at: str | None
    error: str


@dataclass(frozen=True, slots=True)
class Liveness:
    """`workers` is how many have lately asked for work; None when the engine does not say."""

    workers: int | None = None
    attempts: tuple[Attempt, ...] = ()


async def look_at_engine(face: Face, run: str) -> Liveness:
    """Ask the engine about a run; what it does not answer in time is left out."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN / timedelta(seconds=1)):
            workers, attempts = await asyncio.gather(_count_workers(face), _list_attempts(face, run))
    except (RPCError, TimeoutError):
        return Liveness()
    return Liveness(workers, attempts)


async def _count_workers(face: Face) -> int:
    answer = await face.client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=face.namespace,
            task_queue=TaskQueue(name=face.task_queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    oldest = datetime.now(UTC) - POLLED_WITHIN
    return sum(one.last_access_time.ToDatetime(tzinfo=UTC) >= oldest for one in answer.pollers)


async def _list_attempts(face: Face, run: str) -> tuple[Attempt, ...]:
    described = await face.client.get_workflow_handle(run).describe()
    return tuple(_read(one) for one in list(described.raw_description.pending_activities)[:MOST])


def _read(one: Any) -> Attempt:
    working = one.state == _STARTED
    waits = one.HasField("scheduled_time") and not working
    failure = one.last_failure
    error = failure.application_failure_info.type if failure.HasField("application_failure_info") else ""
    if not error and failure.HasField("timeout_failure_info"):
        error = "timed_out"
    return Attempt(
        action=one.activity_type.name,
        number=int(one.attempt),
        working=working,
        next_at=render_instant(one.scheduled_time.ToDatetime(tzinfo=UTC)) if waits else None,
        error=error,
    )
