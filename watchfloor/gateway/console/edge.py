"""The edge of the console: what is too large is refused while it arrives; what fails becomes a page."""

from collections.abc import Awaitable, Callable

import structlog
from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from watchfloor.gateway.problems import Problem

MAX_FORM = 256 * 1024
"""Bytes of a form. The longest field is a reason of 4,000 characters, the most fields those of a bulk."""

log = structlog.get_logger(__name__)


class _TooLarge(Exception):
    """More arrived than a form may have."""


class Edge:
    """Around the console's application; `render` makes the page of a problem."""

    def __init__(self, app: ASGIApp, render: Callable[[Request, Exception], Awaitable[Response]]) -> None:
        self._app = app
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, arrived = False, 0

        async def counted() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > MAX_FORM:
                raise _TooLarge
            return message

        async def noticed(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            length = dict(scope["headers"]).get(b"content-length", b"0")
            if length.isdigit() and int(length) > MAX_FORM:
                raise _TooLarge
            await self._app(scope, counted, noticed)
        except _TooLarge:
            problem = Problem(413, "too_large", "what was sent is too large; nothing was done")
            await self._answer(scope, receive, send, problem, begun)
        except ClientDisconnect:
            return  # nobody is there any more to be shown a page
        except Exception:  # the edge of the process: one request must not end it, and its text must reach nobody
            log.exception("page failed", path=scope["path"])
            problem = Problem(500, "internal", "this page failed; it is in the gateway's log. Try it again")
            await self._answer(scope, receive, send, problem, begun)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, problem: Problem, begun: bool) -> None:
        if begun:
            raise problem  # half a page is out: the connection is cut, so that nobody takes it for a whole one
        answer = await self._render(Request(scope), problem)
        await answer(scope, receive, send)
