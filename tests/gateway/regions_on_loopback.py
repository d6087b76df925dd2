"""Two regions on one machine: own keys, own namespace, own ledger, own gateway over real HTTP on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.worker import Worker

from activities.dependencies import Dependencies
from activities.handoff import build
from schemas.incident import Board
from tests.workflows_regions.people import StandIn, Watched
from watchfloor.client.face import Face
from watchfloor.connections.egress import Egress
from watchfloor.connections.guarded import open_guarded_client
from watchfloor.gateway.app import build_app
from watchfloor.gateway.heads import HeadTimedProtocol
from watchfloor.gateway.inbox import Inbox
from watchfloor.identity.people import Directory
from watchfloor.intake import Claims
from watchfloor.ledger import SqliteLedger
from watchfloor.regions.codec import client_encryption
from watchfloor.regions.keys import PublicKeys, RegionKeys
from watchfloor.regions.residency import load_residency
from workflows.handoff import Handoff
from workflows.incoming import IncomingHandoff
from workflows.sandboxing import runner

RULES = load_residency()


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What one region knows of the other."""

    region: str
    url: str
    keys: PublicKeys


@dataclass(frozen=True, slots=True)
class Region:
    name: str
    keys: RegionKeys
    client: Client
    url: str
    folder: Path
    ledger: SqliteLedger
    watched: Watched

    @property
    def queue(self) -> str:
        return f"watchfloor-{self.name}"

    async def board(self, workflow: str) -> Board:
        return cast(Board, await self.client.get_workflow_handle(workflow).query("board"))

    async def handle(self, workflow: str) -> WorkflowHandle[Any, Any]:
        """The handle of a workflow once it is there."""
        handle = self.client.get_workflow_handle(workflow)
        for _ in range(300):
            try:
                await handle.describe()
            except RPCError:
                await asyncio.sleep(0.02)
            else:
                return handle
        raise AssertionError(f"no workflow {workflow} in {self.name}")


class Later:
    """An application that is built when somebody first asks it: many tests need what it works with, and not it."""

    def __init__(self, build: Callable[[], FastAPI]) -> None:
        self._build = cache(build)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._build()(scope, receive, send)


@asynccontextmanager
async def served(app: ASGIApp, listener: socket.socket, *, limit_concurrency: int | None = None) -> AsyncIterator[None]:
    """The gateway over real HTTP."""
    # connections have it from their listener; see `tcp_socket`
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(app, http=HeadTimedProtocol, log_config=None, access_log=False, lifespan="off")
    config.limit_concurrency = limit_concurrency
    config.timeout_graceful_shutdown = 10
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not task.done():
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def on_loopback(app: ASGIApp) -> AsyncIterator[str]:
    """The gateway over real HTTP on a free port; gives its address."""
    with _listen() as listener:
        async with served(app, listener):
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def face_on(temporal: str, folder: Path, *, answer_within: float = 1) -> Face:
    """The face of a region on a real server, with keys of its own and nobody at work."""
    keys = RegionKeys.generate()
    client = await Client.connect(temporal, namespace="eu", **client_encryption(keys.payload, "eu"))
    return Face(
        client=client,
        region="eu",
        namespace="eu",
        task_queue="nobody",
        key=keys.face,
        secret=keys.secret,
        decision_keys=keys.decision_keys,
        people=Directory({}),
        reasons=cast(Any, None),
        claims=Claims(folder / "claims.sqlite"),
        answer_within=timedelta(seconds=answer_within),
    )


@asynccontextmanager
async def two_regions(address: str, home: Path, *, working: bool) -> AsyncIterator[dict[str, Region]]:
    """Both regions with gateways and, if asked for, workers; their posts are the product's own activities."""
    names = ("eu", "us")
    keys = {name: RegionKeys.generate() for name in names}
    async with AsyncExitStack() as stack:
        listeners = {name: stack.enter_context(_listen()) for name in names}
        urls = {name: f"http://127.0.0.1:{listeners[name].getsockname()[1]}" for name in names}
        # nobody listens at port 1; a test has its first post fail there
        gates = [Egress.to(url) for url in (*urls.values(), "http://127.0.0.1:1")]
        http = await stack.enter_async_context(open_guarded_client(*gates))
        regions: dict[str, Region] = {}
        for name in names:
            other = "us" if name == "eu" else "eu"
            peer = Neighbour(other, urls[other], keys[other].public)
            client = await Client.connect(address, namespace=name, **client_encryption(keys[name].payload, name))
            folder = home / name
            folder.mkdir()
            region = Region(
                name, keys[name], client, urls[name], folder, SqliteLedger(folder / "ledger.sqlite"), Watched()
            )
            regions[name] = region
            inbox = Inbox(name, name, region.queue, keys[name], {other: peer.keys}, folder / "anchors", RULES)
            await stack.enter_async_context(served(build_app(inbox, client), listeners[name]))
            if not working:
                continue
            deps = Dependencies(
                region=name,
                namespace=name,
                keys=keys[name],
                decision_keys=keys[name].decision_keys,
                ledger=region.ledger,
                evidence=cast(Any, None),
                bindings=cast(Any, None),
                notifier=cast(Any, None),
                http=http,
                postmortem_path=folder,
                peers={other: peer},
                clock=lambda: datetime.now(UTC),
            )
            posting = {"handoff.post", "handoff.answer"}
            others = [
                one
                for one in region.watched.activities()
                if getattr(one, "__temporal_activity_definition").name not in posting
            ]
            worker = Worker(
                client,
                task_queue=region.queue,
                workflows=[Handoff, IncomingHandoff, StandIn],
                activities=[*others, *build(deps)],
                workflow_runner=runner(),
            )
            await stack.enter_async_context(worker)
        yield regions


def _listen() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener
