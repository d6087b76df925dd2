"""Carrying an abstract action out as one HTTP request. Sent once: retries belong to the engine."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import httpx2

from schemas.actions import ActionCall, ErrorType
from schemas.json_value import Json
from watchfloor.connections.answers import Outcome, classify
from watchfloor.connections.bindings import Auth, Binding, Bindings, Rate, Secret
from watchfloor.connections.egress import Egress, EgressRefused
from watchfloor.connections.guarded import (
    LIMIT_EXTENSION,
    PATIENCE_EXTENSION,
    AnswerRefused,
    CallRefused,
    NameUnresolved,
    open_guarded_client,
)
from watchfloor.connections.port import Answer, CallFailed, Terms
from watchfloor.connections.rates import Bucket
from watchfloor.connections.templates import Unfillable, fill, fill_path, fill_text, names_in, pick
from watchfloor.ledger.port import Cap

USER_AGENT = "watchfloor"
LONGEST_TURN = 5.0
"""Seconds that an attempt waits for its turn under a rate before it gives its place on the worker to others."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to be sent."""

    method: str
    url: str
    headers: dict[str, str]
    content: bytes | None
    timeout: float
    max_response: int


class _TooLate(Exception):
    """The time of the exchange was over before its request could be sent."""


@dataclass(slots=True)
class _Watch:
    """Sees the moment in which the first byte of a request is about to leave.

    A worker that stood still (stopped, swapped out) must not send afterwards: whoever looks the effect up counts on the
    request being sent in time or never. And what never left cannot have taken effect.
    """

    clock: Callable[[], float]
    until: float
    sent: bool = False

    async def __call__(self, event: str, _info: object) -> None:
        if event.endswith("send_request_headers.started"):
            if self.clock() >= self.until:
                raise _TooLate
            self.sent = True


