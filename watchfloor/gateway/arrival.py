"""How a request arrives: its head and body no larger than this, its body no slower than that, whatever the route does.

Around the whole application, because what reads bodies inside it (forms, JSON) would read on for as long as somebody
sends. What is refused here is answered here; what the application says to a body that was cut off is dropped.
"""

import asyncio
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from watchfloor.gateway.heads import MAX_HEAD
from watchfloor.gateway.problems import Problem, answer_problem

MOST = 256 * 1024
"""Bytes of a body where nothing else is said."""
WITHIN = 20.0
"""Seconds in which a body must have arrived."""


_GONE: Message = {"type": "http.disconnect"}
"""What the application is told of a body that is read no further: nobody is there any more."""


class Arrival:
    """ASGI: caps and times bodies."""

    def __init__(self, app: ASGIApp, most: Mapping[str, int] | None = None) -> None:
        """`most` is beginning of a path -> bytes, for what takes less or more than `MOST`."""
        self._app = app
        self._most = dict(most or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = next((cap for start, cap in self._most.items() if scope["path"].startswith(start)), MOST)
        headers = dict(scope["headers"])
        # what came in one piece was never incomplete, and only of an incomplete head does the server count the bytes
        if len(scope["raw_path"]) + sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEAD:
            refused = Problem(431, "head_too_large", f"at most {MAX_HEAD} bytes of address and headers are taken")
            await answer_problem(scope, receive, send, refused)
            return
        length = headers.get(b"content-length", b"")
        if length and b"transfer-encoding" in headers:
            # a proxy before this could read the body's end elsewhere, and take its rest for another request
            refused = Problem(400, "two_lengths", "the body's length must be said in one way")
            await answer_problem(scope, receive, send, refused)
            return
        if length.isdigit() and int(length[:15]) > most:
            await answer_problem(scope, receive, send, _too_large(most))
            return
        arrived, whole, begun = 0, False, False
        refusal: Problem | None = None
        due = asyncio.get_running_loop().time() + WITHIN

        async def timed() -> Message:
            nonlocal arrived, whole, refusal
            if refusal is not None:
                return _GONE
            if whole:
                return await receive()  # only whether the other side is still there
            try:
                async with asyncio.timeout_at(due):
                    message = await receive()
            except TimeoutError:
                refusal = Problem(400, "slow_body", f"the body did not arrive within {WITHIN:.0f} s")
                return _GONE
            arrived += len(message.get("body", b""))
            whole = message["type"] != "http.request" or not message.get("more_body", False)
            if arrived > most:
                refusal = _too_large(most)
                return _GONE
            return message

        async def unless_refused(message: Message) -> None:
            nonlocal begun
            if refusal is not None and not begun:
                return
            begun = True
            await send(message)

        try:
            await self._app(scope, timed, unless_refused)
        except Exception:  # whatever the application makes of a body that was cut off; anything else goes on up
            if refusal is None:
                raise
        if refusal is not None and not begun:
            await answer_problem(scope, receive, send, refusal)


def _too_large(most: int) -> Problem:
    return Problem(413, "too_large", f"at most {most} bytes are taken")
