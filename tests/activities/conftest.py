"""A real HTTP target on loopback that counts what it really did, and a worker's dependencies around it."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from activities.catalog import CATALOG, INTERNAL
from activities.dependencies import Dependencies
from schemas.actions import ActionCall
from tests.servers import tcp_socket
from watchfloor.connections.wiring import Connections, open_connections
from watchfloor.evidence import EvidenceStore
from watchfloor.identity.reached import Reached
from watchfloor.ledger import SqliteLedger
from watchfloor.regions.keys import RegionKeys

AT = "2026-11-22T03:10:00Z"
SHORT = 0.8
"""Seconds a binding gives its target where a test lets the target be late; elsewhere `PATIENT`, so that a busy machine
makes no test fail."""
PATIENT = 10.0


@dataclass
class Target:
    """Answers as its script says, one word a request; `ok` when the script is at its end."""

    script: list[str] = field(default_factory=list)
    honours_key: bool = True
    requests: list[dict[str, Any]] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    """Keys of what really happened, one item each time it happened."""
    lookups: int = 0
    lookup_status: int = 200
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def reset(self, *script: str, honours_key: bool = True) -> None:
        self.script, self.honours_key = list(script), honours_key
        self.requests, self.effects, self.lookups = [], [], 0
        self.lookup_status = 200

    def act(self, key: str) -> None:
        if not (self.honours_key and key in self.effects):
            self.effects.append(key)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        content = b""
        while True:
            message = await receive()
            content += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = json.loads(content) if content else None
        self.requests.append({"path": scope["path"], "headers": headers, "body": body, "query": scope["query_string"]})
        key = headers.get("idempotency-key") or (body or {}).get("key", "") or headers.get("x-key", "")
        if scope["path"].startswith("/effects/"):
            self.lookups += 1
            known = scope["path"].rsplit("/", 1)[-1] in self.effects
            await answer(send, self.lookup_status if known else 404, {"found": known, "at": AT})
            return
        await self.behave(self.script.pop(0) if self.script else "ok", key, send)

    async def behave(self, word: str, key: str, send: Any) -> None:
        match word:
            case "fail_before":
                await answer(send, 503, {})
            case "busy":
                await answer(send, 429, {}, {"retry-after": "7"})
            case "refuse":
                await answer(send, 422, {})
            case "lies":
                await answer(send, 200, {"ok": False, "at": AT})
            case "redirect":
                await answer(send, 302, {}, {"location": "http://127.0.0.1:1/elsewhere"})
            case "in_flight":
                await asyncio.sleep(SHORT * 1.4)
                self.act(key)
            case _:
                self.act(key)
                await self.after(word, send)

    async def after(self, word: str, send: Any) -> None:
        match word:
            case "hang":
                await asyncio.sleep(SHORT * 1.5)
            case "cut":
                start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]}
                await send(start)
                await send({"type": "http.response.body", "body": b"{", "more_body": True})
                raise ConnectionAbortedError
            case "fail_after":
                await answer(send, 500, {})
            case "garbage":
                await answer(send, 200, b"<html>")
            case "huge":
                await answer(send, 200, {"ok": True, "at": AT, "fill": "x" * 2_000_000})
            case "bad_output":
                await answer(send, 200, {"ok": True, "at": 12})
            case "long_output":
                await answer(send, 200, {"ok": True, "at": AT, "receipt": "r" * 20_000})
            case _:
                await answer(send, 200, {"ok": True, "at": AT, "receipt": "rcpt-1", "reference": "frz-1"})


async def answer(send: Any, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    lines.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": content})


@pytest.fixture(scope="session")
def served_target() -> Iterator[Target]:
    target = Target()
    listener = tcp_socket()
    listener.bind(("127.0.0.1", 0))
    target.port = listener.getsockname()[1]
    config = uvicorn.Config(target, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield target
    server.should_exit = True
    thread.join(5)
    listener.close()


@pytest.fixture
def target(served_target: Target) -> Target:
    served_target.reset()
    return served_target


@dataclass
class Clock:
    at: datetime = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, time: timedelta) -> None:
        self.at += time


@pytest.fixture
def clock() -> Clock:
    return Clock()


BINDINGS = """
version: 1
sandbox: true
base: ${{TARGET}}
allow_hosts: ["${{TARGET}}"]
defaults: {{timeout: {timeout}s}}
actions:
  content.disable:
    method: POST
    path: /disable
    body: {{url: "{{url}}", scope: "{{scope}}", ground: "{{ground?}}"{body}}}
    headers: {{{headers}}}
    idempotency: {idempotency}
    success: {{at: ok, equals: true}}
    outputs: {{disabled_at: at}}
    enabled: {enabled}
    {extra}
  content.delete:
    method: POST
    path: /delete
    body: {{url: "{{url}}"}}
    idempotency: header
    success: {{at: ok, equals: true}}
    outputs: {{deleted_at: at}}
  authority.reply:
    method: POST
    path: /reply
    body: {{order: "{{order_id}}", effect_at: "{{effect_at}}", removed: "{{removed}}"}}
    idempotency: header
    outputs: {{sent_at: at, receipt: receipt}}
  hold.unfreeze:
    method: POST
    path: /unfreeze
    idempotency: header
    outputs: {{released_at: at}}
  order.authenticate:
    method: POST
    path: /authenticate
    body: {{order: "{{order_id}}"}}
    outputs: {{authentic: ok, complete: ok, failures: failures}}
  evidence.snapshot:
    method: GET
    path: /items
    query: {{url: "{{url}}"}}
