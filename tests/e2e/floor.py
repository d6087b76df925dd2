"""A whole embedded stack as a test sees it: faces of both regions, the sandbox platform's control plane, waiting."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx2

from schemas.decision import OpenAsk
from schemas.handoff import IncomingStart, Packet
from schemas.incident import Board
from watchfloor.client import (
    EngineUnavailable,
    Face,
    NotFound,
    Order,
    Started,
    board,
    connect,
    family,
    send_decision,
    send_fact,
    start_incident,
    started_with,
)
from watchfloor.client.library import plan_for_start
from watchfloor.runtime.stack import EmbeddedStack
from watchfloor.signing import render_instant
from workflows.packets import find_nearest

PATIENCE = 60.0
"""Real seconds a test waits for something that must come."""
LOOK_EVERY = 0.15


@dataclass(slots=True)
class Floor:
    """One stack, its two faces, its sandbox."""

    stack: EmbeddedStack
    eu: Face
    us: Face
    sandbox: httpx2.AsyncClient

    async def reconnect(self) -> None:
        """New faces; a client whose server was killed is not relied on."""
        self.eu = await connect(self.stack.settings("eu"))
        self.us = await connect(self.stack.settings("us"))

    async def order(self, key: str, urls: Sequence[str]) -> Started:
        """Start a removal order, as an order file would."""
        received_at = render_instant(datetime.now(UTC))
        inputs = {"order_id": key, "received_at": received_at, "urls": list(urls), "issuing_state": key[:2]}
        return await self.start("eu-tco-removal-order", key, inputs)

    async def start(self, runbook: str | Path, key: str, inputs: Mapping[str, Any], requester: str = "") -> Started:
        """Start any runbook, of the library or by its path."""
        plan, digest = plan_for_start(str(runbook))
        order = Order("test", key, render_instant(datetime.now(UTC)), requester, inputs)
        return await start_incident(self.eu, plan, digest, order)

    async def decide(self, run: str, step: str, option: str, person: str, **more: Any) -> Any:
        face = more.pop("face", self.eu)
        reason = more.pop("reason", "as the test says")
        return await send_decision(face, run, step, option, person=person, reason=reason, **more)

    async def tell(self, run: str, fact: str, source: str, person: str = "commander-eu-1") -> Any:
        return await send_fact(self.eu, run, fact, "now", source=source, person=person)

    async def seed(self, what: str, body: Any) -> None:
        (await self.sandbox.post(f"/_sandbox/{what}", json=body)).raise_for_status()

    async def journal(self) -> list[dict[str, Any]]:
        return list((await self.sandbox.get("/_sandbox/journal")).raise_for_status().json()["calls"])

    async def effects(self, action: str) -> Counter[str]:
        """How often each subject really suffered an action."""
        effects = (await self.sandbox.get("/_sandbox/effects")).raise_for_status().json()["effects"]
        return Counter(effect["subject"] for effect in effects if effect["action"] == action)

    async def ask(self, run: str, step: str, *, face: Face | None = None) -> OpenAsk:
        """Wait until a step (of the run or its children) asks."""

        async def look() -> OpenAsk | None:
            found = (await family(face or self.eu, run)).asks
            return next((at.ask for at in found if at.ask["step"] == step or at.ask["path"].endswith(step)), None)

        return await until(look, f"`{step}` asks")

    async def state(
        self,
        run: str,
        fits: Callable[[Board], bool],
        what: str,
        *,
        face: Face | None = None,
        patience: float = PATIENCE,
    ) -> Board:
        """Wait until a run's board fits."""

        async def look() -> Board | None:
            now = await board(face or self.eu, run)
            return now if fits(now) else None

        return cast(Board, await until(look, what, patience=patience))

    async def closed(self, run: str, *, patience: float = PATIENCE) -> Board:
        return await self.state(
            run, lambda now: now["state"] not in {"open", "paused"}, f"{run} closes", patience=patience
        )

    async def us_asks(self, workflow: str) -> list[OpenAsk]:
        """What a workflow of the US region asks; nothing while it is not there yet."""
        try:
            return (await board(self.us, workflow))["asks"]
        except NotFound:
            return []

    async def packet(self, offer: str) -> Packet:
        """The packet as the receiving side was started with it."""
        start = cast(IncomingStart, await started_with(self.us, offer))
        return cast(Packet, start["packet"]["body"])

    @staticmethod
    def nearest(packet: Packet) -> dict[str, Any]:
        """The read-back of the nearest deadline, when the packet has one."""
        due = find_nearest(packet["clocks"])
        return {"nearest_deadline": due} if due else {}

    def home(self, region: str) -> Path:
        return self.stack.home / region


async def until(look: Callable[[], Any], what: str, *, patience: float = PATIENCE) -> Any:
    """Look again and again until there is something to see; an engine that is away counts as nothing."""
    end = time.monotonic() + patience
    problem = ""
    while time.monotonic() < end:
        try:
            found = await look()
        except EngineUnavailable as error:
            found, problem = None, str(error)
        if found:
            return found
        await asyncio.sleep(LOOK_EVERY)
    raise AssertionError(f"in {patience:.0f} s it never came that {what} {problem}")


@asynccontextmanager
async def running_floor(home: Path, *, latency_ms: float = 2.0) -> AsyncIterator[Floor]:
    """A stack in a home of its own on free ports; everything is gone on leaving."""
    async with EmbeddedStack(home, usual_ports=False, sandbox_latency_ms=latency_ms) as stack:
        eu, us = await connect(stack.settings("eu")), await connect(stack.settings("us"))
        async with httpx2.AsyncClient(base_url=stack.record.sandbox.url, timeout=10) as sandbox:
            yield Floor(stack, eu, us, sandbox)
