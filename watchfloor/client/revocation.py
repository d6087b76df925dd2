"""Telling every open run of a region that a face key no longer counts.

The revocation is on the disk before this is called, and every effect reads it there. The signal is what makes a run
refuse the key, void open answers and ask again; the engine keeps it when no worker is up.
"""

import asyncio
from dataclasses import dataclass

from temporalio.service import RPCError, RPCStatusCode

from schemas.decision import Envelope
from schemas.incident import (
    HANDOFF_WORKFLOW,
    HOLD_WORKFLOW,
    INCIDENT_WORKFLOW,
    INCOMING_WORKFLOW,
    POSTMORTEM_WORKFLOW,
)
from schemas.keys import SIGNAL_REVOKED
from watchfloor.client.engine import engine_errors
from watchfloor.client.errors import EngineUnavailable, NotFound
from watchfloor.client.face import Face
from watchfloor.client.runs import started_with

LISTENING = (INCIDENT_WORKFLOW, HOLD_WORKFLOW, HANDOFF_WORKFLOW, INCOMING_WORKFLOW, POSTMORTEM_WORKFLOW)
"""The workflows that take people's statements."""
ROUNDS = 3
INDEX_LAG = 2.0
"""Seconds that the engine's index may lag behind: a run that was started just before is found in the next round."""


@dataclass(frozen=True, slots=True)
class Told:
    """`rootless` are open runs from before there were roots: they cannot verify a revocation, their effects can."""

    told: tuple[str, ...]
    rootless: tuple[str, ...]


async def list_open(face: Face) -> list[str]:
    """The ids of all open runs that take statements, as the engine's index knows them.

    Raises:
        EngineUnavailable: Temporal did not answer.
    """
    types = " OR ".join(f"WorkflowType = '{name}'" for name in LISTENING)
    async with engine_errors(face, "the list of open runs is not known"):
        found = face.client.list_workflows(f"({types}) AND ExecutionStatus = 'Running'")
        return [run.id async for run in found]


async def find_rootless(face: Face, runs: list[str]) -> list[str]:
    """Those that pin keys by themselves and no root. One that has just ended is none.

    Raises:
        EngineUnavailable: Temporal did not answer, or a start cannot be opened.
    """
    found: list[str] = []
    for run in runs:
        try:
            if not (await started_with(face, run)).get("root"):
                found.append(run)
        except NotFound:
            continue
    return found


async def tell_runs(face: Face, revocation: Envelope, *, lag: float = INDEX_LAG) -> Told:
    """Signal the revocation to every open run; the list is read again until it names nobody new.

    Raises:
        EngineUnavailable: some may not have been told; doing it again is safe.
    """
    told: dict[str, None] = {}
    for round_ in range(ROUNDS):
        fresh = [run for run in await list_open(face) if run not in told]
        if round_ and not fresh:
            break
        for run in fresh:
            try:
                await face.client.get_workflow_handle(run).signal(
                    SIGNAL_REVOKED, revocation, rpc_timeout=face.answer_within
                )
            except RPCError as error:
                if error.status != RPCStatusCode.NOT_FOUND:
                    raise EngineUnavailable(
                        f"`{run}` could not be told; {len(told)} runs were; effects refuse the key already; "
                        "give the same command again"
                    ) from error
            told[run] = None
        await asyncio.sleep(lag)
    runs = list(told)
    return Told(tuple(runs), tuple(await find_rootless(face, runs)))
