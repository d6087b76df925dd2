"""What the engine answers, and its errors in our words."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Literal

from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.client import WorkflowExecutionStatus, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from watchfloor.client.errors import EngineUnavailable, NotFound
from watchfloor.client.face import Face

FROM_OUTSIDE = frozenset(
    {
        WorkflowExecutionStatus.TERMINATED,
        WorkflowExecutionStatus.FAILED,
        WorkflowExecutionStatus.TIMED_OUT,
        WorkflowExecutionStatus.CANCELED,
    }
)
"""How a run is ended that does not end itself."""


async def claim_state(face: Face, incident: str) -> Literal["started", "closed", "lost"] | None:
    """What the engine says of a claim's run; None when it has none of that id.

    Raises:
        EngineUnavailable: Temporal did not answer.
    """
    try:
        async with engine_errors(face, "nothing was changed", looked_for=incident):
            described = await face.client.get_workflow_handle(incident).describe()
    except NotFound:
        return None
    if described.status in FROM_OUTSIDE:
        return "lost"
    return "closed" if described.status == WorkflowExecutionStatus.COMPLETED else "started"


@asynccontextmanager
async def engine_errors(face: Face, known: str, *, looked_for: str = "") -> AsyncIterator[None]:
    """Turn Temporal's errors into ours; `known` says what may be relied on although it failed."""
    try:
        yield
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND and looked_for and not _lacks_namespace(error):
            raise NotFound(f"no run `{looked_for}` in region `{face.region}`; `watchfloor list` shows them") from error
        if error.status in {RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}:
            waited = f"{face.answer_within / timedelta(seconds=1):.0f} s"
            raise EngineUnavailable(
                f"no worker of region `{face.region}` answered within {waited}; {known}; is `watchfloor up` (or "
                f"`python worker.py --region {face.region}`) running?"
            ) from error
        if error.status == RPCStatusCode.FAILED_PRECONDITION and looked_for:
            raise EngineUnavailable(
                f"`{looked_for}` is stuck: a worker tried to carry it on and failed; {known}; the worker's log says "
                f"why (look for this id in `logs/worker-{face.region}.jsonl`), and the run goes on once a worker can"
            ) from error
        raise EngineUnavailable(
            f"Temporal at `{face.namespace}` answered {error.status.name.lower()}; {known}; see `watchfloor doctor`"
        ) from error
    except WorkflowQueryFailedError as error:
        # its text is encrypted ("Encoded failure") and would tell nobody anything
        raise EngineUnavailable(
            f"`{looked_for}` has no board: it was refused at its start, or failed before it could keep one; {known}; "
            f"look for this id in the worker's log (`logs/worker-{face.region}.jsonl`)"
        ) from error


def _lacks_namespace(error: RPCError) -> bool:
    """Whether nothing could be found because the server has no such namespace: that says nothing of the run."""
    return any(detail.Is(NamespaceNotFoundFailure.DESCRIPTOR) for detail in error.grpc_status.details)


async def exists(face: Face, workflow: str) -> bool:
    """Whether the region has (or had, within retention) a run of this id.

    Raises:
        EngineUnavailable: Temporal did not answer.
    """
    try:
        async with engine_errors(face, "nothing was changed", looked_for=workflow):
            await face.client.get_workflow_handle(workflow).describe()
    except NotFound:
        return False
    return True
