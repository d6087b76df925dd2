"""People who decide, a workflow that stands for the incident, and activities that remember what they were told."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from schemas.actions import ActionCall, ActionReceipt
from schemas.decision import CONTROL, DECISION, Envelope
from schemas.incident import SIGNAL_REPORT, Board, Report
from schemas.ledger import Entry
from schemas.notify import AnchorCall, AnchorReceipt, AppendCall, NotifyCall, NotifyReceipt, PostPacketCall, PostReceipt
from watchfloor.regions.keys import KeyRing
from watchfloor.signing import SigningKey, render_instant, sign
from workflows.handoff import Handoff
from workflows.hold import Hold
from workflows.incoming import IncomingHandoff
from workflows.sandboxing import runner

RING = KeyRing.generate()
FACE = SigningKey.generate()
DECISION_KEYS = {FACE.kid: FACE.public}
PLAN = "sha256:" + "ab" * 32


@workflow.defn(name="StandIn")
class StandIn:
    """Stands for the incident: keeps the reports it gets."""

    def __init__(self) -> None:
        self.reports: list[Report] = []

    @workflow.run
    async def run(self) -> list[Report]:
        await workflow.wait_condition(lambda: False)
        return self.reports

    @workflow.signal(name=SIGNAL_REPORT)
    def report(self, report: Report) -> None:
        self.reports.append(report)

    @workflow.query
    def told(self) -> list[Report]:
        return self.reports


class Watched:
    """The activities of a worker: what they were told, and how they answer."""

    def __init__(self) -> None:
        self.calls: list[ActionCall] = []
        self.notices: list[NotifyCall] = []
        self.entries: dict[str, Entry] = {}
        self.posts: list[PostPacketCall] = []
        self.anchored: list[tuple[str, int]] = []
        """Each anchored chain, and how many of its entries were there by then."""
        self.act: Callable[[ActionCall], dict[str, Any]] = self.obey
        self.deliver: Callable[[PostPacketCall], Awaitable[PostReceipt]] | None = None

    def obey(self, call: ActionCall) -> dict[str, Any]:
        at = "2026-01-01T00:00:00Z"
        return {
            "hold.freeze": {"reference": f"ref-{call['inputs']['source']}-{call['key'][:6]}", "frozen_at": at},
            "hold.canary": {"refused": True, "checked_at": at},
            "hold.unfreeze": {"released_at": at},
        }[call["action"]]

    def named(self, action: str) -> list[ActionCall]:
        return [call for call in self.calls if call["action"] == action]

    def told(self, kind: str) -> list[NotifyCall]:
        return [notice for notice in self.notices if notice["kind"] == kind]

    def kinds(self) -> list[str]:
        return [entry["kind"] for entry in self.entries.values()]

    def activities(self) -> list[Callable[..., Any]]:
        def take(entries: list[Entry]) -> None:
            for entry in entries:
                first = self.entries.setdefault(entry["id"], entry)
                assert first == entry, f"{first} became {entry}"

        async def action(call: ActionCall) -> ActionReceipt:
            take(call["entries"])
            self.calls.append(call)
            outputs = self.act(call)
            return {"outputs": outputs, "key": call["key"], "resolved": "called", "done_at": "2026-01-01T00:00:00Z"}

        @activity.defn(name="people.notify")
        async def notify(call: NotifyCall) -> NotifyReceipt:
            take(call["entries"])
            self.notices.append(call)
            return {"delivered": ["pager"], "failed": []}

        @activity.defn(name="ledger.append")
        async def append(call: AppendCall) -> None:
            take(call["entries"])

        @activity.defn(name="ledger.anchor")
        async def anchor(call: AnchorCall) -> AnchorReceipt:
            take(call["entries"])
            self.anchored.append(
                (call["chain"], len([e for e in self.entries.values() if e["chain"] == call["chain"]]))
            )
            return {"seq": 1, "head": "", "ref": "", "posted": [], "failed": []}

        @activity.defn(name="handoff.post")
        async def post(call: PostPacketCall) -> PostReceipt:
            take(call["entries"])
            self.posts.append(call)
            assert self.deliver is not None
            return await self.deliver(call)

        @activity.defn(name="handoff.answer")
        async def answer(call: PostPacketCall) -> PostReceipt:
            take(call["entries"])
            self.posts.append(call)
            assert self.deliver is not None
            return await self.deliver(call)

        named = [activity.defn(name=name)(_copy(action)) for name in ("hold.freeze", "hold.canary", "hold.unfreeze")]
        return [*named, notify, append, anchor, post, answer]


def _copy(action: Callable[[ActionCall], Awaitable[ActionReceipt]]) -> Callable[[ActionCall], Awaitable[ActionReceipt]]:
    async def copied(call: ActionCall) -> ActionReceipt:
        return await action(call)

    return copied


@asynccontextmanager
async def working(client: Client, watched: Watched, queue: str | None = None) -> AsyncIterator[str]:
    queue = queue or f"regions-{uuid4()}"
    async with Worker(
        client,
        task_queue=queue,
        workflows=[Hold, Handoff, IncomingHandoff, StandIn],
        activities=watched.activities(),
        workflow_runner=runner(),
    ):
        yield queue


async def board_of(handle: WorkflowHandle[Any, Any]) -> Board:
    return await handle.query("board", result_type=Board)


async def asked(handle: WorkflowHandle[Any, Any], path: str) -> Board:
    """The board once an ask is open at a path."""
    for _ in range(300):
        with contextlib.suppress(RPCError):  # not started yet
            board = await board_of(handle)
            if any(ask["path"] == path for ask in board["asks"]):
                return board
        await asyncio.sleep(0.02)
    raise AssertionError(f"nothing was asked at {path}")


def decision(
    board: Board,
    path: str,
    option: str,
    *,
    person: str,
    role: str,
    now: datetime,
    form: dict[str, Any] | None = None,
    key: SigningKey = FACE,
    **changes: Any,
) -> Envelope:
    """A signed decision on an ask as the board shows it; on none, over no ask at all."""
    ask = next((ask["ask"] for ask in board["asks"] if ask["path"] == path), "none")
    body = {
        "v": 1,
        "region": board["region"],
        "namespace": "default",
        "incident": board["workflow"],
        "plan": board["plan"],
        "path": path,
        "ask": ask,
        "option": option,
        "form": form or {},
        "person": person,
        "role": role,
        "entity": "test",
        "signed_in": "dev",
        "issued_at": render_instant(now),
        "expires_at": render_instant(now + timedelta(minutes=5)),
        "nonce": secrets.token_hex(8),
        "reason_ref": "sha256:" + "0" * 64,
    }
    return sign(DECISION, {**body, **changes}, key)


def recall(
    workflow_id: str,
    region: str,
    *,
    now: datetime,
    role: str = "incident_commander",
    verb: str = "abort",
    **changes: Any,
) -> Envelope:
    body = {
        "v": 1,
        "region": region,
        "namespace": "default",
        "incident": workflow_id,
        "verb": verb,
        "person": "commander-1",
        "role": role,
        "issued_at": render_instant(now),
        "expires_at": render_instant(now + timedelta(minutes=5)),
        "nonce": secrets.token_hex(8),
        "reason_ref": "sha256:" + "0" * 64,
    }
    return sign(CONTROL, {**body, **changes}, FACE)


async def refused(handle: WorkflowHandle[Any, Any], update: str, envelope: Envelope) -> str:
    """The type of the refusal that an update gets."""
    with pytest.raises(WorkflowUpdateFailedError) as found:
        await handle.execute_update(update, envelope)
    assert isinstance(found.value.cause, ApplicationError)
    return found.value.cause.type or ""


async def server_now(server: Client | WorkflowEnvironment) -> datetime:
    """The time a server is at; a board's own `now` is that of the run's last task."""
    return datetime.now(UTC) if isinstance(server, Client) else await server.get_current_time()
