"""The console of a region: pages made on the server, readable and answerable without a script."""

import asyncio
from collections.abc import AsyncIterator
from importlib import resources
from pathlib import PurePath
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException

from watchfloor.gateway.console.acting import offer_acting
from watchfloor.gateway.console.asks import offer_asks
from watchfloor.gateway.console.authorities import offer_authorities
from watchfloor.gateway.console.boards import offer_board
from watchfloor.gateway.console.deliveries import offer_deliveries
from watchfloor.gateway.console.edge import Edge
from watchfloor.gateway.console.gate import SIGN_IN, SignInNeeded, Visitor, safe_path
from watchfloor.gateway.console.handoffs import offer_handoffs
from watchfloor.gateway.console.holds import offer_holds
from watchfloor.gateway.console.incidents import offer_incidents
from watchfloor.gateway.console.keys import offer_keys
from watchfloor.gateway.console.ledgers import offer_ledgers
from watchfloor.gateway.console.oncall import offer_oncall
from watchfloor.gateway.console.outgoing import offer_outgoing
from watchfloor.gateway.console.pages import ROOT, ConsoleDesk, Pages
from watchfloor.gateway.console.queue import offer_queue
from watchfloor.gateway.console.records import Records
from watchfloor.gateway.console.relief import offer_relief
from watchfloor.gateway.console.runbooks import offer_runbooks
from watchfloor.gateway.console.signing_in import offer_sign_in
from watchfloor.gateway.console.tasks import offer_tasks
from watchfloor.gateway.console.terminal.app import build_terminal
from watchfloor.gateway.console.terminal.page import offer_terminals
from watchfloor.gateway.console.timeline import offer_timelines
from watchfloor.gateway.console.watch import offer_watch
from watchfloor.gateway.indexing import Recent
from watchfloor.gateway.problems import Problem

BREATH = 0.4
"""Seconds between two words to one screen that something has changed."""
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


def build_console(desk: ConsoleDesk) -> FastAPI:
    """The console over a desk, to be mounted at `ROOT`."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    pages = Pages(desk)
    app.add_exception_handler(SignInNeeded, _send_to_sign_in)
    app.add_exception_handler(Problem, pages.render_problem)
    app.add_exception_handler(HTTPException, pages.render_http)
    app.add_exception_handler(RequestValidationError, pages.render_shape)
    offer_sign_in(app, pages)
    offer_keys(app, pages)
    offer_terminals(app, pages)
    app.mount("/terminal", build_terminal(pages))
    offer_watch(app, pages)
    offer_queue(app, pages)
    offer_tasks(app, pages)
    offer_relief(app, pages)
    offer_board(app, pages)
    offer_runbooks(app, pages)
    records = Records(desk.face.ledger_path, desk.ledger_keys, desk.face.region)
    offer_holds(app, pages, records)
    offer_handoffs(app, pages, records)
    offer_oncall(app, pages)
    offer_ledgers(app, pages, records)
    offer_outgoing(app, pages)
    offer_incidents(app, pages)
    offer_timelines(app, pages)
    offer_acting(app, pages)
    offer_authorities(app, pages)
    offer_asks(app, pages)
    offer_deliveries(app, pages)
    _offer_events(app, pages)
    _offer_static(app)
    app.add_middleware(Edge, render=pages.render_problem)
    return app


def _offer_events(app: FastAPI, pages: Pages) -> None:
    desk = pages.desk
    recent = Recent(desk.index, desk.changes)

    @app.get("/events", response_class=EventSourceResponse)
    async def events(visitor: Annotated[Visitor, Depends(desk.gate.admit)]) -> AsyncIterator[ServerSentEvent]:
        seen = await asyncio.to_thread(desk.index.revision)
        async for is_new in desk.changes.rounds(15.0):
            if not is_new:
                yield ServerSentEvent(comment="nothing new")
                continue
            changed = await recent.since(seen)
            if changed:
                seen = changed[-1].revision
            if pages.may_see_of(visitor, changed):
                yield ServerSentEvent(event="changed", raw_data="look again")
                # what changes meanwhile is one more look and not ten: a run that goes on changes many times a second
                await asyncio.sleep(BREATH)


def _offer_static(app: FastAPI) -> None:
    shelf = resources.files(__package__).joinpath("static")
    known = {entry.name: _TYPES[PurePath(entry.name).suffix] for entry in shelf.iterdir() if entry.is_file()}

    @app.get("/static/{name}")
    async def static(name: str) -> Response:
        if name not in known:
            raise Problem(404, "not_found", "there is nothing at this address")
        return Response(shelf.joinpath(name).read_bytes(), media_type=known[name])


def _send_to_sign_in(request: Request, error: Exception) -> Response:
    assert isinstance(error, SignInNeeded)
    if request.headers.get("accept", "").startswith("text/event-stream"):
        return Response(status_code=401)
    return RedirectResponse(f"{SIGN_IN}?back={safe_path(ROOT + error.back.removeprefix(ROOT))}", 303)
