"""A ledger, a book, receivers on loopback that check what they get, and time in the test's hands."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from standardwebhooks.webhooks import Webhook

from schemas.ledger import ENTRY_VERSION, Entry, EntryKind
from watchfloor.connections.bindings import Secret, Subscription
from watchfloor.connections.calls import Wire
from watchfloor.connections.egress import Egress
from watchfloor.ledger import SqliteLedger
from watchfloor.outgoing.book import Attempt, Book
from watchfloor.outgoing.courier import Courier, Receiver
from watchfloor.outgoing.following import Follower
from watchfloor.signing import render_instant

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"o" * 32).decode()
HERE = Secret(sandbox=SECRET)
A, B = "inc-aaaaaaaaaaaaaaaaaaaa", "inc-bbbbbbbbbbbbbbbbbbbb"
Answer = tuple[int, dict[str, str], bytes]
OK: Answer = (200, {}, b"")


class Clock:
    """The real time and what was skipped of it; aware UTC."""

    def __init__(self) -> None:
        self.skipped = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.skipped

    def skip(self, **length: float) -> None:
        self.skipped += timedelta(**length)


@dataclass
class Listener:
    """A receiver: verifies with the library of Standard Webhooks, remembers, answers as told."""

    port: int = 0
    secret: str = SECRET
    answer: Callable[[dict[str, Any]], Answer | None] = lambda event: OK
    """None: never answers."""
    got: list[dict[str, Any]] = field(default_factory=list)
    """Every event that came, in the order in which it came, answered how ever."""
    taken: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    def ids(self, incident: str = "") -> list[str]:
        return [event["id"] for event in self.taken if event["subject"].startswith(incident)]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {
                    name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)
                }
                body = await reader.readexactly(int(headers["content-length"]))
                event = Webhook(self.secret).verify(body, headers)
                self.paths.append(head[0])
                self.headers.append(headers)
                self.bodies.append(body)
                self.got.append(event)
                answer = self.answer(event)
                if answer is None:
                    await reader.read()
                    return
                status, extra, content = answer
                if 200 <= status < 300:
                    self.taken.append(event)
                lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}"]
                lines += [f"{name}: {value}" for name, value in extra.items()]
                writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(listener: Listener | None = None) -> AsyncIterator[Listener]:
    there = listener or Listener()
    open_ones: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.add(writer)
        try:
            await there.serve(reader, writer)
        finally:
            open_ones.discard(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", there.port)
    there.port = server.sockets[0].getsockname()[1]
    try:
        yield there
    finally:
        server.close()
        await server.wait_closed()
        for writer in list(open_ones):
            writer.transport.abort()
        while open_ones:
            await asyncio.sleep(0.001)


def subscription(url: str, **more: Any) -> Subscription:
    return Subscription.model_validate(
        {"region": "eu", "url": url, "secret": HERE, "events": ["*"], "rate": {"per_second": 10_000, "burst": 10_000}}
        | more
    )


def receiver(name: str, url: str, *, secrets: Iterable[str] = (SECRET,), **more: Any) -> Receiver:
    return Receiver(name, subscription(url, **more), tuple(Webhook(one) for one in secrets))


def entry(chain: str, kind: str, number: int, *, step: str = "", **data: Any) -> Entry:
    return {
        "v": ENTRY_VERSION,
        "id": f"{chain}:{number}:{kind}",
        "chain": chain,
        "kind": kind,
        "at": render_instant(datetime(2026, 11, 22, 3, 10, tzinfo=UTC) + timedelta(seconds=number)),
        "actor": "counsel-1",
        "step": step,
        "path": step,
        "data": data,
    }


class Floor:
    """Everything between a ledger and its receivers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.ledger = SqliteLedger(folder / "ledger.sqlite", clock=self.clock)
        self.book = Book(folder / "webhooks.sqlite")
        self.seen: list[tuple[str, Attempt]] = []
        self._numbers: dict[str, int] = {}

    def close(self) -> None:
        self.ledger.close()
        self.book.close()

    def write(self, chain: str, kind: str, *, step: str = "", **data: Any) -> None:
        number = self._numbers[chain] = self._numbers.get(chain, 0) + 1
        self.ledger.append([entry(chain, kind, number, step=step, **data)])

    def open(self, chain: str, severity: str = "S1", **data: Any) -> None:
        """Entries 1 and 2 of an incident."""
        self.write(chain, EntryKind.OPENED, runbook="eu-tco-removal-order", version=1, **data)
        self.write(chain, EntryKind.SEVERITY, severity=severity, before="")

    def phases(self, chain: str, count: int) -> None:
        for number in range(count):
            self.write(chain, EntryKind.PHASE, phase=f"phase_{number}")

    @asynccontextmanager
    async def working(self, *receivers: Receiver, timeout: float = 5.0) -> AsyncIterator[Follower]:
        """Follow and send. Each of the receivers is of region eu."""
        hosts = [one.subscription.url.removesuffix("/hooks") for one in receivers]
        wire = Wire(Egress(hosts, sandbox=True))
        follower = Follower(
            "eu", self.ledger, self.book, {one.name: one.subscription for one in receivers}, clock=self.clock
        )
        courier = Courier(
            self.book,
            {one.name: one for one in receivers},
            wire.send,
            timeout=timeout,
            clock=self.clock,
            spread=lambda: 0.0,
            seen=lambda state, attempt: self.seen.append((state, attempt)),
            look_every=0.01,
        )

        async def follow() -> None:
            while True:
                await follower.catch_up()
                courier.tell()
                await asyncio.sleep(0.01)

        await follower.begin()
        tasks = [asyncio.create_task(courier.run()), asyncio.create_task(follow())]
        try:
            yield follower
            assert not any(task.done() for task in tasks), "it stopped by itself"
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await wire.close()


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.005)


def load(body: bytes | str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(body)
    return found
