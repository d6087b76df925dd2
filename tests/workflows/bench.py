"""A bench for runs of the incident workflow: a server that skips time, a worker with recording activities, a face."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from temporalio import activity
from temporalio.client import (
    Client,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import RawValue
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, Worker

from schemas.decision import CONTROL, DECISION, FACT, MOTION
from tests.workflows.stand_ins import HandoffStandIn, HoldStandIn, PostmortemStandIn
from watchfloor.client.face import Face
from watchfloor.identity.people import Directory
from watchfloor.signing import SigningKey, pack, render_instant, sign
from workflows.incident import IncidentWorkflow
from workflows.sandboxing import runner

FACE = SigningKey.from_bytes(b"\x01" * 32)
STRANGER = SigningKey.from_bytes(b"\x02" * 32)
URLS = [f"https://example.test/v/{number}" for number in range(4)]


def find_binary(name: str) -> str:
    found = shutil.which(name, path=str(Path(__import__("sys").executable).parent)) or shutil.which(name)
    assert found, f"{name} is not installed"
    return found


class Bench:
    """One server, one worker, any number of runs; every run is replayed at the end."""

    def __init__(self, client: Client, env: WorkflowEnvironment | None) -> None:
        self.client, self.env = client, env
        self.queue = f"q-{uuid4()}"
        self.calls: list[dict[str, Any]] = []
        self.notices: list[dict[str, Any]] = []
        self.entries: list[dict[str, Any]] = []
        self.behaviour: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.handles: list[WorkflowHandle[Any, Any]] = []
        self.ledger_refusals = 0
        self.people: set[str] = set()

    # -- activities ---------------------------------------------------------------------------------------------

    def worker(self, **more: Any) -> Worker:
        @activity.defn(dynamic=True)
        async def any_activity(args: Sequence[RawValue]) -> Any:
            call = activity.payload_converter().from_payload(args[0].payload, dict)
            self.entries.extend(call.get("entries", []))
            name = activity.info().activity_type
            if name == "people.notify":
                self.notices.append(call)
                outcome = self.behaviour.get(name, lambda _: None)(call)
                return outcome or {"delivered": ["sandbox"], "failed": []}
            if name == "people.find":
                return {"found": call["person"] in self.people}
            if name == "ledger.anchor":
                return None
            self.calls.append({**call, "attempt": activity.info().attempt})
            outputs = self.behaviour.get(call["action"], lambda _: {})(call)
            if asyncio.iscoroutine(outputs):
                outputs = await outputs
            return {
                "outputs": outputs or {},
                "key": call["key"],
                "resolved": "called",
                "done_at": "2026-11-22T00:00:00Z",
            }

        @activity.defn(name="ledger.append")
        async def append(call: dict[str, Any]) -> None:
            if self.ledger_refusals:
                self.ledger_refusals -= 1
                raise ApplicationError("down", type="ledger_unavailable")
            self.entries.extend(call["entries"])

        given: dict[str, Any] = {
            "task_queue": self.queue,
            "workflows": [IncidentWorkflow, HoldStandIn, HandoffStandIn, PostmortemStandIn],
            "sticky_queue_schedule_to_start_timeout": timedelta(seconds=2),
            **more,
        }
        return Worker(self.client, activities=[any_activity, append], workflow_runner=runner(), **given)

    def done(self, name: str = "") -> list[str]:
        """Runtime paths of action calls, in order."""
        return [call["path"] for call in self.calls if name in {"", call["action"]}]

    def kinds(self) -> list[str]:
        return [entry["kind"] for entry in self.entries]

    # -- runs ---------------------------------------------------------------------------------------------------

    async def start(self, given: Any, inputs: dict[str, Any] | None = None, **more: Any) -> "Case":
        digest, packed = pack(given)
        incident = f"inc-{uuid4()}"
        task_timeout = more.pop("task_timeout", None)
        limits = {
            "continue_after_events": more.pop("continue_after", 0),
            "failed_step_window": more.pop("failed_step_window", 3600.0),
            "search_attributes": False,
            **({"pressure": more.pop("pressure")} if "pressure" in more else {}),
        }
        start = {
            "v": 1,
            "incident": incident,
            "region": "us",
            "namespace": self.client.namespace,
            "plan": digest,
            "plan_z": packed,
            "inputs": {"urls": URLS, **(inputs or {})},
            "requester": "rita",
            "trigger": {"source": "test", "key": incident, "received_at": await self.now()},
            "decision_keys": {FACE.kid: FACE.public},
            "exposed_regions": ["us", "eu"],
            "limits": limits,
            "carried": None,
            "ledger_by_activity": True,
            **more,
        }
        handle = await self.client.start_workflow(
            "Incident", start, id=incident, task_queue=self.queue, task_timeout=task_timeout
        )
        self.handles.append(handle)
        return Case(self, handle, start)

    async def now(self) -> str:
        if self.env is None:
            from datetime import UTC, datetime

            return render_instant(datetime.now(UTC))
        return render_instant(await self.env.get_current_time())

    async def skip(self, seconds: float) -> None:
        """Sleep on where the time-skipping server hangs up while it skips."""
        assert self.env is not None
        until = await self.env.get_current_time() + timedelta(seconds=seconds)
        for _ in range(3):
            try:
                return await self.env.sleep(max(0.0, seconds))
            except RPCError as error:
                if error.status not in {RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED}:
                    raise
                seconds = (until - await self.env.get_current_time()).total_seconds()
        raise AssertionError("the server hung up three times while it skipped time")

    async def replay(self) -> None:
        replayer = Replayer(
            workflows=[IncidentWorkflow], workflow_runner=runner(), data_converter=pydantic_data_converter
        )
        for handle in self.handles:
            run_id = handle.first_execution_run_id
            while run_id:
                one = self.client.get_workflow_handle(handle.id, run_id=run_id)
                history = await one.fetch_history()
                await replayer.replay_workflow(history)
                last = history.events[-1]
                run_id = last.workflow_execution_continued_as_new_event_attributes.new_execution_run_id or None


class Case:
    """One run with a face to it."""

    def __init__(self, bench: Bench, handle: WorkflowHandle[Any, Any], start: dict[str, Any]) -> None:
        self.bench, self.handle, self.start = bench, handle, start

    async def board(self) -> dict[str, Any]:
        """Asked again where the time-skipping server loses a query that meets a run just continuing as new."""
        handle = self.bench.client.get_workflow_handle(self.handle.id)
        for patience in (2, 4, 8):
            try:
                return await handle.query("board", result_type=dict, rpc_timeout=timedelta(seconds=patience))
            except RPCError as error:
                if error.status not in {RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED}:
                    raise
        return await handle.query("board", result_type=dict)

    async def until(self, test: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """The board once it satisfies a test; real time, at most ten seconds. What another run starts is there soon."""
        board: dict[str, Any] = {}
        for _ in range(500):
            try:
                board = await self.board()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
            if board and test(board):
                return board
            await asyncio.sleep(0.02)
        raise AssertionError(f"never came: { ({name: board.get(name) for name in ('asks', 'steps', 'state')}) }")

    async def ask(self, path: str) -> dict[str, Any]:
        board = await self.until(lambda one: any(ask["path"] == path for ask in one["asks"]))
        return next(ask for ask in board["asks"] if ask["path"] == path)

    async def statement(self, path: str, option: str, person: str, role: str, **more: Any) -> dict[str, Any]:
        if "ask" not in more:
            more["ask"] = (await self.ask(path))["ask"]
        now = await self.bench.now()
        key = more.pop("key", FACE)
        domain = more.pop("domain", DECISION)
        body = {
            "v": 1,
            "region": "us",
            "namespace": self.start["namespace"],
            "incident": self.start["incident"],
            "plan": self.start["plan"],
            "path": path,
            "option": option,
            "form": {},
            "person": person,
            "role": role,
            "entity": "test",
            "signed_in": "dev",
            "issued_at": now,
            "expires_at": "2999-01-01T00:00:00Z",
            "nonce": uuid4().hex,
            "reason_ref": "",
            **more,
        }
        return dict(sign(domain, body, key))

    async def decide(self, path: str, option: str, person: str, role: str, **more: Any) -> dict[str, Any]:
        return await self.send("decide", await self.statement(path, option, person, role, **more))

    async def motion(self, path: str, verb: str, person: str, role: str, **more: Any) -> dict[str, Any]:
        """A signed motion at an ask; it must be open unless `ask` is given."""
        fields = {"verb": verb, "about": {}, "reason_ref": "sha256:00", "domain": MOTION, **more}
        return await self.statement(path, "", person, role, **fields)

    async def say(self, path: str, verb: str, person: str, role: str, **more: Any) -> dict[str, Any]:
        return await self.send("decide", await self.motion(path, verb, person, role, **more))

    async def refused_motion(self, path: str, verb: str, person: str, role: str, **more: Any) -> str:
        return await self.refused("decide", await self.motion(path, verb, person, role, **more))

    async def send(self, update: str, envelope: Any) -> dict[str, Any]:
        """Sent again where the time-skipping server loses an update that meets a run just continuing as new; the run
        takes a statement once."""
        handle = self.bench.client.get_workflow_handle(self.handle.id)
        for patience in (5, 10):
            try:
                return await handle.execute_update(
                    update, envelope, result_type=dict, rpc_timeout=timedelta(seconds=patience)
                )
            except WorkflowUpdateRPCTimeoutOrCancelledError:
                continue
        return await handle.execute_update(update, envelope, result_type=dict)

    async def refused(self, update: str, envelope: Any) -> str:
        """The type of the refusal of a statement; an accepted one fails the test."""
        try:
            await self.send(update, envelope)
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            assert isinstance(cause, ApplicationError), cause
            return cause.type or ""
        raise AssertionError("the statement was accepted")

    async def refused_decision(self, path: str, option: str, person: str, role: str, **more: Any) -> str:
        return await self.refused("decide", await self.statement(path, option, person, role, **more))

    async def fact_statement(self, name: str, value: Any, source: str, **more: Any) -> dict[str, Any]:
        now = await self.bench.now()
        body = {
            "v": 1,
            "region": "us",
            "namespace": self.start["namespace"],
            "incident": self.start["incident"],
            "fact": name,
            "value": value,
            "at": now,
            "source": source,
            "person": "",
            "role": "",
            "issued_at": now,
            "nonce": uuid4().hex,
            "reason_ref": "",
            **more,
        }
        return dict(sign(FACT, body, FACE))

    async def state_fact(self, name: str, value: Any, source: str, **more: Any) -> dict[str, Any]:
        return await self.send("fact", await self.fact_statement(name, value, source, **more))

    async def control_statement(self, verb: str, role: str = "incident_commander", **more: Any) -> dict[str, Any]:
        now = await self.bench.now()
        body = {
            "v": 1,
            "region": "us",
            "namespace": self.start["namespace"],
            "incident": self.start["incident"],
            "verb": verb,
            "person": "carl",
            "role": role,
            "issued_at": now,
            "expires_at": "2999-01-01T00:00:00Z",
            "nonce": uuid4().hex,
            "reason_ref": "sha256:00",
            **more,
        }
        return dict(sign(CONTROL, body, FACE))

    async def control(self, verb: str, **more: Any) -> dict[str, Any]:
        return await self.send("control", await self.control_statement(verb, **more))

    async def settled(self) -> None:
        """Wait until the run is idle: a worker that stops amid a task leaves it to time out."""
        events: list[str] = []
        while not events or events[-1] != "WORKFLOW_TASK_COMPLETED" or "ACTIVITY_TASK_COMPLETED" not in events:
            await asyncio.sleep(0.02)
            events = await self.events()

    async def outcome(self, *, skipping: bool = True) -> dict[str, Any]:
        # only the handle that started the run lets the server skip time while it waits
        handle = self.handle if skipping else self.bench.client.get_workflow_handle(self.handle.id)
        for _ in range(4):
            try:
                return dict(await handle.result(rpc_timeout=timedelta(seconds=20)))
            except RPCError as error:
                # the time-skipping server loses a long poll that meets a run just continuing as new
                if error.status not in {RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED}:
                    raise
        return dict(await handle.result())

    async def events(self) -> list[str]:
        history = await self.handle.fetch_history()
        from temporalio.api.enums.v1 import EventType

        return [EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in history.events]


@asynccontextmanager
async def idle_bench() -> AsyncIterator[Bench]:
    """A bench on a server of its own that skips time, with nobody at work yet."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=find_binary("temporal-test-server"), data_converter=pydantic_data_converter
    ) as env:
        yield Bench(env.client, env)


@asynccontextmanager
async def bench_at_work() -> AsyncIterator[Bench]:
    """A bench with a worker; at the end every run's history is replayed in the sandbox."""
    async with idle_bench() as one, one.worker():
        yield one
        await one.replay()


def face_over(bench: Bench, **more: Any) -> Face:
    """The face of a region whose runs are a bench's; `more` as `Face` takes it."""
    given: dict[str, Any] = {
        "client": bench.client,
        "region": "us",
        "namespace": bench.client.namespace,
        "task_queue": bench.queue,
        "key": FACE,
        "secret": b"s" * 32,
        "decision_keys": {FACE.kid: FACE.public},
        "people": Directory({}),
        "reasons": None,
    }
    return Face(**{**given, **more})
