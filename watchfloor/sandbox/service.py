"""The service put together: routes, refusals, the gate around them."""

from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.types import ASGIApp

from watchfloor.sandbox import authority, control, deletion, items, mailboxes, pagerduty, slack
from watchfloor.sandbox.effects import find_store
from watchfloor.sandbox.gate import Gate, Latency
from watchfloor.sandbox.problems import Refusal, problem
from watchfloor.sandbox.store import Document, Store

_INDEX = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Watchfloor sandbox platform</title>
<style>body{font:16px/1.5 system-ui;max-width:44rem;margin:3rem auto;padding:0 1rem}b{background:#ffe08a}</style>
<h1>Watchfloor sandbox platform</h1>
<p><b>This is a sandbox.</b> It stands for a company's own systems: content, accounts, live streams, the deletion
service, an authority's mailbox, a pager, webhook receivers, a mail desk, a Slack workspace, PagerDuty. Everything in it
is synthetic; nothing real is reached through it.</p>
<ul><li><a href="/docs">Endpoints</a></li><li><a href="/_sandbox/journal">Journal of every call</a></li>
<li><a href="/_sandbox/effects">Effects that happened</a></li><li><a href="/deletion/freezes">Freezes</a></li>
<li><a href="/authority/messages">The authority's mailbox</a></li><li><a href="/pager">Pages</a></li>
<li><a href="/_sandbox/slack">Slack</a></li><li><a href="/pagerduty/alerts">PagerDuty</a></li>
<li><a href="/mail">Mail</a></li><li><a href="/_sandbox/faults">Fault rules</a></li></ul></html>"""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The service and its memory."""

    app: ASGIApp
    store: Store


def build_sandbox(store: Store, *, latency_ms: float = 4.0, seed: int = 1) -> Sandbox:
    """Put the service together over a store."""
    app = FastAPI(title="Watchfloor sandbox platform", description="A sandbox. Synthetic data only.", version="1")
    app.state.store = store
    for part in (items, deletion, authority, mailboxes, slack, pagerduty, control):
        app.include_router(part.router)
    app.include_router(slack.control)

    @app.exception_handler(Refusal)
    async def refuse(_request: Request, error: Refusal) -> JSONResponse:
        return problem(error.status, error.code, error.detail)

    @app.exception_handler(RequestValidationError)
    async def refuse_body(_request: Request, error: RequestValidationError) -> JSONResponse:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        return problem(422, "bad_request", wrong)

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def index() -> str:
        return _INDEX

    @app.get("/healthz")
    async def health() -> Document:
        return {"ok": True, "sandbox": True}

    @app.get("/effects/{key}")
    async def look_up(request: Request, key: str) -> Document:
        """What became of a key: `found`, and then the answer it got."""
        known = find_store(request).find_effect(key)
        if known is None:
            return {"found": False}
        return {"found": True, "action": known["action"], **known["response"]}

    return Sandbox(Gate(app, store, Latency(latency_ms, seed)), store)
