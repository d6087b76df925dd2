"""Stand-ins for the processes that an incident starts; they report what the test tells them to."""

import asyncio
from typing import Any

from temporalio import workflow

from schemas.incident import SIGNAL_CLOSED, SIGNAL_REPORT


async def _report(start: Any, kind: str, state: str, data: dict[str, Any]) -> None:
    report = {
        "path": start["path"],
        "kind": kind,
        "workflow": workflow.info().workflow_id,
        "state": state,
        "at": workflow.now().isoformat(),
        "data": data,
    }
    await workflow.get_external_workflow_handle(start["incident"]).signal(SIGNAL_REPORT, report)


@workflow.defn(name="Hold")
class HoldStandIn:
    @workflow.run
    async def run(self, start: Any) -> str:
        await asyncio.sleep(5)
        state = "failed" if "broken_store" in start["sources"] else "verified"
        await _report(start, "hold", state, {})
        return state


@workflow.defn(name="Handoff")
class HandoffStandIn:
    @workflow.run
    async def run(self, start: Any) -> Any:
        packet = start["packet"]
        await asyncio.sleep(5)
        await _report(start, "handoff", "offered", {})
        await asyncio.sleep(5)
        if packet["title"] == "Nobody home":
            await asyncio.sleep(3600)
            return packet
        if packet["title"] == "Unanswered":
            told = {"untold": True} if start.get("tells_incident") else {}
            await _report(start, "handoff", "unanswered", told)
            return packet
        state = "declined" if packet["title"] == "Declined" else "accepted"
        data = {"mode": packet["mode"], "fence": packet["fence"], "person": "eva", "role": "eu_desk", "region": "eu"}
        await _report(start, "handoff", state, data)
        return packet


@workflow.defn(name="Postmortem")
class PostmortemStandIn:
    def __init__(self) -> None:
        self.told: Any = None

    @workflow.signal(name=SIGNAL_CLOSED)
    def closed(self, payload: Any) -> None:
        self.told = payload

    @workflow.run
    async def run(self, start: Any) -> Any:
        await workflow.wait_condition(lambda: self.told is not None)
        return self.told
