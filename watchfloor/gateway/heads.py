"""The edge of a connection: heads that are never finished, how long it may idle, what is said where there are too many.

Connections that never finish the head of a request are closed, so that they cannot take every place there is.

uvicorn times idle connections after an answer, and nothing before the first request: sixty-four half-sent heads would
answer every other region with 503 for as long as their sender likes.
"""

import asyncio
from time import monotonic
from typing import Any

import h11
import structlog
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from watchfloor.gateway.problems import Problem, turn_away

MAX_HEAD = 32 * 1024
"""Bytes of a request's head; a larger one is answered 400 and its connection closed."""
HEAD_TIMEOUT = 20.0
"""Seconds from the connection, or from the first byte of a further request, to the end of the request's head. A sender
that is itself overloaded has been seen to need seven."""
HEAD_CROWDED = 5.0
"""The same once half of the connections that can be are open."""

IDLES = 65
"""Seconds for which a connection may idle between requests. Longer than what is usual at senders and proxies (5 to 60),
so that it is they who close it: a request that is on its way while this side closes is lost unread."""
IDLES_CROWDED = 5
"""The same once half of the connections that can be are open: their places are needed."""
RETRY_AFTER = 5
"""Seconds after which somebody comes again who was turned away because there are too many connections."""
SAY_EVERY = 10.0
"""Seconds at least between two lines in the log about it."""
_BUSY = "more connections are open here than can be; nothing was done; come again when `retry-after` says"

log = structlog.get_logger(__name__)


class HeadTimedProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 with a cap and a deadline for each request's head; give it to `uvicorn.Config(http=...)`.

    `limit_concurrency` holds as uvicorn's own does, and is told as everything else that is refused: a problem document
    with `retry-after`.
    """

    _deadline: asyncio.TimerHandle | None = None
    _said_at = -SAY_EVERY

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.conn = h11.Connection(h11.SERVER, MAX_HEAD)
        # uvicorn answers plain text; asked here, before its own check could be
        self._most, self.limit_concurrency = self.limit_concurrency, None
        self._serve = self.app
        self.app = self._admit

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        # this request is one of the tasks already
        if self._most is None or (len(self.connections) < self._most and len(self.tasks) <= self._most):
            await self._serve(scope, receive, send)
            return
        if monotonic() - HeadTimedProtocol._said_at >= SAY_EVERY:
            HeadTimedProtocol._said_at = monotonic()
            log.warning("too many connections", connections=len(self.connections), most=self._most)
        await turn_away(scope, receive, send, Problem(503, "busy", _BUSY, retry_after=RETRY_AFTER), close=True)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch_head()

    def on_response_complete(self) -> None:
        self.timeout_keep_alive = IDLES_CROWDED if self._is_crowded() else IDLES
        super().on_response_complete()

    def _is_crowded(self) -> bool:
        return self._most is not None and 2 * len(self.connections) > self._most

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _watch_head(self) -> None:
        # a body that ended after its answer leaves a connection that idles, not one whose head has begun
        idles = self.cycle is not None and not self.conn.trailing_data[0]
        if self.conn.their_state is not h11.IDLE or idles:
            self._forget()
        elif self._deadline is None:
            # later bytes of the same head do not move it
            self._deadline = self.loop.call_later(min(HEAD_TIMEOUT, HEAD_CROWDED), self._consider)

    def _consider(self) -> None:
        left = HEAD_TIMEOUT - HEAD_CROWDED
        if left <= 0 or self._is_crowded():
            self._give_up()
        else:
            self._deadline = self.loop.call_later(left, self._give_up)

    def _give_up(self) -> None:
        self._deadline = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