channels:
  room: {{kind: webhook, path: /room, secret: {{sandbox: whsec_c2FuZGJveC13ZWJob29rLXNoYXJlZC1zZWNyZXQ=}}}}
  bell: {{kind: pager, path: /bell}}
"""
LOOKUP = (
    "lookup: {path: '/effects/{key}', settle: SETTLEs, found: {at: found, equals: true}, outputs: {disabled_at: at}}"
)


@dataclass
class World:
    deps: Dependencies
    connections: Connections
    clock: Any
    target: Target

    async def close(self) -> None:
        await self.connections.close()
        await self.deps.http.aclose()
        self.deps.ledger.close()  # type: ignore[attr-defined]


def build_world(
    folder: Path,
    target: Target,
    clock: Callable[[], datetime],
    idempotency: str,
    *,
    enabled: bool = True,
    extra: str = "",
    timeout: float = PATIENT,
) -> World:
    """A worker's dependencies, its `content.disable` bound with the given kind of deduplication."""
    folder.mkdir(parents=True, exist_ok=True)
    text = BINDINGS.format(
        idempotency=idempotency,
        timeout=timeout,
        body=', key: "{key}"' if idempotency == "body" else "",
        headers='X-Key: "{key}"' if idempotency == "none" else "",
        enabled="true" if enabled else "false",
        extra="\n    ".join(
            [LOOKUP.replace("SETTLE", str(2 * timeout))] * (idempotency == "lookup") + [extra] * bool(extra)
        ),
    )
    file = folder / "bindings.yaml"
    file.write_text(text)
    connections = open_connections(file, variables={"TARGET": target.url}, catalog={**CATALOG, **INTERNAL}, environ={})
    keys = RegionKeys.generate()
    deps = Dependencies(
        region="eu",
        namespace="eu",
        keys=keys,
        decision_keys=keys.decision_keys,
        ledger=SqliteLedger(folder / "ledger.sqlite", clock=clock),
        evidence=EvidenceStore(folder / "evidence"),
        bindings=connections.caller,
        notifier=connections.notifier,
        http=httpx2.AsyncClient(trust_env=False),
        postmortem_path=folder,
        contacts=lambda role: (
            Reached(role, ("ops-1",), ("room", "bell"), "on_call")
            if role == "ops_lead"
            else Reached(role, (), (), "nobody")
        ),
        clock=clock,
    )
    return World(deps, connections, clock, target)


@pytest.fixture
async def world(tmp_path: Path, target: Target, clock: Clock) -> AsyncIterator[Callable[..., World]]:
    built: list[World] = []

    def build(idempotency: str = "header", at: Callable[[], datetime] = clock, **options: Any) -> World:
        target.honours_key = idempotency in {"header", "body"}
        built.append(build_world(tmp_path, target, at, idempotency, **options))
        return built[-1]

    yield build
    for one in built:
        await one.close()


def make_call(action: str = "content.disable", **changes: Any) -> ActionCall:
    inputs: dict[str, dict[str, Any]] = {
        "content.disable": {"url": "https://example.test/v/1", "scope": "eu"},
        "content.delete": {"url": "https://example.test/v/1", "snapshot": "sha256:" + "0" * 64},
        "authority.reply": {"order_id": "DE-1", "effect_at": AT, "removed": 1},
        "order.authenticate": {"order_id": "DE-1", "issuing_state": "DE"},
        "evidence.snapshot": {"url": "https://example.test/v/1"},
        "hold.unfreeze": {"source": "content_store", "reference": "frz-1", "hold": "hold-1"},
        "notify.webhook": {"to": "room", "about": "removal_started"},
        "page": {"role": "ops_lead", "about": "removal_started"},
        "retention.rule": {},
        "evidence.destroy": {},
    }
    call: ActionCall = {
        "v": 1,
        "action": action,
        "region": "eu",
        "incident": "inc-a",
        "plan": "sha256:plan",
        "step": "disable",
        "path": "containment/remove[3]/disable",
        "key": "k" * 64,
        "inputs": inputs[action],
        "effect": "reads",
        "tier": "0",
        "gated": False,
        "grant": None,
        "entries": [],
        "severity": "S1",
    }
    return {**call, **changes}  # type: ignore[typeddict-item]


@pytest.fixture(scope="session", name="call_of")
def give_call() -> Callable[..., ActionCall]:
    """The function that makes a call: `call_of("content.disable", gated=True)`."""
    return make_call


@pytest.fixture(scope="session", name="build_world")
def give_world_builder() -> Callable[..., World]:
    return build_world


@pytest.fixture(scope="session", name="new_clock")
def give_clock() -> Callable[[], Clock]:
    return Clock


@pytest.fixture(scope="session", name="entry_of")
def give_entry() -> Callable[..., Any]:
    def make_entry(number: int) -> Any:
        return {
            "v": 1,
            "id": f"inc-a:{number}",
            "chain": "inc-a",
            "kind": "fact.recorded",
            "at": AT,
            "actor": "engine",
            "step": "",
            "path": "",
            "data": {"n": number},
        }

    return make_entry