class Wire:
    """Sends requests through the guarded transport and says what became of them."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._client = open_guarded_client(egress)

    def beside(self, host: str, port: int) -> Egress:
        """The gate to a server that is called otherwise than by HTTP; see `Egress.beside`."""
        return self._egress.beside(host, port)

    async def send(self, request: Request) -> Outcome:
        """Send once; no redirect is followed, no proxy of the environment used.

        Raises:
            CallFailed: nothing was sent, or nobody knows what became of it.
        """
        loop = asyncio.get_running_loop()
        watch = _Watch(loop.time, loop.time() + request.timeout)
        try:
            origin = self._egress.admit(request.url)  # as it is written, before anything makes it canonical
            return await self.exchange(request, watch)
        except EgressRefused as error:
            raise CallFailed(ErrorType.REFUSED, str(error), possible=False, detail={"why": "egress"}) from error
        except CallRefused as error:
            raise CallFailed(ErrorType.REFUSED, str(error), possible=watch.sent, detail={"why": "egress"}) from error
        except NameUnresolved as error:
            raise CallFailed(ErrorType.UNAVAILABLE, str(error), possible=watch.sent, detail={"why": "dns"}) from error
        except AnswerRefused as error:
            found: dict[str, Json] = {"status": error.status}
            raise CallFailed(ErrorType.TOO_LARGE, str(error), possible=True, detail=found) from error
        except (httpx2.TimeoutException, _TooLate) as error:
            message = f"no answer within {request.timeout:g} s"
            raise CallFailed(ErrorType.UNAVAILABLE, message, possible=watch.sent, detail={"why": "timeout"}) from error
        except httpx2.HTTPError as error:
            message = "the connection ended early" if watch.sent else f"`{origin.host}` cannot be connected to"
            detail: dict[str, Json] = {"why": type(error).__name__}
            raise CallFailed(ErrorType.UNAVAILABLE, message, possible=watch.sent, detail=detail) from error

    async def exchange(self, request: Request, watch: _Watch) -> Outcome:
        """Send, unless it is too late for that, and read the answer up to its limit.

        Raises:
            _TooLate: the request's time was over before its first byte could leave.
            httpx2.TransportError: as the guarded transport says.
        """
        outgoing = self._client.build_request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.content,
            extensions={
                "trace": watch,
                LIMIT_EXTENSION: request.max_response,
                PATIENCE_EXTENSION: request.timeout,
            },
        )
        answer = await self._client.send(outgoing)
        return Outcome(answer.status_code, answer.headers.get("retry-after"), answer.content)

    async def close(self) -> None:
        await self._client.aclose()


class HttpCaller:
    """`watchfloor.connections.Caller` over HTTP, as a bindings document says."""

    def __init__(
        self,
        document: Bindings,
        secret: Callable[[Secret], str],
        wire: Wire,
        *,
        enabled: Callable[[str], bool],
        clock: Callable[[], datetime] = _now,
    ) -> None:
        """Bind to a checked document.

        Args:
            document: as `watchfloor.connections.loading.load_bindings` gives it.
            secret: gives the value of a secret, `loading.read_secrets`.
            wire: what requests are sent with.
            enabled: whether an action is switched on now, `switches.Switches.enabled`.
            clock: aware UTC now.
        """
        self._document = document
        self._secret = secret
        self._wire = wire
        self._enabled = enabled
        self._clock = clock
        rates: dict[str, Rate | None] = {
            name: binding.rate or document.defaults.rate for name, binding in document.actions.items()
        }
        self._buckets = {name: Bucket(rate) for name, rate in rates.items() if rate is not None}

    def terms(self, action: str) -> Terms:
        """What the binding promises.

        Raises:
            CallFailed: `not_bound`, or `switched_off` by the kill switch.
        """
        binding = self._binding(action)
        if not self._enabled(action):
            message = f"`{action}` is switched off in the bindings (`enabled: false`)"
            raise CallFailed(ErrorType.KILLED, message, possible=False)
        timeout = self._document.timeout_of(binding)
        return Terms(
            idempotency=binding.idempotency,
            settle=timedelta(seconds=binding.lookup.settle if binding.lookup else 0),
            patience=timedelta(seconds=timeout),
            cap=Cap(action, binding.cap) if binding.cap is not None else None,
        )

    async def admit(self, action: str) -> None:
        """Wait for this action's turn under its rate.

        Raises:
            CallFailed: `unavailable` with `retry_after` when the turn is further off than an attempt should wait.
        """
        bucket = self._buckets.get(action)
        if bucket is not None and not await bucket.take(LONGEST_TURN):
            message = f"`{action}` is called more often than its rate allows"
            after = timedelta(seconds=LONGEST_TURN)
            raise CallFailed(ErrorType.UNAVAILABLE, message, possible=False, retry_after=after, detail={"why": "rate"})

    async def call(self, call: ActionCall) -> Answer:
        """Send the action's request once.

        Raises:
            CallFailed: with what is known about its effect.
        """
        binding = self._binding(call["action"])
        headers = self._headers(binding, call)
        request = self._request(binding, binding, call, headers, self._document.timeout_of(binding))
        body = classify(await self._wire.send(request), now=self._clock())
        if binding.success is not None:
            _, found = pick(body, binding.success.at)
            if not binding.success.holds(found):
                message = f"the target said 2xx, but `{binding.success.at}` in its answer says that it failed"
                raise CallFailed(ErrorType.REFUSED, message, possible=False, detail={"why": "body"})
        return Answer(_extract(binding.outputs, body), body, self._clock())

    async def look_up(self, call: ActionCall) -> Answer | None:
        """Ask the target whether it knows this key.

        Raises:
            CallFailed: it could not be asked.
        """
        binding = self._binding(call["action"])
        lookup = binding.lookup
        if lookup is None:
            raise CallFailed(ErrorType.NOT_BOUND, f"`{call['action']}` cannot be looked up", possible=False)
        headers = self._auth(binding.auth)
        request = self._request(binding, lookup, call, headers, self._document.timeout_of(binding))
        outcome = await self._wire.send(request)
        if outcome.status == httpx2.codes.NOT_FOUND:
            return None
        body = classify(outcome, now=self._clock())
        if lookup.found is not None and not lookup.found.holds(pick(body, lookup.found.at)[1]):
            return None
        return Answer(_extract(lookup.outputs, body), body, self._clock())

    def _binding(self, action: str) -> Binding:
        binding = self._document.actions.get(action)
        if binding is None:
            message = f"`{action}` is not bound to a system in this region; add it to the bindings file"
            raise CallFailed(ErrorType.NOT_BOUND, message, possible=False)
        return binding

    def _request(
        self, binding: Binding, part: Any, call: ActionCall, headers: dict[str, str], timeout: float
    ) -> Request:
        """`part` is the binding itself or its lookup; both have `method`, `path`, `query`, `body`."""
        values: dict[str, Json] = {
            **{name: value for name, value in call["inputs"].items() if value is not None},
            "key": call["key"],
            "incident": call["incident"],
            "region": call["region"],
            "step": call["step"],
        }
        try:
            path = fill_path(part.path, values)
            query = {
                name: fill_text(text, values)
                for name, text in part.query.items()
                if not (text.endswith("?}") and names_in(text) - set(values))
            }
            content = None if part.body is None else json.dumps(fill(part.body, values), allow_nan=False).encode()
            headers = {**headers, **self._fill_headers(binding, values)}
        except (Unfillable, ValueError) as error:
            raise CallFailed(ErrorType.BAD_INPUT, str(error), possible=False) from error
        if content is not None:
            headers["Content-Type"] = "application/json"
        url = (binding.base or self._document.base).rstrip("/") + path
        if query:
            url += "?" + urlencode(query, quote_via=quote)
        return Request(part.method, url, headers, content, timeout, binding.max_response)

    def _headers(self, binding: Binding, call: ActionCall) -> dict[str, str]:
        headers = self._auth(binding.auth)
        if binding.idempotency in {"header", "lookup"}:
            headers[binding.key_header or self._document.defaults.key_header] = call["key"]
        return headers

    def _auth(self, auth: Auth | None) -> dict[str, str]:
        headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"}
        if auth is not None:
            headers[auth.header] = auth.value.replace("{secret}", self._secret(auth.secret))
        return headers

    @staticmethod
    def _fill_headers(binding: Binding, values: Mapping[str, Json]) -> dict[str, str]:
        filled = {name: fill_text(text, values) for name, text in binding.headers.items()}
        for name, value in filled.items():
            if not value.isascii() or not value.isprintable():
                raise Unfillable(f"header `{name}` would hold a control or non-ASCII character")
        return filled


def _extract(outputs: Mapping[str, str], body: Json) -> dict[str, Json]:
    """An output that is not there, or null, is absent; the contract says whether it may be."""
    found = {name: pick(body, path) for name, path in outputs.items()}
    return {name: value for name, (there, value) in found.items() if there and value is not None}
