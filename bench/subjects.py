"""What is compared: our interpreter carrying out a plan of plain steps, and a workflow written by hand for the same."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.common import RetryPolicy

from activities.catalog import CATALOG
from schemas.actions import ActionCall, ActionReceipt
from schemas.incident import IncidentStart
from schemas.notify import ACTIVITY_ANCHOR, ACTIVITY_LEDGER, AnchorCall, AnchorReceipt, AppendCall
from schemas.plan import Plan
from watchfloor.client.library import clock_register
from watchfloor.client.runs import pack_plan
from watchfloor.identity.roles import ROLES
from watchfloor.language import compile_text
from watchfloor.signing import SigningKey, effect_key, render_instant

HAND_WRITTEN = "HandWritten"
_NOW = render_instant(datetime(2026, 11, 22, 3, 0, tzinfo=UTC))
_OUTPUTS = {"all_gone": True, "seen_at": _NOW, "remaining": 0}
DECIDER = SigningKey.generate()
"""The key that runs of the bench believe."""

_HEAD = """\
runbook: plain-steps
version: 1
title: Plain steps one after the other
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
"""
_STEP = '      - {{id: look{n}, action: content.probe, with: {{urls: "${{{{ inputs.urls }}}}", countries: [DE]}}}}\n'


def compile_steps(count: int) -> tuple[Plan, str]:
    """The plan of a runbook with so many plain steps, and its digest."""
    text = _HEAD + "".join(_STEP.format(n=n) for n in range(count))
    compiled = compile_text(text, path="bench.yaml", catalog=CATALOG, register=clock_register(), roles=ROLES)
    if compiled.plan is None:
        raise ValueError("; ".join(finding.message for finding in compiled.findings))
    return compiled.plan, compiled.digest


def start_of(plan: Plan, digest: str, incident: str) -> IncidentStart:
    return {
        "v": 1,
        "incident": incident,
        "region": "eu",
        "namespace": "default",
        "plan": digest,
        "plan_z": pack_plan(plan),
        "inputs": {"urls": ["https://example.test/v/1"]},
        "requester": "",
        "trigger": {"source": "bench", "key": incident, "received_at": _NOW},
        "decision_keys": {DECIDER.kid: DECIDER.public},
        "exposed_regions": [],
        "limits": {"continue_after_events": 0, "failed_step_window": 60.0, "search_attributes": False},
        "carried": None,
    }


@workflow.defn(name=HAND_WRITTEN)
class HandWritten:
    """What a developer would write for the same steps: one activity after the other, the same argument and result."""

    @workflow.run
    async def run(self, count: int) -> int:
        seen = 0
        for n in range(count):
            call = call_of(workflow.info().workflow_id, n)
            receipt: ActionReceipt = await workflow.execute_activity(
                "content.probe",
                call,
                result_type=ActionReceipt,
                start_to_close_timeout=timedelta(seconds=60),
                retry_policy=RetryPolicy(maximum_attempts=3),
            )
            seen += bool(receipt["outputs"]["all_gone"])
        return seen


def call_of(incident: str, n: int) -> ActionCall:
    inputs: Mapping[str, Any] = {"urls": ["https://example.test/v/1"], "countries": ["DE"]}
    path = f"work/look{n}"
    key = effect_key(
        region="eu", incident=incident, plan="", path=path, item=None, inputs=inputs, action="content.probe"
    )
    return {
        "v": 1,
        "action": "content.probe",
        "region": "eu",
        "incident": incident,
        "plan": "",
        "step": f"look{n}",
        "path": path,
        "key": key,
        "inputs": dict(inputs),
        "effect": "reads",
        "tier": "0",
        "gated": False,
        "grant": None,
        "entries": [],
        "severity": "S3",
    }


@activity.defn(name="content.probe")
async def probe(call: ActionCall) -> ActionReceipt:
    return {"outputs": dict(_OUTPUTS), "key": call["key"], "resolved": "called", "done_at": _NOW}


@activity.defn(name=ACTIVITY_LEDGER)
async def append(call: AppendCall) -> None:
    return None


@activity.defn(name=ACTIVITY_ANCHOR)
async def anchor(call: AnchorCall) -> AnchorReceipt:
    return {"seq": 0, "head": "", "ref": "", "posted": [], "failed": []}


ACTIVITIES = [probe, append, anchor]
