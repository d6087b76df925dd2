"""How long a decision takes to act: from its acceptance to the start of the gated activity, by history timestamps.

Acceptance and an eagerly started activity are written by one and the same answer of the worker, so the time it spends
on verifying lies before the acceptance; it is shown apart, from the start of the workflow task that took the decision.

Against a workflow written by hand that waits for one update and then calls the same activity, on the same server, with
the same worker and payload converter; the runs alternate, so that both meet the machine in the same moods.
"""

import asyncio
import secrets
import statistics
import uuid
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from temporalio import activity, workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import Worker

from activities.catalog import CATALOG
from bench.server import running_server
from bench.subjects import ACTIVITIES, DECIDER, call_of, start_of
from schemas.actions import ActionReceipt
from schemas.decision import DECISION, Receipt
from schemas.incident import INCIDENT_WORKFLOW, QUERY_BOARD, UPDATE_DECIDE
from schemas.notify import ACTIVITY_NOTIFY, NotifyCall, NotifyReceipt
from schemas.plan import Plan
from watchfloor.client.library import clock_register
from watchfloor.identity.roles import ROLES
from watchfloor.language import compile_text
from watchfloor.runtime.worker import all_workflows
from watchfloor.signing import render_instant, sign
from workflows.sandboxing import runner

QUEUE = "bench-decisions"
BOUND = 1.2
"""The ratio of the medians that is promised."""
RATIO = "ratio, from the acceptance"
HAND_WRITTEN = "GatedByHand"
AT_ONCE = 8
Times: TypeAlias = tuple[float, float]
"""Seconds to the start of the gated activity: from the acceptance, and from when a worker took the decision up."""
_TEXT = """\
runbook: gated-step
version: 1
title: One gated step
owners: [bench]
harm: bench
mode: {default: incident}
severity: {default: S3}
compartment: bench
regions: {command: eu, allowed: [eu]}
inputs:
  urls: {type: list, of: url, max_items: 1000}
phases:
  - work:
      - id: look0
        action: content.probe
        with: {urls: "${{ inputs.urls }}", countries: [DE]}
        approval:
          from: [legal_counsel]
          within: 1h
          on_deny: fail
          on_silence: {then: fail}
"""


@activity.defn(name=ACTIVITY_NOTIFY)
async def notify(call: NotifyCall) -> NotifyReceipt:
    return {"delivered": ["bench"], "failed": []}


@workflow.defn(name=HAND_WRITTEN)
class GatedByHand:
    """What a developer would write: tell somebody, wait for one update, call the activity."""

    def __init__(self) -> None:
        self._said: dict[str, Any] | None = None

    @workflow.update(name=UPDATE_DECIDE)
    def decide(self, envelope: Any) -> Receipt:
        self._said = envelope
        return {"accepted": True, "digest": "", "state": "complete", "waiting_for": []}

    @workflow.query(name=QUERY_BOARD)
    def board(self) -> bool:
        return self._said is None

    @workflow.run
    async def run(self, notice: NotifyCall) -> bool:
        await workflow.execute_activity(
            ACTIVITY_NOTIFY, notice, result_type=NotifyReceipt, start_to_close_timeout=timedelta(seconds=30)
        )
        await workflow.wait_condition(lambda: self._said is not None)
        receipt = await workflow.execute_activity(
            "content.probe",
            call_of(workflow.info().workflow_id, 0),
            result_type=ActionReceipt,
            start_to_close_timeout=timedelta(seconds=60),
            retry_policy=RetryPolicy(maximum_attempts=3),
        )
        return bool(receipt["outputs"]["all_gone"])


def compile_gated() -> tuple[Plan, str]:
    """The plan with one gated step, and its digest."""
    compiled = compile_text(_TEXT, path="gated.yaml", catalog=CATALOG, register=clock_register(), roles=ROLES)
    if compiled.plan is None:
        raise ValueError("; ".join(finding.message for finding in compiled.findings))
    return compiled.plan, compiled.digest


