"""The page of one question, its answer and the receipt. What the form showed is what is decided."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from watchfloor.client.asks import AskAt
from watchfloor.client.consequences import list_consequences, say_undo
from watchfloor.client.errors import EngineUnavailable, InputsRefused, Refused
from watchfloor.client.statements import Sent, send_decision
from watchfloor.gateway.console.clocks import say_left
from watchfloor.gateway.console.gate import Visitor, read_form
from watchfloor.gateway.console.pages import Pages
from watchfloor.gateway.console.views import draw_ask, find_seat, list_open
from watchfloor.gateway.problems import Problem
from watchfloor.signing import neutral_name, parse_instant

_CHANGED = "What is asked here has changed since you looked. Look again."


def offer_asks(app: FastAPI, pages: Pages) -> None:
    """The page of each question that waits, and its form."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]

    @app.get("/asks/{workflow}/{path:path}")
    async def ask(workflow: str, path: str, visitor: admitted) -> HTMLResponse:
        return await _ask(pages, visitor, workflow, path)

    @app.post("/asks/{workflow}/{path:path}")
    async def answer(workflow: str, path: str, request: Request, visitor: admitted) -> Response:
        return await _answer(pages, visitor, workflow, path, await read_form(request, visitor))


async def _ask(
    pages: Pages, visitor: Visitor, workflow: str, path: str, *, told: str = "", status: int = 200
) -> HTMLResponse:
    case = await pages.case(visitor, workflow)
    ask = next((one for one in case.board["asks"] if one["path"] == path), None)
    if ask is None:
        raise Problem(404, "not_waiting", "nothing waits here any more: it was decided, or its time ran out")
    plan = await pages.plan(workflow)
    due = parse_instant(ask["deadline_at"]) if ask["deadline_at"] else None
    return pages.show(
        "ask.html",
        visitor,
        status=status,
        ask=ask,
        board=case.board,
        card=draw_ask(case.board, ask, visitor.person, datetime.now(UTC)),
        name=neutral_name(case.board["workflow"]),
        open_seats=list_open(ask),
        consequences=list_consequences(plan, case.board, ask, find_seat(ask, visitor.person)),
        undo=say_undo(plan, ask),
        left=say_left(due, datetime.now(UTC)),
        told=told,
    )


async def _answer(pages: Pages, visitor: Visitor, workflow: str, path: str, said: dict[str, str]) -> Response:
    """Send a decision over exactly what the form showed."""
    case = await pages.case(visitor, workflow)
    now_there = await pages.ask_now(workflow, path, case.board)
    if now_there is None or now_there.ask["ask"] != said.get("ask", ""):
        return await _ask(pages, visitor, workflow, path, told=_CHANGED, status=409)
    form = {name.removeprefix("form."): text for name, text in said.items() if name.startswith("form.") and text}
    try:
        sent = await send_decision(
            pages.desk.face,
            workflow,
            path,
            said.get("option", ""),
            person=visitor.person.id,
            role=said.get("role") or None,
            reason=said.get("reason", ""),
            form=dict(form),
            signed_in=visitor.signed_in,
            shown=now_there,
        )
    except (Refused, InputsRefused) as error:
        return await _ask(pages, visitor, workflow, path, told=str(error), status=422)
    except EngineUnavailable as error:
        return await _ask(pages, visitor, workflow, path, told=str(error), status=503)
    return _receipt(pages, visitor, now_there, said.get("option", ""), sent)


def _receipt(pages: Pages, visitor: Visitor, at: AskAt, option: str, sent: Sent) -> HTMLResponse:
    return pages.show(
        "receipt.html",
        visitor,
        ask=at.ask,
        board=at.board,
        option=option,
        sent=sent,
        name=neutral_name(at.board["workflow"]),
    )
