"""What terminals ask for over HTTP: JSON alone, mounted under the console, with a door of its own."""

import asyncio
import hashlib
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from schemas.terminal import Answer, Claim, Claimed, Offer, Remark, Wish, Work
from watchfloor.cases import IndexUnavailable
from watchfloor.gateway.bodies import read_body
from watchfloor.gateway.console.edge import Edge
from watchfloor.gateway.console.pages import ROOT, Pages
from watchfloor.gateway.console.sessions import SessionsUnavailable
from watchfloor.gateway.console.terminal.door import DOWN, AtTerminal, TerminalDoor, address_of
from watchfloor.gateway.console.terminal.looks import make_look, make_plan, make_whole
from watchfloor.gateway.console.terminal.pairings import VALID_FOR, TooMany
from watchfloor.gateway.console.terminal.words import answer, speak, work
from watchfloor.gateway.problems import Problem, render_problem
from watchfloor.identity.sign_in_file import SignInUnavailable

PAGE = f"{ROOT}/terminals"
EVERY = 2
"""Seconds after which a terminal that waits to be confirmed asks again."""
JSON = "application/json"


def build_terminal(pages: Pages) -> FastAPI:
    """What terminals ask for, over the same pages as the console's."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(Problem, render_problem)
    app.add_exception_handler(HTTPException, _render_http)
    app.add_exception_handler(IndexUnavailable, _render_index)
    app.add_middleware(Edge, render=_render_failure)
    _offer_pairing(app, pages)
    door = TerminalDoor(pages.desk.gate)
    admitted = Annotated[AtTerminal, Depends(door.admit)]

    @app.get("/look")
    async def look(request: Request, at: admitted) -> Response:
        content = await make_look(pages, at)
        mark = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        if request.headers.get("if-none-match") == mark:
            return Response(status_code=304, headers={"etag": mark})
        return Response(content, media_type=JSON, headers={"etag": mark})

    @app.get("/incidents/{workflow}")
    async def whole(workflow: str, at: admitted) -> Response:
        return Response(await make_whole(pages, at, workflow), media_type=JSON)

    @app.get("/plans/{workflow}")
    async def plan(workflow: str, at: admitted) -> Response:
        return Response(await make_plan(pages, at, workflow), media_type=JSON)

    @app.post("/answers")
    async def answers(request: Request, at: admitted) -> Response:
        receipt = await answer(pages, at.visitor, await read_body(request, Answer))
        return Response(receipt.model_dump_json(), media_type=JSON)

    @app.post("/words")
    async def words(request: Request, at: admitted) -> Response:
        receipt = await speak(pages, at.visitor, await read_body(request, Remark))
        return Response(receipt.model_dump_json(), media_type=JSON)

    @app.post("/tasks")
    async def tasks(request: Request, at: admitted) -> Response:
        receipt = await work(pages, at.visitor, await read_body(request, Work))
        return Response(receipt.model_dump_json(), media_type=JSON)

    @app.delete("/session")
    async def leave(at: admitted) -> Response:
        gate = pages.desk.gate
        try:
            await asyncio.to_thread(gate.terminals.end, at.token)
            await gate.note("terminal ended", at.terminal.person, at.terminal.id)
        except (SessionsUnavailable, SignInUnavailable) as error:
            raise Problem(503, "unavailable", DOWN, retry_after=2) from error
        return Response(status_code=204)

    return app


def _offer_pairing(app: FastAPI, pages: Pages) -> None:
    gate = pages.desk.gate

    @app.post("/pairings")
    async def begin(request: Request) -> Response:
        await read_body(request, Wish)
        if not gate.keeps_log:
            raise Problem(404, "not_found", "no terminals are let in here")
        try:
            begun = await asyncio.to_thread(gate.pairings.begin, address_of(request))
        except TooMany:
            detail = "as many terminals wait to be confirmed as may; try again in a minute"
            raise Problem(429, "busy", detail, retry_after=60) from None
        except SessionsUnavailable as error:
            raise Problem(503, "unavailable", DOWN, retry_after=2) from error
        offer = Offer(
            v=1,
            secret=begun.secret,
            code=begun.code,
            address=f"{gate.company.console_url}{PAGE}" if gate.company else PAGE,
            seconds=int(VALID_FOR.total_seconds()),
            every=EVERY,
        )
        return Response(offer.model_dump_json(), 201, media_type=JSON)

    @app.post("/pairings/claim")
    async def claim(request: Request) -> Response:
        said = await read_body(request, Claim)
        try:
            found = await asyncio.to_thread(gate.pairings.take, said.secret)
        except SessionsUnavailable as error:
            raise Problem(503, "unavailable", DOWN, retry_after=2) from error
        if found is True:
            return Response(Claimed(v=1, state="waiting").model_dump_json(), 202, media_type=JSON)
        if found is False:
            raise Problem(410, "gone", "this code was not confirmed in time, was turned away, or was used already")
        token, terminal = found
        try:
            await gate.note("terminal signed in", terminal.person, terminal.id)
        except SignInUnavailable as error:
            # what cannot be written down does not begin
            await asyncio.to_thread(gate.terminals.end, token)
            raise Problem(503, "unavailable", DOWN, retry_after=2) from error
        visitor = await TerminalDoor(gate).recognise(request, terminal, token)
        at = AtTerminal(visitor, terminal, token)
        claimed = Claimed(v=1, state="confirmed", token=token, signed_in=at.signed_in)
        return Response(claimed.model_dump_json(), media_type=JSON)


async def _render_failure(request: Request, error: Exception) -> Response:
    return render_problem(request, error)


def _render_index(request: Request, error: Exception) -> Response:
    assert isinstance(error, IndexUnavailable)
    return render_problem(request, Problem(503, "unavailable", "a store does not answer; try again", retry_after=2))


def _render_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {404: ("not_found", "nothing is offered at this address"), 405: ("method", "not with this method")}
    code, detail = codes.get(error.status_code, ("refused", "refused"))
    return render_problem(request, Problem(error.status_code, code, detail))
