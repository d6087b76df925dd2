"""Security keys in the console: a page to register and remove them, and asking for one where a decision needs it."""

from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from schemas.decision import RefusalType
from watchfloor.client.asks import AskAt
from watchfloor.client.errors import Refused
from watchfloor.client.keyed import needs_key
from watchfloor.client.sign_in import SignIn
from watchfloor.gateway.console.gate import SIGN_IN, Visitor, read_form
from watchfloor.gateway.console.pages import ROOT, Pages
from watchfloor.gateway.console.touching import KeyDesk
from watchfloor.gateway.problems import Problem
from watchfloor.identity.security_keys import KeyRefused, SecurityKey
from watchfloor.identity.sign_in_file import SignInUnavailable
from watchfloor.signing.step_up import step_up_digest

FRESH = timedelta(minutes=5)
"""How long after signing in anew a person may register and remove keys."""
PAGE = f"{ROOT}/keys"
_DOWN = "the store of security keys does not answer; try again"


def offer_keys(app: FastAPI, pages: Pages) -> None:
    """The page of one's own security keys, and what its script asks for."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]

    @app.get("/keys")
    async def keys(visitor: admitted, done: str = "") -> HTMLResponse:
        return await _show(pages, visitor, done=done if done in {"added", "removed"} else "")

    @app.post("/keys/options")
    async def options(request: Request, visitor: admitted) -> JSONResponse:
        await read_form(request, visitor)
        if not is_fresh(visitor):
            return _say(403, "sign in again first: you signed in more than five minutes ago")
        desk = _require(pages)
        return await _offer(desk.offer_registration(visitor.person.id, visitor.session.csrf))

    @app.post("/keys")
    async def register(request: Request, visitor: admitted) -> Response:
        said = await read_form(request, visitor)
        if not is_fresh(visitor):
            return await _show(pages, visitor, told="Sign in again first.", status=403)
        person, session = visitor.person.id, visitor.session.csrf
        try:
            await _require(pages).register(person, session, said.get("name", ""), said.get("credential", ""))
        except KeyRefused as refused:
            return await _show(pages, visitor, told=f"{refused}.", status=422)
        return RedirectResponse(f"{PAGE}?done=added", 303)

    @app.post("/keys/remove")
    async def remove(request: Request, visitor: admitted) -> Response:
        said = await read_form(request, visitor)
        if not is_fresh(visitor):
            return await _show(pages, visitor, told="Sign in again first.", status=403)
        gone = _require(pages).keys.remove(visitor.person.id, said.get("key", ""), by=visitor.person.id)
        if not gone:
            return await _show(pages, visitor, told="You have no such key.", status=404)
        return RedirectResponse(f"{PAGE}?done=removed", 303)

    @app.post("/keys/challenge")
    async def challenge(request: Request, visitor: admitted) -> JSONResponse:
        said = await read_form(request, visitor)
        case = await pages.case(visitor, said.get("workflow", ""))
        at = await pages.ask_now(case.board["workflow"], said.get("path", ""), case.board)
        if at is None or at.ask["ask"] != said.get("ask") or said.get("option") not in at.ask["options"]:
            return _say(409, "what is asked here has changed since you looked; load the page again")
        over = step_up_digest(at.ask["ask"], said["option"], visitor.person.id)
        return await _offer(_require(pages).offer_touch(visitor.person.id, visitor.session.csrf, over))


def is_fresh(visitor: Visitor) -> bool:
    """Whether they proved who they are within the last minutes: a session that somebody took is not enough."""
    anew = visitor.session.proof.anew or visitor.session.proof.way == "dev"
    return anew and datetime.now(UTC) - visitor.session.began_at < FRESH


def list_keyed(pages: Pages, visitor: Visitor, at: AskAt) -> list[str]:
    """The options of an ask that this visitor answers with their key only."""
    face, person, how = pages.desk.face, visitor.person, visitor.signed_in
    return [option for option in at.ask["options"] if needs_key(face, person, at.board, at.ask, option, how)]


async def sign_in_for(pages: Pages, visitor: Visitor, at: AskAt, said: Mapping[str, str]) -> SignIn:
    """How the visitor is signed in for this answer: with their security key, where it needs one.

    Raises:
        Refused: it needs one, and none was touched for it.
        Problem: 503 nobody can tell.
    """
    option, how = said.get("option", ""), visitor.signed_in
    if not needs_key(pages.desk.face, visitor.person, at.board, at.ask, option, how):
        return how
    if not said.get("assertion"):
        raise Refused(
            RefusalType.SECURITY_KEY,
            f"`{option}` needs your security key, and the page sent none. Keys need a script in the browser: turn it "
            "on for this address. Or have another person decide who holds one of the roles, with their key",
        )
    over = step_up_digest(at.ask["ask"], option, visitor.person.id)
    try:
        step_up = await _require(pages).touch(visitor.person.id, visitor.session.csrf, over, said["assertion"])
    except KeyRefused as refused:
        raise Refused(RefusalType.SECURITY_KEY, str(refused)) from refused
    except SignInUnavailable as error:
        raise Problem(503, "unavailable", _DOWN, retry_after=2) from error
    return how.with_key(step_up)


async def _show(pages: Pages, visitor: Visitor, *, done: str = "", told: str = "", status: int = 200) -> HTMLResponse:
    desk, company = pages.desk.keys, pages.desk.gate.company
    known: list[SecurityKey] = []
    try:
        known = desk.keys.list(visitor.person.id) if desk is not None else []
    except SignInUnavailable as error:
        raise Problem(503, "unavailable", _DOWN, retry_after=2) from error
    by_company = visitor.session.proof.way != "dev" and company is not None
    return pages.show(
        "keys.html",
        visitor,
        status=status,
        offered=desk is not None,
        keys=known,
        fresh=is_fresh(visitor),
        again=f"{SIGN_IN}/provider?anew=true&back={PAGE}" if by_company else f"{SIGN_IN}?back={PAGE}",
        done=done,
        told=told,
    )


async def _offer(making: Awaitable[dict[str, Any]]) -> JSONResponse:
    try:
        return JSONResponse(await making)
    except KeyRefused as refused:
        return _say(422, str(refused))
    except SignInUnavailable:
        return _say(503, _DOWN)


def _say(status: int, detail: str) -> JSONResponse:
    return JSONResponse({"detail": detail}, status)


def _require(pages: Pages) -> KeyDesk:
    if pages.desk.keys is None:
        raise Problem(404, "not_found", "no security keys are kept here: the console has no name of its own yet")
    return pages.desk.keys
