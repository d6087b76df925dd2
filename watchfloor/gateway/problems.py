"""Refusals as RFC 9457 problem details: a stable code, a status, a sentence. Nothing of the request is repeated."""

import asyncio
from collections.abc import Mapping, Sequence

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

MEDIA_TYPE = "application/problem+json"
LINGER = 2.0
"""Seconds in which the body of a request that is turned away may still arrive."""
LINGER_BYTES = 256 * 1024
"""How much of it is read; the largest body that any route takes."""
TITLES = {
    400: "The body is not JSON as it is expected here",
    401: "The sender is not known",
    403: "The sender may not do this",
    404: "There is nothing of that name here",
    405: "This address takes another method",
    409: "The message contradicts what stands",
    410: "The message came too late",
    411: "The length of the body must be given",
    413: "The body is too large",
    415: "The body must be application/json",
    422: "The message is not of the expected shape",
    429: "Too many at once",
    431: "The head of the request is too large",
    500: "Something went wrong here",
    503: "Try again later",
}


class Problem(Exception):
    """A request is refused. `code` is for programs, `detail` for people; neither quotes what was sent."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        retry_after: int | None = None,
        fields: Sequence[dict[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        self.fields = tuple(fields)
        """What is wrong field by field: `{field, expected, fix}`."""
        self.headers = dict(headers or {})
        """What HTTP wants beside a status: `www-authenticate`, `allow`."""


def render_problem(_request: Request, error: Exception) -> JSONResponse:
    """The response for a `Problem`."""
    assert isinstance(error, Problem)
    headers = dict(error.headers)
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    body: dict[str, object] = {
        "type": f"urn:watchfloor:problem:{error.code}",
        "title": TITLES.get(error.status, "Refused"),
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
    }
    if error.fields:
        body["fields"] = list(error.fields)
    return JSONResponse(body, error.status, headers, media_type=MEDIA_TYPE)


def render_http(request: Request, error: Exception, *, hint: str = "") -> JSONResponse:
    """The response for what the framework refuses: no such address, or not by this method; `hint` goes on."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    code, detail = {
        404: ("not_found", f"nothing is offered at this address{hint}"),
        405: ("method", f"this address takes {headers.get('Allow', 'another method')}"),
    }.get(error.status_code, ("refused", "refused"))
    return render_problem(request, Problem(error.status_code, code, detail, headers=headers))


async def answer_problem(scope: Scope, receive: Receive, send: Send, problem: Problem) -> None:
    """Answer a request outside the application, and close its connection: what it still sends is not read."""
    await _answer(scope, receive, send, problem, close=True)


async def turn_away(scope: Scope, receive: Receive, send: Send, problem: Problem, *, close: bool = False) -> None:
    """Answer a request for which there is no room now, so that its sender reads when to come again.

    The body is let in first, as far as it comes within `LINGER`. A connection that is closed while its body is still on
    the way is reset, and many senders then see a broken connection where the answer was.
    """
    whole = await _let_in(receive) if b"expect" not in dict(scope["headers"]) else False
    await _answer(scope, receive, send, problem, close=close or not whole)


async def _let_in(receive: Receive) -> bool:
    """Read a body and keep nothing of it; gives whether it ended."""
    left = LINGER_BYTES
    try:
        async with asyncio.timeout(LINGER):
            while left > 0:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return True
                left -= len(message.get("body", b""))
    except TimeoutError:
        pass
    return False


async def _answer(scope: Scope, receive: Receive, send: Send, problem: Problem, *, close: bool) -> None:
    response = render_problem(Request(scope), problem)
    if close:
        response.headers["connection"] = "close"
    response.headers["cache-control"] = "no-store"
    response.headers["x-content-type-options"] = "nosniff"
    await response(scope, receive, send)
