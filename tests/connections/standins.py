"""The stand-ins of Slack and PagerDuty in this process, over real HTTP on loopback, and channels that speak to them."""

import asyncio
import contextlib
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn

from tests.servers import tcp_socket
from watchfloor.connections.bindings import Bindings
from watchfloor.connections.calls import Wire
from watchfloor.connections.channels import Channels
from watchfloor.connections.deliveries import DeliveryBook
from watchfloor.connections.egress import Egress
from watchfloor.connections.loading import load_bindings, read_secrets
from watchfloor.connections.port import Notice
from watchfloor.sandbox.__main__ import CuttableProtocol
from watchfloor.sandbox.service import build_sandbox
from watchfloor.sandbox.store import Store

AT = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)
TEXT = """
version: 1
sandbox: true
base: ${SANDBOX_URL}
allow_hosts: ["${SANDBOX_URL}"]
actions: {}
defaults: {timeout: 2s}
channels:
  room:
    kind: slack
    base: ${SANDBOX_URL}/slack
    channel: C0SANDBOX
    token: {sandbox: xoxb-sandbox-token}
    rate: {per_second: 1000, burst: 1000}
  oncall:
    kind: pagerduty
    base: ${SANDBOX_URL}/pagerduty
    routing_key: {sandbox: 0123456789abcdef0123456789abcdef}
    rate: {per_second: 1000, burst: 1000}
"""


class Standins:
    """The sandbox, its clock in the test's hands."""

    def __init__(self, folder: Path) -> None:
        self.now = 1000.0
        self.port = 0
        self._folder = folder
        self._state: Any = None
        self._store: Any = None

    def reset(self) -> "Standins":
        """As new; the server goes on."""
        self.now += 1000
        for table in ("objects", "effects", "journal", "messages", "faults"):
            self._store._db.execute(f"delete from {table}")
        for turns in ("slack_turns", "pagerduty_turns"):
            self._state.__dict__.get(turns, {}).clear()
        return self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}") as answer:
            return json.load(answer)

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> tuple[int, Any, dict[str, str]]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}{path}", content, {"Content-Type": "application/json", **(headers or {})}
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer), dict(answer.headers)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error), dict(error.headers)

    @property
    def messages(self) -> list[Any]:
        return list(self.get("/_sandbox/slack")["messages"])

    @property
    def alerts(self) -> list[Any]:
        return list(self.get("/pagerduty/alerts")["alerts"])

    def calls(self, path: str) -> int:
        return sum(call["path"] == path for call in self.get("/_sandbox/journal")["calls"])

    def fault(self, path: str, **more: Any) -> None:
        self.post("/_sandbox/faults", [{"match": {"path": path}, **more}])

    @contextlib.contextmanager
    def serving(self) -> Iterator["Standins"]:
        store = Store(self._folder)
        sandbox = build_sandbox(store, latency_ms=0)
        inner: Any = sandbox.app
        inner._app.state.monotonic = lambda: self.now
        listener = tcp_socket()
        listener.bind(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            sandbox.app, http=CuttableProtocol, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        self._state, self._store = inner._app.state, store
        try:
            yield self
        finally:
            server.should_exit = True
            thread.join(5)
            listener.close()


class Clock:
    """The worker's clock, aware UTC."""

    def __init__(self) -> None:
        self.skipped = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.skipped


def document_of(folder: Path, url: str, text: str = TEXT) -> Bindings:
    file = folder / "bindings.yaml"
    file.write_text(text)
    return load_bindings(file, variables={"SANDBOX_URL": url}, catalog={})


class Workers:
    """Makes channels as workers have them; those made anew over the same book are another worker's."""

    def __init__(self, folder: Path, there: Standins) -> None:
        self._folder, self._there = folder, there
        self._wires: list[Wire] = []
        self._channels: list[Channels] = []
        self.gather = 0

    def __call__(
        self, *, book: Path | None = None, clock: Clock | None = None, text: str = TEXT, gather: int = 0
    ) -> Channels:
        """Channels; with `gather` their time passes only while a turn is waited for, which comes when so many wait."""
        seconds, self.gather = [0.0], gather

        async def wait(length: float) -> None:
            while len(made._outboxes["room"]._waiting) < self.gather:
                await asyncio.sleep(0.01)
            seconds[0] += length

        document = document_of(self._folder, self._there.url, text)
        wire = Wire(Egress(document.allow_hosts, sandbox=True))
        secret = read_secrets(document, folder=self._folder, environ={})
        turns: Any = {"monotonic": lambda: seconds[0], "sleep": wait} if gather else {}
        made = Channels(document, secret, wire, book=DeliveryBook(book), clock=clock or Clock(), **turns)
        self._wires.append(wire)
        self._channels.append(made)
        return made

    async def close(self) -> None:
        for wire in self._wires:
            await wire.close()
        for channels in self._channels:
            channels.close()


def notice(key: str = "k1", **more: Any) -> Notice:
    fields: dict[str, Any] = {
        "key": key,
        "about": "ask",
        "region": "eu",
        "incident": "inc-a",
        "step": "doubt",
        "path": "triage/doubt",
        "severity": "S1",
        "at": AT,
        "due_at": "2026-11-22T04:00:00Z",
        "roles": ("legal_counsel",),
        "page": "p1",
        "alerts": ("p1",),
    }
    return Notice(**{**fields, **more})