async def measure_decisions(runs: int = 500) -> dict[str, float]:
    """Seconds from an accepted decision to the start of what it gates: median of each, their ratio, and p99."""
    plan, digest = compile_gated()
    mine: list[Times] = []
    theirs: list[Times] = []
    async with (
        running_server() as client,
        Worker(
            client,
            task_queue=QUEUE,
            workflows=[*all_workflows(), GatedByHand],
            activities=[*ACTIVITIES, notify],
            workflow_runner=runner(),
        ),
    ):
        await asyncio.gather(_decide_in_plan(client, plan, digest), _decide_by_hand(client))  # both warm
        for turn in range(0, runs, AT_ONCE):
            batch = []
            for n in range(min(AT_ONCE, runs - turn)):
                pair = [_into(mine, _decide_in_plan(client, plan, digest)), _into(theirs, _decide_by_hand(client))]
                batch += pair if (turn // AT_ONCE + n) % 2 else pair[::-1]
            await asyncio.gather(*batch)
    print(f"to the start of the gated activity, {runs} runs of each, {2 * AT_ONCE} at once")
    found: dict[str, float] = {}
    for n, since in enumerate(("from the acceptance", "from the worker's taking it up")):
        print(f"  {since}")
        medians = []
        for name, times in (("interpreter", mine), ("written by hand", theirs)):
            ordered = sorted(one[n] for one in times)
            median, p99 = statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
            medians.append(median)
            found |= {f"{name}, {since}": median, f"{name}, {since}, p99": p99}
            print(f"    {name:<26}{1000 * median:>10.2f} ms   p99 {1000 * p99:>8.2f} ms")
        found[f"ratio, {since}"] = medians[0] / medians[1]
        bound = f"bound {BOUND}" if n == 0 else "no bound"
        print(f"    {'ratio of the medians':<26}{medians[0] / medians[1]:>10.2f}      {bound}")
    missed = judge_ratio(found)
    print(f"  {missed or f'the bound holds: {found[RATIO]:.2f} times, at most {BOUND} is promised'}")
    return found


def judge_ratio(found: Mapping[str, float]) -> str:
    """What is wrong with the medians; empty when the bound holds."""
    ratio = found[RATIO]
    return "" if ratio <= BOUND else f"the bound is missed: {ratio:.2f} times, at most {BOUND} is promised"


async def _into(times: list[Times], measured: Awaitable[Times]) -> None:
    times.append(await measured)


async def _decide_in_plan(client: Client, plan: Plan, digest: str) -> Times:
    incident = f"inc-{uuid.uuid4().hex[:20]}"
    start = start_of(plan, digest, incident)
    handle = await client.start_workflow(INCIDENT_WORKFLOW, start, id=incident, task_queue=QUEUE)
    ask = None
    while ask is None:
        asks = (await handle.query(QUERY_BOARD))["asks"]
        ask = asks[0] if asks else None
    now = datetime.now(UTC)
    body = {
        "v": 1,
        "region": start["region"],
        "namespace": start["namespace"],
        "incident": incident,
        "plan": digest,
        "path": ask["path"],
        "ask": ask["ask"],
        "option": "approve",
        "form": {},
        "person": "counsel-1",
        "role": "legal_counsel",
        "entity": "bench",
        "signed_in": "dev",
        "issued_at": render_instant(now),
        "expires_at": render_instant(now + timedelta(minutes=5)),
        "nonce": secrets.token_hex(16),
        "reason_ref": "sha256:" + "0" * 64,
    }
    return await _decide(client, incident, sign(DECISION, body, DECIDER))


async def _decide_by_hand(client: Client) -> Times:
    run = f"hand-{uuid.uuid4().hex[:20]}"
    notice: NotifyCall = {
        "v": 1,
        "kind": "ask",
        "region": "eu",
        "workflow": run,
        "incident": run,
        "path": "work/look0",
        "step": "look0",
        "roles": ["legal_counsel"],
        "severity": "S3",
        "deadline_at": None,
        "clock": "",
        "key": run,
        "entries": [],
    }
    handle = await client.start_workflow(HAND_WRITTEN, notice, id=run, task_queue=QUEUE)
    while not await handle.query(QUERY_BOARD):
        pass
    return await _decide(client, run, {"domain": DECISION, "kid": "", "body": {}, "sig": ""})


async def _decide(client: Client, run: str, envelope: Any) -> Times:
    """Wait until nothing but the decision is awaited, decide, and read the time from the history."""
    handle = client.get_workflow_handle(run)
    while True:
        kinds = [event.event_type async for event in handle.fetch_history_events()]
        if EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED in kinds and kinds[-1] == (
            EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        ):
            break
        await asyncio.sleep(0.01)
    await handle.execute_update(UPDATE_DECIDE, envelope)
    await handle.result()
    accepted, scheduled, started, taken = None, None, None, None
    async for event in handle.fetch_history_events():
        at = event.event_time.ToDatetime(tzinfo=UTC)
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
            accepted = at
        elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED and accepted is None:
            taken = at
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            name = event.activity_task_scheduled_event_attributes.activity_type.name
            scheduled = event.event_id if name == "content.probe" else scheduled
        elif event.activity_task_started_event_attributes.scheduled_event_id == (scheduled or -1):
            started = at
    if accepted is None or started is None or taken is None:
        raise ValueError(f"`{run}` has no accepted decision or no gated activity in its history")
    return (started - accepted).total_seconds(), (started - taken).total_seconds()
