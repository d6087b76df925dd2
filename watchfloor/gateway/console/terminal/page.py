"""The page of one's own terminals: a code is typed here, what asks is shown, and only then it is let in.

A code is never taken from an address: who sends somebody a link cannot have it typed for them.
"""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from watchfloor.gateway.console.gate import SIGN_IN, Visitor, read_form
from watchfloor.gateway.console.pages import ROOT, Pages
from watchfloor.gateway.console.sessions import LONGEST, SessionsUnavailable
from watchfloor.gateway.console.terminal.door import DOWN, address_of
from watchfloor.gateway.console.terminal.pairings import SHIFT, WRONG_WITHIN, TooMany, normalise
from watchfloor.gateway.problems import Problem
from watchfloor.identity.sign_in_file import SignInUnavailable

PAGE = f"{ROOT}/terminals"
WRONG = (
    "No terminal shows this code now. Codes are good for five minutes and for one terminal; look at its screen again."
)
TOO_MANY = f"Too many wrong codes. None is taken from you for the next {WRONG_WITHIN.seconds // 60} minutes."
_DONE = {
    "confirmed": "The terminal is signed in; it shows your watch within a few seconds.",
    "refused": "It is turned away. If you did not start it, somebody else did: tell whoever looks after security.",
    "ended": "The terminal is signed out.",
}


def offer_terminals(app: FastAPI, pages: Pages) -> None:
    """The page of a person's terminals and its forms."""
    gate = pages.desk.gate
    admitted = Annotated[Visitor, Depends(gate.admit)]

    @app.get("/terminals")
    async def terminals(request: Request, visitor: admitted, done: str = "") -> HTMLResponse:
        return await _show(pages, request, visitor, told=_DONE.get(done, ""))

    @app.post("/terminals/code")
    async def look_up(request: Request, visitor: admitted) -> HTMLResponse:
        said = await read_form(request, visitor)
        code = said.get("code", "")
        try:
            asked = await asyncio.to_thread(gate.pairings.find, code, visitor.person.id)
        except TooMany:
            return await _refuse_guessing(pages, request, visitor)
        except SessionsUnavailable as error:
            raise _down() from error
        if asked is None:
            return await _show(pages, request, visitor, told=WRONG, status=422)
        now = datetime.now(UTC)
        plain = normalise(code)
        return pages.show(
            "terminal_confirm.html",
            visitor,
            code=f"{plain[:4]}-{plain[4:]}",
            asked=asked,
            seconds=int((now - asked.asked_at).total_seconds()),
            own=address_of(request),
            until=min(now + SHIFT, visitor.session.began_at + LONGEST),
        )

    @app.post("/terminals/confirm")
    async def confirm(request: Request, visitor: admitted) -> Response:
        said = await read_form(request, visitor)
        code, person = said.get("code", ""), visitor.person.id
        cookie = request.cookies.get(gate.cookie, "")
        try:
            if said.get("answer") != "confirm":
                if not await asyncio.to_thread(gate.pairings.refuse, code, person):
                    return await _show(pages, request, visitor, told=WRONG, status=422)
                await gate.note("terminal refused", person, "not mine")
                return RedirectResponse(f"{PAGE}?done=refused", 303)
            if await asyncio.to_thread(gate.pairings.approve, code, visitor.session, cookie) is None:
                return await _show(pages, request, visitor, told=WRONG, status=422)
        except TooMany:
            return await _refuse_guessing(pages, request, visitor)
        except (SessionsUnavailable, SignInUnavailable) as error:
            raise _down() from error
        return RedirectResponse(f"{PAGE}?done=confirmed", 303)

    @app.post("/terminals/end")
    async def end(request: Request, visitor: admitted) -> Response:
        said = await read_form(request, visitor)
        person, id_ = visitor.person.id, said.get("terminal", "")
        try:
            if not await asyncio.to_thread(gate.terminals.end_one, person, id_):
                return await _show(
                    pages, request, visitor, told="You have no such terminal; it may have ended.", status=404
                )
            await gate.note("terminal ended", person, id_)
        except (SessionsUnavailable, SignInUnavailable) as error:
            raise _down() from error
        return RedirectResponse(f"{PAGE}?done=ended", 303)

    @app.post("/terminals/end-all")
    async def end_all(request: Request, visitor: admitted) -> Response:
        await read_form(request, visitor)
        try:
            ended = await gate.end_everywhere(visitor.person.id)
            await gate.note("signed out everywhere", visitor.person.id, f"{ended} sessions")
        except (SessionsUnavailable, SignInUnavailable) as error:
            raise _down() from error
        return RedirectResponse(SIGN_IN, 303)


async def _refuse_guessing(pages: Pages, request: Request, visitor: Visitor) -> HTMLResponse:
    try:
        await pages.desk.gate.note("terminal refused", visitor.person.id, "wrong codes")
    except SignInUnavailable as error:
        raise _down() from error
    return await _show(pages, request, visitor, told=TOO_MANY, status=429)


async def _show(pages: Pages, request: Request, visitor: Visitor, *, told: str = "", status: int = 200) -> HTMLResponse:
    gate = pages.desk.gate
    try:
        known = await asyncio.to_thread(gate.terminals.list, visitor.person.id)
    except SessionsUnavailable as error:
        raise _down() from error
    # of their own request: nobody else reads it
    here = f"{request.url.scheme}://{request.headers.get('host', '')[:80]}"
    origin = gate.company.console_url if gate.company else here
    return pages.show(
        "terminals.html", visitor, status=status, told=told, terminals=known, offered=gate.keeps_log, origin=origin
    )


def _down() -> Problem:
    return Problem(503, "unavailable", DOWN, retry_after=2)
