"""The one way out over HTTP: every request of the product goes through a `GuardedTransport`.

    httpx2.TransportError
    ├── httpx2.ConnectError
    │   ├── CallRefused       the address is not one that may be called; nothing was sent
    │   └── NameUnresolved    the name has no address now; nothing was sent
    ├── httpx2.ReadTimeout
    │   └── CallTimedOut      the whole exchange took longer than it may
    └── httpx2.ReadError
        └── AnswerRefused     the answer is larger than it may be, or compressed

For each request, a redirect's hop included: the URL's origin has to be on a gate's list letter by letter, the name is
resolved once, every address it has is checked, and the connection goes to the checked address while the certificate is
checked against the name. So a name that is resolved again to somewhere else gains nothing (DNS rebinding).
"""

import asyncio
import http.cookiejar
import ssl
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx2

from watchfloor.connections.egress import Egress, EgressRefused, Origin

LIMIT = 1024 * 1024
"""Bytes of an answer's body that are read, unless said otherwise."""
PATIENCE = 10.0
"""Seconds from a request's beginning to the end of its answer, unless said otherwise."""
LIMIT_EXTENSION = "watchfloor.limit"
PATIENCE_EXTENSION = "watchfloor.patience"


class CallRefused(httpx2.ConnectError):
    """The address may not be called; says what was found. Nothing was sent."""


class NameUnresolved(httpx2.ConnectError):
    """The name has no address now. Nothing was sent."""


class CallTimedOut(httpx2.ReadTimeout):
    """The exchange as a whole took longer than it may, however busy each part of it looked."""


class AnswerRefused(httpx2.ReadError):
    """The answer is larger than it may be, or compressed (a small one could unpack to any size)."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def open_guarded_client(
    *gates: Egress,
    limit: int = LIMIT,
    patience: float = PATIENCE,
    tls: ssl.SSLContext | None = None,
    base_url: str = "",
) -> httpx2.AsyncClient:
    """A client that reaches what one of the gates admits and nothing else. Close it as any client.

    It follows no redirect, remembers no cookie, and takes no proxy, password or certificate from the environment. A
    request that is told to follow redirects has each hop checked like the first.

    Args:
        gates: each an exact list of hosts; `Egress.to(url)` is the gate to one configured address.
        limit: bytes of an answer's body that are read.
        patience: seconds for a whole exchange: resolving, connecting, sending, reading.
        tls: what certificates are checked by; the default authorities without it.
        base_url: what the path of a request is put behind.
    """
    return httpx2.AsyncClient(
        transport=GuardedTransport(gates, limit=limit, patience=patience, tls=tls),
        trust_env=False,
        follow_redirects=False,
        # the transport bounds the whole exchange, each phase included
        timeout=None,
        base_url=base_url,
        cookies=http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[])),
    )


class GuardedTransport(httpx2.AsyncBaseTransport):
    """A transport for `httpx2.AsyncClient` that admits, resolves, checks and pins before it connects.

    One connection pool for each origin and address: a connection made for one name never serves another. A request
    may have its own limit and patience in its extensions (`LIMIT_EXTENSION`, `PATIENCE_EXTENSION`).
    """

    def __init__(
        self,
        gates: Sequence[Egress],
        *,
        limit: int = LIMIT,
        patience: float = PATIENCE,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Arguments as for `open_guarded_client`."""
        self._gates = tuple(gates)
        self._limit = limit
        self._patience = patience
        self._tls = tls
        self._pools: dict[tuple[Origin, str], httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; gives its answer with a body that ends at the limit or the time.

        Raises:
            CallRefused, NameUnresolved, CallTimedOut, AnswerRefused, httpx2.TransportError: see the module.
        """
        until = asyncio.get_running_loop().time() + request.extensions.get(PATIENCE_EXTENSION, self._patience)
        limit: int = request.extensions.get(LIMIT_EXTENSION, self._limit)
        try:
            async with asyncio.timeout_at(until):
                origin, address = await self._pin(request)
                answer = await self._pool(origin, address).handle_async_request(_pinned(request, origin, address))
        except TimeoutError as error:
            raise CallTimedOut("the call took longer than it may", request=request) from error
        stream = answer.stream
        assert isinstance(stream, httpx2.AsyncByteStream)
        if answer.headers.get("content-encoding", "identity").lower() != "identity":
            await stream.aclose()
            raise AnswerRefused("the answer is compressed, which was not asked for", answer.status_code)
        return httpx2.Response(
            answer.status_code,
            headers=answer.headers,
            stream=_Bounded(stream, limit, until, answer.status_code),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            await pool.aclose()

    async def _pin(self, request: httpx2.Request) -> tuple[Origin, str]:
        refusal = "no address may be called from here"
        for gate in self._gates:
            try:
                origin = gate.admit(str(request.url))
            except EgressRefused as error:
                refusal = str(error)
                continue
            try:
                addresses = await gate.pin(origin)
            except EgressRefused as error:
                raise CallRefused(str(error), request=request) from error
            except (OSError, UnicodeError) as error:
                raise NameUnresolved(f"`{origin.host}` cannot be resolved", request=request) from error
            # a name that rotates its addresses keeps the connection it has
            return origin, next((one for one in addresses if (origin, one) in self._pools), addresses[0])
        raise CallRefused(refusal, request=request)

    def _pool(self, origin: Origin, address: str) -> httpx2.AsyncHTTPTransport:
        pool = self._pools.get((origin, address))
        if pool is None:
            if self._tls is None:
                self._tls = httpx2.create_ssl_context(trust_env=False)
            pool = httpx2.AsyncHTTPTransport(verify=self._tls, retries=0, trust_env=False)
            self._pools[origin, address] = pool
        return pool


class _Bounded(httpx2.AsyncByteStream):
    """The body of an answer, up to a size and a time. A drip of bytes does not make the time longer."""

    def __init__(self, stream: httpx2.AsyncByteStream, limit: int, until: float, status: int) -> None:
        self._stream, self._limit, self._until, self._status = stream, limit, until, status

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size, parts = 0, aiter(self._stream)
        while True:
            try:
                async with asyncio.timeout_at(self._until):
                    part = await anext(parts, None)
            except TimeoutError as error:
                raise CallTimedOut("the answer took longer than it may") from error
            if part is None:
                return
            size += len(part)
            if size > self._limit:
                raise AnswerRefused(f"the answer is larger than {self._limit} bytes", self._status)
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


def _pinned(request: httpx2.Request, origin: Origin, address: str) -> httpx2.Request:
    """The same request to a checked address; Host and certificate stay those of the name."""
    extensions: dict[str, Any] = {**request.extensions, "sni_hostname": origin.host}
    headers = httpx2.Headers(request.headers)
    headers["Host"] = origin.authority
    headers["Accept-Encoding"] = "identity"
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address, port=origin.port),
        headers=headers,
        stream=request.stream,
        extensions=extensions,
    )
