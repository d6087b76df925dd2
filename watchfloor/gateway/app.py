"""The HTTP face of a region: packets, answers and anchors of other regions, deliveries that start incidents."""

from typing import cast

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from temporalio.client import Client

from schemas.decision import Envelope
from schemas.handoff import Sealed
from watchfloor.gateway.admission import Places
from watchfloor.gateway.anchors import AnchorRefused, keep_anchor
from watchfloor.gateway.api import ROOT as API_ROOT
from watchfloor.gateway.api import ApiDesk, build_api
from watchfloor.gateway.arrival import Arrival
from watchfloor.gateway.bodies import MAX_BODY, EnvelopeBody, SealedBody, read_body, read_bytes
from watchfloor.gateway.console import ROOT as CONSOLE_ROOT
from watchfloor.gateway.console import ConsoleDesk, build_console
from watchfloor.gateway.console.edge import MAX_FORM
from watchfloor.gateway.hooks import HookDesk
from watchfloor.gateway.inbox import Inbox
from watchfloor.gateway.pagers import PagerDesk
from watchfloor.gateway.problems import Problem, render_http, render_problem
from watchfloor.gateway.reception import Reception
from watchfloor.ledger.checkpoint import open_checkpoint
from watchfloor.signing import SignatureRefused

MAX_HOOK = 256 * 1024
"""Bytes of a delivery: what the largest of PagerDuty's has. Of it only what a trigger maps goes further."""
HOOK_MEDIA = ("application/json", "application/cloudevents+json", "application/cloudevents-batch+json")

log = structlog.get_logger(__name__)


def build_app(
    inbox: Inbox,
    client: Client,
    hooks: HookDesk | None = None,
    api: ApiDesk | None = None,
    pagers: PagerDesk | None = None,
    console: ConsoleDesk | None = None,
) -> FastAPI:
    """The gateway over an inbox; it offers that for which it is given a desk: deliveries, the API, acknowledgements of
    paging services, the console."""
    app = FastAPI(title=f"Watchfloor gateway of {inbox.region}", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(Problem, render_problem)
    app.add_exception_handler(HTTPException, render_http)
    app.add_middleware(Guard)
    reception = Reception(inbox, client)

    @app.get("/healthz")
    async def health() -> JSONResponse:
        return JSONResponse({"ok": True, "region": inbox.region})

    @app.post("/handoffs/packets")
    async def packets(request: Request) -> JSONResponse:
        body = await read_body(request, SealedBody)
        return JSONResponse(await reception.take_packet(cast(Sealed, body.model_dump())), 202)

    @app.post("/handoffs/answers")
    async def answers(request: Request) -> JSONResponse:
        body = await read_body(request, SealedBody)
        return JSONResponse(await reception.take_answer(cast(Sealed, body.model_dump())))

    @app.post("/anchors")
    async def anchors(request: Request) -> JSONResponse:
        body = await read_body(request, EnvelopeBody)
        return take_anchor(inbox, cast(Envelope, body.model_dump()))

    if hooks is not None:
        _offer_hooks(app, hooks)
    if pagers is not None:
        _offer_pagers(app, pagers)
    if api is not None:
        app.mount(API_ROOT, build_api(api))
    if console is not None:
        app.mount(CONSOLE_ROOT, build_console(console))
        app.add_api_route("/", _send_to_console, include_in_schema=False)
    app.add_middleware(Arrival, most={f"{API_ROOT}/": MAX_BODY, f"{CONSOLE_ROOT}/": 2 * MAX_FORM})
    app.add_middleware(Places)
    return app


def _offer_pagers(app: FastAPI, desk: PagerDesk) -> None:
    @app.post("/pagers/{destination}")
    async def pagers(request: Request, destination: str) -> JSONResponse:
        content = await read_bytes(request)
        return JSONResponse(await desk.take(destination, request.headers, content))


async def _send_to_console() -> Response:
    return RedirectResponse(f"{CONSOLE_ROOT}/", 303)


def _offer_hooks(app: FastAPI, desk: HookDesk) -> None:
    @app.post("/hooks/{sender}")
    async def hooks(request: Request, sender: str) -> JSONResponse:
        content = await read_bytes(request, media=HOOK_MEDIA, most=MAX_HOOK)
        status, answer = await desk.take(sender, request.headers, content)
        return JSONResponse(answer, status)

    @app.post("/triggers/{runbook}/{sender}")
    async def triggers(request: Request, runbook: str, sender: str) -> JSONResponse:
        content = await read_bytes(request, media=HOOK_MEDIA, most=MAX_HOOK)
        status, answer = await desk.take_for(runbook, sender, request.headers, content)
        return JSONResponse(answer, status)


def take_anchor(inbox: Inbox, envelope: Envelope) -> JSONResponse:
    """Keep a checkpoint that another region's ledger key has signed.

    Raises:
        Problem: 403 not believed, 409 a fork (kept all the same), 422 no name for a file, 503 not written.
    """
    region = envelope["body"].get("region")
    peer = inbox.peers.get(region) if isinstance(region, str) else None
    if peer is None:
        raise Problem(403, "refused", "the checkpoint is of a region that is not known here")
    try:
        checkpoint = open_checkpoint(envelope, peer.ledger)
        kept = keep_anchor(inbox.anchors_path, checkpoint, envelope)
    except SignatureRefused as error:
        raise Problem(403, "refused", f"the checkpoint is not believed: {error}") from None
    except AnchorRefused as error:
        raise Problem(422, "shape", str(error)) from None
    except OSError as error:
        log.error("anchor not written", region=region, chain=checkpoint["chain"])
        raise Problem(503, "unavailable", "the checkpoint could not be written", retry_after=5) from error
    if kept.forked:
        log.error("ledger forked", region=region, chain=checkpoint["chain"], seq=checkpoint["seq"])
        raise Problem(409, "forked", "another head was signed for this place before; both are kept")
    return JSONResponse(
        {"kept": kept.new, "chain": checkpoint["chain"], "seq": checkpoint["seq"]}, 201 if kept.new else 200
    )


class Guard:
    """ASGI, the edge of the process: whatever is left becomes a plain 500, and the log gets its type only."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def marked(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers["cache-control"] = "no-store"
                headers["x-content-type-options"] = "nosniff"
            await send(message)

        try:
            await self._app(scope, receive, marked)
        except ClientDisconnect:
            # the sender has left, or `arrival` answers for the body
            if not begun:
                await Response(status_code=400)(scope, receive, marked)
        except Exception:  # the edge of the process: one request must not end it, and its text must reach nobody
            log.exception("request failed", path=scope["path"])
            if begun:
                raise  # half an answer is out: the connection is cut, so that nobody takes it for a whole one
            failed = Problem(500, "internal", "the gateway failed; the message may be sent again")
            await render_problem(Request(scope), failed)(scope, receive, marked)
