"""Orders through the claim to a real server: one run for each, also when a process dies or the engine forgets."""

import asyncio
import signal
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from schemas.incident import INCIDENT_WORKFLOW, Limits
from schemas.plan import Plan
from watchfloor.client.engine import exists
from watchfloor.client.errors import EngineUnavailable, Refused
from watchfloor.client.face import Face
from watchfloor.client.library import compile_source
from watchfloor.client.orders import Order
from watchfloor.client.runs import Started, content_of, start_incident
from watchfloor.intake import Claims
from watchfloor.intake.sweep import AGAIN_AFTER, sweep
from watchfloor.signing import opaque_id

LIMITS: Limits = {"continue_after_events": 0, "failed_step_window": 60.0, "search_attributes": False}
RUNBOOK = """runbook: sweep
version: 1
title: Sweep
owners: [ts]
severity: S3
regions: {command: eu, allowed: [eu]}
inputs:
  order_id: string
  at: timestamp
phases:
  - triage:
      - {id: pause, wait: {for: 1m}}
"""


@workflow.defn(name=INCIDENT_WORKFLOW)
class ClosesAtOnce:
    """Stands in for a run that ends: what counts here is only that the engine says so."""

    @workflow.run
    async def run(self, start: dict[str, Any]) -> None:
        return None


def compiled() -> tuple[Plan, str]:
    found = compile_source(RUNBOOK, shown_as="sweep.yaml")
    assert found.plan is not None, found.findings
    return found.plan, found.digest


def order(key: str, **inputs: Any) -> Order:
    given = {"order_id": "DE-1", "at": "2026-11-22T02:55:00Z", **inputs}
    return Order("portal", key, "2026-11-22T03:10:00Z", "", given)


async def start(face: Face, key: str, **inputs: Any) -> Started:
    return await start_incident(face, *compiled(), order(key, **inputs), limits=LIMITS)


async def close(face: Face, incident: str) -> None:
    worker = Worker(
        face.client,
        task_queue=face.task_queue,
        workflows=[ClosesAtOnce],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    async with worker:
        await face.client.get_workflow_handle(incident).result()


async def delete(face: Face, incident: str) -> None:
    """Take a run from the engine before anybody saw its end."""
    execution = WorkflowExecution(workflow_id=incident)
    request = DeleteWorkflowExecutionRequest(namespace=face.namespace, workflow_execution=execution)
    await face.client.workflow_service.delete_workflow_execution(request)
    for _ in range(200):
        if not await exists(face, incident):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the server kept the run")


async def years_later(face: Face, temporal: str) -> Face:
    """The same region with its claims and keys, whose engine has none of its old runs: another namespace. The server
    takes ten seconds and more to delete a run that has closed."""
    return replace(face, client=await Client.connect(temporal, namespace="us"), namespace="us")


async def look(face: Face, claims: Claims) -> None:
    await sweep(face, claims, now=datetime.now(UTC) + AGAIN_AFTER + timedelta(seconds=1))


async def test_a_hundred_identical_orders_at_once_are_one_run(face: Face) -> None:
    answers = await asyncio.gather(*(start(face, "hundred") for _ in range(100)))
    assert len({answer.incident for answer in answers}) == 1
    assert [answer.already for answer in answers].count(False) == 1


async def test_what_closed_and_was_forgotten_by_the_engine_is_joined_not_started_again(
    face: Face, claims: Claims, temporal: str
) -> None:
    first = await start(face, "old")
    await close(face, first.incident)
    await look(face, claims)
    later = await years_later(face, temporal)
    again = await start(later, "old", at="2026-11-22T02:56:00Z")
    assert (again.incident, again.already, again.forgotten) == (first.incident, True, True)
    with pytest.raises(Refused) as caught:
        await start(later, "old", order_id="DE-2")
    assert caught.value.type == "key_reused"
    assert not await exists(later, first.incident)


async def test_without_claims_the_same_order_would_run_twice(face: Face, temporal: str) -> None:
    alone = replace(face, claims=None)
    await start(alone, "unclaimed")
    assert not (await start(await years_later(alone, temporal), "unclaimed")).already


async def test_a_run_that_vanished_before_anybody_saw_it_close_is_called_lost(face: Face) -> None:
    first = await start(face, "vanished")
    await delete(face, first.incident)
    with pytest.raises(Refused, match="not seen to close") as caught:
        await start(face, "vanished")
    assert caught.value.type == "lost"
    assert not await exists(face, first.incident)


async def test_a_run_ended_from_outside_is_lost_also_when_it_is_forgotten(
    face: Face, claims: Claims, temporal: str
) -> None:
    first = await start(face, "ended")
    await face.client.get_workflow_handle(first.incident).terminate()
    await look(face, claims)
    later = await years_later(face, temporal)
    with pytest.raises(Refused) as caught:
        await start(later, "ended")
    assert caught.value.type == "lost"


KILLED = """
import os, signal, sys
from pathlib import Path
from watchfloor.intake import Claims
Claims(Path(sys.argv[1])).take(sys.argv[2], sys.argv[3])
os.kill(os.getpid(), signal.SIGKILL)
"""


async def test_after_a_kill_between_claim_and_start_the_next_attempt_starts_it(
    face: Face, claims: Claims, tmp_path: Path
) -> None:
    plan, _ = compiled()
    incident = opaque_id("inc", face.secret, plan["id"], "portal", "killed")
    content = content_of(face, plan, incident, order("killed").inputs)
    path = tmp_path / "eu" / "claims.sqlite"
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, str(path), incident, content)
    assert await killed.wait() == -signal.SIGKILL
    assert claims.take(incident, content).state == "claimed"
    await look(face, claims)
    answers = await asyncio.gather(*(start(face, "killed") for _ in range(10)))
    assert {answer.incident for answer in answers} == {incident}
    assert [answer.already for answer in answers].count(False) == 1


async def test_after_a_kill_between_start_and_note_a_look_finishes_the_claim(face: Face, claims: Claims) -> None:
    plan, _ = compiled()
    started = await start(replace(face, claims=None), "unnoted")
    content = content_of(face, plan, started.incident, order("unnoted").inputs)
    claims.take(started.incident, content)
    await look(face, claims)
    assert claims.take(started.incident, content).state == "started"


async def test_what_cannot_be_claimed_is_not_started(face: Face, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    broken = replace(face, claims=Claims(tmp_path / "broken"))
    with pytest.raises(EngineUnavailable, match="nothing was started"):
        await start(broken, "unclaimable")
    incident = opaque_id("inc", face.secret, "sweep", "portal", "unclaimable")
    assert not await exists(face, incident)


async def test_the_file_holds_neither_key_nor_input(face: Face, tmp_path: Path) -> None:
    await start(face, "PLAIN-KEY-77", order_id="PLAIN-INPUT-78")
    kept = b"".join(path.read_bytes() for path in (tmp_path / "eu").iterdir())
    assert b"inc-" in kept
    assert b"PLAIN-" not in kept
