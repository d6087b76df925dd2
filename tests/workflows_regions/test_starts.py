"""What is no start message ends the run at once instead of failing its task for ever."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from workflows.handoff import Handoff
from workflows.hold import Hold
from workflows.incoming import IncomingHandoff
from workflows.postmortem import Postmortem
from workflows.sandboxing import runner
from workflows.starts import START_REFUSED

KINDS: list[Any] = [Hold, Handoff, IncomingHandoff, Postmortem]
GARBAGE: list[list[Any]] = [[], [None], [7], ["x"], [{}], [{"v": 1, "carried": {"placed_at": "never"}}], [{}, {}]]


def _name(kind: Any) -> str:
    return str(kind.__temporal_workflow_definition.name)


@pytest.mark.parametrize("kind", KINDS, ids=_name)
async def test_a_start_message_that_is_none_is_refused_at_once(skipping: WorkflowEnvironment, kind: Any) -> None:
    queue, handles = f"q-{uuid4()}", []
    for said in GARBAGE:
        handle = await skipping.client.start_workflow(_name(kind), args=said, id=f"g-{uuid4()}", task_queue=queue)
        for signal in ("decide_later", "incident_closed"):
            await handle.signal(signal, {"outcome": "closed"})  # they come in the same task as the start
        handles.append(handle)
    async with Worker(skipping.client, task_queue=queue, workflows=KINDS, workflow_runner=runner()):
        for said, handle in zip(GARBAGE, handles, strict=True):
            with pytest.raises(WorkflowFailureError) as caught:
                await asyncio.wait_for(handle.result(), 10)
            assert isinstance(caught.value.cause, ApplicationError), said
            assert caught.value.cause.type == START_REFUSED
            history = await handle.fetch_history()
            failed = [event for event in history.events if event.HasField("workflow_task_failed_event_attributes")]
            assert failed == [], said
