"""Around every call: the sandbox's name on every answer, latency, faults, the journal."""

import asyncio
import json
import random
from urllib.parse import parse_qs

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from watchfloor.sandbox.faults import Call, Fault, take_fault
from watchfloor.sandbox.problems import problem
from watchfloor.sandbox.store import EffectState, Store, body_digest

BANNER = (b"x-sandbox", b"Watchfloor sandbox platform: synthetic data, no real system behind it")
BODY_LIMIT = 4 * 1024 * 1024
CONTROL = ("/_sandbox", "/healthz", "/openapi.json", "/docs")
HANG_UP = "sandbox.hang_up"
"""Key of the connection scope under which the server puts a function that cuts the connection."""


class Latency:
    """Milliseconds a call takes: a floor, and a seeded jitter with a tail, the same on every start with one seed."""

    def __init__(self, floor_ms: float, seed: int) -> None:
        self._floor = floor_ms
        self._random = random.Random(seed)  # noqa: S311 - jitter, not a secret

    def seconds(self) -> float:
        return self._floor * (1 + min(self._random.expovariate(1.5), 6.0)) / 1000 if self._floor else 0.0


class Gate:
    """The outermost layer of the service."""

    def __init__(self, app: ASGIApp, store: Store, latency: Latency) -> None:
        self._app = app
        self._store = store
        self._latency = latency

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        named = _naming(send)
        if scope["path"] == "/" or scope["path"].startswith(CONTROL):
            await self._app(scope, receive, named)
            return
        raw = await _read_body(receive)
        if raw is None:
            too_large = problem(413, "too_large", f"a body has at most {BODY_LIMIT} bytes")
            await too_large(scope, receive, named)
            return
        await self._pass(scope, raw, named)

    async def _pass(self, scope: Scope, raw: bytes, send: Send) -> None:
        call = _call_of(scope, raw)
        digest = body_digest(call.body)
        n = self._store.open_call(call.method, call.path, _key_of(scope), call.subject, digest)
        await asyncio.sleep(self._latency.seconds())
        taken = take_fault(self._store, call)
        number, fault = taken if taken is not None else (None, None)
        if fault is not None and fault.delay:
            await asyncio.sleep(fault.delay)
        if fault is not None and fault.answer_status is not None and not fault.after_effect:
            self._store.close_call(n, fault.answer_status, "none", number)
            await _answer(fault, scope, send)
            return
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        state = scope.setdefault("state", {})
        state["effect"] = "none"
        await self._app(scope, _replaying(raw), hold)
        effect: EffectState = state["effect"]
        if fault is not None and fault.drop_after_effect:
            self._store.close_call(n, 0, effect, number)
            scope[HANG_UP]()
            await asyncio.sleep(0.01)  # the server learns of the cut before it would complain of a missing answer
            return
        if fault is not None and fault.answer_status is not None:
            self._store.close_call(n, fault.answer_status, effect, number)
            await _answer(fault, scope, send)
            return
        self._store.close_call(n, int(held[0]["status"]), effect, number)
        for message in held:
            await send(message)


def _naming(send: Send) -> Send:
    async def named(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), BANNER]}
        await send(message)

    return named


async def _read_body(receive: Receive) -> bytes | None:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_LIMIT:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def _replaying(raw: bytes) -> Receive:
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": raw, "more_body": False}

    return receive


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name), None)


def _key_of(scope: Scope) -> str | None:
    return _header(scope, b"idempotency-key") or _header(scope, b"webhook-id")


def _call_of(scope: Scope, raw: bytes) -> Call:
    try:
        body = json.loads(raw) if raw else None
    except (ValueError, RecursionError):
        body = None
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    return Call(scope["method"], scope["path"], query.get("url", [None])[0], body)


async def _answer(fault: Fault, scope: Scope, send: Send) -> None:
    status = fault.answer_status or 200
    response: Response
    if fault.body is not None:
        response = JSONResponse(fault.body, status)
    else:
        response = problem(status, "fault", f"the sandbox was told to answer {status}")
    if status in {429, 503}:
        response.headers["Retry-After"] = str(1 if fault.retry_after is None else fault.retry_after)
    await response(scope, _replaying(b""), send)
