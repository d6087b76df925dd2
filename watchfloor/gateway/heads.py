"""The edge of a connection: heads that are never finished, and what is said where there are too many connections.

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

from watchfloor.gateway.problems import Problem, answer_problem

MAX_HEAD = 32 * 1024
"""Bytes of a request's head; a larger one is answered 400 and its connection closed."""
HEAD_TIMEOUT = 5.0
"""Seconds from the connection, or from the first byte of a further request, to the end of the request's head."""

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
        await answer_problem(scope, receive, send, Problem(503, "busy", _BUSY, retry_after=RETRY_AFTER))

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _watch_head(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._forget()
        elif self._deadline is None:
            # later bytes of the same head do not move it
            self._deadline = self.loop.call_later(HEAD_TIMEOUT, self._give_up)

    def _give_up(self) -> None:
        self._deadline = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
