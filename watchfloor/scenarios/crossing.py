"""The border between two regions in a scenario: both handoff workflows are real, only the wire is stubbed.

A packet that the sending side posts is signed and starts the receiving side on the same server; the answer that the
receiving side posts is signed and goes to the sending side's update, as the other region's gateway would deliver it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from temporalio import activity
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from schemas.actions import ErrorType
from schemas.handoff import ANSWER, PACKET, UPDATE_ANSWER, IncomingStart, Packet
from schemas.incident import INCOMING_WORKFLOW
from schemas.json_value import Json
from schemas.notify import ACTIVITY_POST_ANSWER, ACTIVITY_POST_PACKET, PostPacketCall, PostReceipt
from schemas.plan import Plan, Step
from watchfloor.client import Face
from watchfloor.scenarios.timeline import Timeline
from watchfloor.signing import SigningKey, digest, render_instant, sign
from workflows.addresses import child_id
from workflows.packets import find_nearest


@dataclass(slots=True)
class Crossing:
    """`faces` are the regions of the scenario; `keys` sign what crosses. `incident` is set when the run has started."""

    client: Client
    task_queue: str
    faces: Mapping[str, Face]
    keys: Mapping[str, SigningKey]
    timeline: Timeline
    plan: Plan
    incident: str = ""
    _receiving: dict[str, tuple[str, Packet]] = field(default_factory=dict)
    """Workflow of the receiving side -> its region, and the packet it was offered."""

    def activities(self) -> Sequence[Callable[..., Any]]:
        return [self._post_packet(), self._post_answer()]

    def face_of(self, workflow: str) -> Face | None:
        """The region whose people answer what this workflow asks, when it is not the incident's own."""
        place = self._receiving.get(workflow)
        return self.faces[place[0]] if place else None

    def step_of(self, workflow: str) -> str:
        """The handoff step whose offer this workflow is; empty for every other workflow."""
        return self.timeline.aliases.get(workflow, "")

    def read_back(self, workflow: str) -> dict[str, Json]:
        """What somebody who has read the packet reads back, unless the scenario lets them say otherwise."""
        if workflow not in self._receiving:
            return {}
        packet = self._receiving[workflow][1]
        nearest = find_nearest(packet["clocks"])
        told: dict[str, Json] = {"severity": packet["severity"], "next_action": "carry on"}
        return told if nearest is None else {**told, "nearest_deadline": nearest}

    def _post_packet(self) -> Callable[..., Any]:
        @activity.defn(name=ACTIVITY_POST_PACKET)
        async def post_packet(call: PostPacketCall) -> PostReceipt:
            now = activity.info().started_time
            self.timeline.take(call["entries"])
            to = self.faces.get(call["to_region"])
            if to is None:
                message = f"the scenario has no region `{call['to_region']}`"
                raise ApplicationError(message, type=ErrorType.REFUSED, non_retryable=True)
            key = self.keys[call["region"]]
            packet = sign(PACKET, cast(dict[str, Json], call["body"]), key)
            workflow = "in-" + call["handoff"].split("-", 1)[1]
            self._receiving[workflow] = (to.region, cast(Packet, call["body"]))
            self.timeline.aliases[workflow] = self._step(call["handoff"])
            start: IncomingStart = {
                "v": 1,
                "handoff": call["handoff"],
                "region": to.region,
                "namespace": to.namespace,
                "packet": packet,
                "sender_keys": {key.kid: key.public},
                "decision_keys": dict(to.decision_keys),
                "received_at": render_instant(now),
                "ledger_by_activity": True,
            }
            await self.client.start_workflow(INCOMING_WORKFLOW, start, id=workflow, task_queue=self.task_queue)
            peer = self.keys[to.region]
            return {
                "workflow": workflow,
                "digest": digest(packet["body"]),
                "posted_at": render_instant(now),
                "peer_keys": {peer.kid: peer.public},
            }

        return post_packet

    def _post_answer(self) -> Callable[..., Any]:
        @activity.defn(name=ACTIVITY_POST_ANSWER)
        async def post_answer(call: PostPacketCall) -> PostReceipt:
            now = activity.info().started_time
            self.timeline.take(call["entries"])
            answer = sign(ANSWER, cast(dict[str, Json], call["body"]), self.keys[call["region"]])
            handle = self.client.get_workflow_handle(call["handoff"])
            try:
                await handle.execute_update(UPDATE_ANSWER, answer)
            except WorkflowUpdateFailedError as error:
                raise ApplicationError(str(error.cause), type=ErrorType.REFUSED, non_retryable=True) from error
            return {
                "workflow": call["handoff"],
                "digest": digest(answer["body"]),
                "posted_at": render_instant(now),
            }

        return post_answer

    def _step(self, handoff: str) -> str:
        """The handoff step that made this id, looked for among the places a handoff can stand outside loops."""
        for step in all_steps(self.plan):
            if step["kind"] == "handoff" and child_id("hand", self.incident, step["path"]) == handoff:
                return step["id"]
        return ""


def all_steps(plan: Plan) -> list[Step]:
    """Every step of a plan, in the order written, blocks before what they hold."""
    found: list[Step] = []
    for block in (*plan["tracks"], *plan["phases"]):
        _gather(block["steps"], found)
    return found


def _gather(value: Json, found: list[Step]) -> None:
    if isinstance(value, list):
        for item in value:
            _gather(item, found)
    elif isinstance(value, dict):
        if {"id", "kind", "path", "on_error"} <= value.keys():
            found.append(cast(Step, value))
        for inner in value.values():
            _gather(inner, found)
