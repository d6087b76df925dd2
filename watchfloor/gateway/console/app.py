"""The console of a region: pages made on the server, readable and answerable without a script."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException

from schemas.incident import Board
from schemas.plan import Plan
from watchfloor.cases import Case, CaseIndex
from watchfloor.client.asks import AskAt
from watchfloor.client.errors import ClientError, EngineUnavailable, InputsRefused, Refused
from watchfloor.client.face import Face
from watchfloor.client.permission import about_run, ask_question
from watchfloor.client.runs import board, plan_of
from watchfloor.client.statements import Sent, send_decision
from watchfloor.drawing.words import show_controls
from watchfloor.gateway.console.consequences import list_consequences, say_undo
from watchfloor.gateway.console.gate import (
    HEADERS,
    SIGN_IN,
    Gate,
    SignInNeeded,
    Visitor,
    require_same_site,
    require_token,
    safe_path,
)
from watchfloor.gateway.console.views import (
    draw_ask,
    draw_case,
    is_instant,
    list_asks,
    list_cases,
    list_clocks,
    list_open,
    say_left,
)
from watchfloor.gateway.indexing import Changes
from watchfloor.gateway.problems import Problem
from watchfloor.signing import neutral_name, parse_instant

ROOT = "/console"
MOST_CASES = 1000
_STATIC = {"console.css": "text/css; charset=utf-8", "console.js": "text/javascript; charset=utf-8"}
_KINDS = ("incident", "hold", "handoff", "incoming", "postmortem")
_OPEN = ("open", "paused")


@dataclass(frozen=True, slots=True)
class ConsoleDesk:
    """What the console of one region works with."""

    face: Face
    index: CaseIndex
    changes: Changes
    gate: Gate
    plans: dict[str, Plan] = field(default_factory=dict)
    """Plan of each incident looked at; a run's plan never changes."""


def build_console(desk: ConsoleDesk) -> FastAPI:
    """The console over a desk, to be mounted at `ROOT`."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    pages = Pages(desk)
    app.add_exception_handler(SignInNeeded, _send_to_sign_in)
    app.add_exception_handler(Problem, pages.render_problem)
    app.add_exception_handler(HTTPException, pages.render_http)
    app.add_exception_handler(RequestValidationError, pages.render_shape)
    admitted = Annotated[Visitor, Depends(desk.gate.admit)]

    @app.get("/sign-in")
    async def sign_in_page(request: Request, back: str = "/console/") -> HTMLResponse:
        offers = desk.gate.offers_development(request)
        people = list(desk.face.people) if offers else []
        return pages.show("sign_in.html", None, people=people, offers=offers, back=safe_path(back))

    @app.post("/sign-in")
    async def sign_in(request: Request, person: Annotated[str, Form(max_length=80)], back: str = Form("")) -> Response:
        require_same_site(request)
        return await desk.gate.sign_in(request, person, back)

    @app.post("/sign-out")
    async def sign_out(request: Request, visitor: admitted, csrf: Annotated[str, Form(max_length=200)]) -> Response:
        require_token(request, visitor, csrf)
        return await desk.gate.sign_out(request)

    @app.get("/")
    async def my_watch(visitor: admitted) -> HTMLResponse:
        return await pages.my_watch(visitor)

    @app.get("/board")
    async def all_incidents(visitor: admitted, state: str = "open", wall: bool = False) -> HTMLResponse:
        return await pages.all_incidents(visitor, state, wall=wall)

    @app.get("/incidents/{incident}")
    async def one(incident: str, visitor: admitted) -> HTMLResponse:
        return await pages.incident(visitor, incident)

    @app.get("/asks/{workflow}/{path:path}")
    async def ask(workflow: str, path: str, visitor: admitted) -> HTMLResponse:
        return await pages.ask(visitor, workflow, path)

    @app.post("/asks/{workflow}/{path:path}")
    async def answer(workflow: str, path: str, request: Request, visitor: admitted) -> Response:
        said = await request.form(max_files=0, max_fields=60)
        texts = {name: str(value)[:5000] for name, value in said.items()}
        require_token(request, visitor, texts.get("csrf", ""))
        return await pages.answer(visitor, workflow, path, texts)

    @app.get("/events", response_class=EventSourceResponse)
    async def events(visitor: admitted) -> AsyncIterator[ServerSentEvent]:
        seen = await asyncio.to_thread(desk.index.revision)
        async for is_new in desk.changes.rounds(15.0):
            if not is_new:
                yield ServerSentEvent(comment="nothing new")
                continue
            changed = await asyncio.to_thread(desk.index.since, seen)
            if changed:
                seen = changed[-1].revision
            if any(pages.may_see(visitor, case.board) for case in changed):
                yield ServerSentEvent(event="changed", raw_data="look again")

    @app.get("/static/{name}")
    async def static(name: str) -> Response:
        kind = _STATIC.get(name)
        if kind is None:
            raise Problem(404, "not_found", "there is nothing at this address")
        content = resources.files(__package__).joinpath("static", name).read_bytes()
        return Response(content, media_type=kind)

    return app


class Pages:
    """Makes the pages. What a person may not see is not there for them: in lists, counts and addresses alike."""

    def __init__(self, desk: ConsoleDesk) -> None:
        self._desk = desk
        self._templates = Environment(
            loader=PackageLoader("watchfloor.gateway.console"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_show_text,
        )
        self._templates.filters["is_instant"] = is_instant

    # -- pages ----------------------------------------------------------------------------------------------------

    async def my_watch(self, visitor: Visitor) -> HTMLResponse:
        now = datetime.now(UTC)
        cases = await self._cases(visitor, kinds=_KINDS, states=_OPEN)
        boards = [case.board for case in cases]
        commanding = [
            draw_case(case, now)
            for case in cases
            if case.kind == "incident" and case.board["commander"]["person"] == visitor.person.id
        ]
        return self.show(
            "my_watch.html",
            visitor,
            mine=list_asks(boards, visitor.person, now),
            others=[card for card in list_asks(boards, visitor.person, now, all_of_them=True) if not card.mine],
            commanding=commanding,
            unled=[
                draw_case(case, now)
                for case in cases
                if case.kind == "incident" and not case.board["commander"]["person"]
            ],
        )

    async def all_incidents(self, visitor: Visitor, state: str, *, wall: bool) -> HTMLResponse:
        chosen = {"open": _OPEN, "closed": ("closed", "failed", "aborted", "stopped")}.get(state, ())
        cases = await self._cases(visitor, kinds=("incident",), states=chosen)
        return self.show("board.html", visitor, cases=list_cases(cases, datetime.now(UTC)), state=state, wall=wall)

    async def incident(self, visitor: Visitor, incident: str) -> HTMLResponse:
        now = datetime.now(UTC)
        case = await self._case(visitor, incident)
        said = case.board
        names = {report["workflow"] for report in said["children"]}
        children = [one for one in await self._cases(visitor, kinds=_KINDS) if one.incident in names]
        plan = await self._plan(incident)
        boards = [said, *(child.board for child in children)]
        return self.show(
            "incident.html",
            visitor,
            board=said,
            line=draw_case(case, now),
            name=neutral_name(incident),
            asks=list_asks(boards, visitor.person, now, all_of_them=True),
            clocks=list_clocks(said["clocks"], plan, now),
            children=children,
            done=[step for step in said["steps"] if step["state"] not in {"running", "waiting", "retrying"}][::-1],
            running=[step for step in said["steps"] if step["state"] in {"running", "waiting", "retrying"}],
            measures=said["measures"],
        )

    async def ask(
        self, visitor: Visitor, workflow: str, path: str, *, told: str = "", status: int = 200
    ) -> HTMLResponse:
        case = await self._case(visitor, workflow)
        ask = next((one for one in case.board["asks"] if one["path"] == path), None)
        if ask is None:
            raise Problem(404, "not_waiting", "nothing waits here any more: it was decided, or its time ran out")
        plan = await self._plan(workflow)
        due = parse_instant(ask["deadline_at"]) if ask["deadline_at"] else None
        return self.show(
            "ask.html",
            visitor,
            status=status,
            ask=ask,
            board=case.board,
            card=draw_ask(case.board, ask, visitor.person, datetime.now(UTC)),
            name=neutral_name(case.board["workflow"]),
            open_seats=list_open(ask),
            consequences=list_consequences(plan, ask),
            undo=say_undo(plan, ask),
            left=say_left(due, datetime.now(UTC)),
            told=told,
        )

    async def answer(self, visitor: Visitor, workflow: str, path: str, said: dict[str, str]) -> Response:
        """Send a decision over exactly what the form showed."""
        case = await self._case(visitor, workflow)
        now_there = await self._ask_now(workflow, path, case.board)
        if now_there is None or now_there.ask["ask"] != said.get("ask", ""):
            return await self.ask(
                visitor, workflow, path, told="What is asked here has changed since you looked. Look again.", status=409
            )
        form = {name.removeprefix("form."): text for name, text in said.items() if name.startswith("form.") and text}
        try:
            sent = await send_decision(
                self._desk.face,
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
            return await self.ask(visitor, workflow, path, told=str(error), status=422)
        except EngineUnavailable as error:
            return await self.ask(visitor, workflow, path, told=str(error), status=503)
        return self._receipt(visitor, now_there, said.get("option", ""), sent)

    def _receipt(self, visitor: Visitor, at: AskAt, option: str, sent: Sent) -> HTMLResponse:
        return self.show(
            "receipt.html",
            visitor,
            ask=at.ask,
            board=at.board,
            option=option,
            sent=sent,
            name=neutral_name(at.board["workflow"]),
        )

    # -- what stands behind them ----------------------------------------------------------------------------------

    def may_see(self, visitor: Visitor, said: Board) -> bool:
        """Whether the policies show this run to this person."""
        question = ask_question(self._desk.face, visitor.person, "view", about_run(said), "", "", visitor.signed_in)
        return self._desk.face.authority.judge(question).allowed

    async def _cases(self, visitor: Visitor, *, kinds: tuple[str, ...], states: tuple[str, ...] = ()) -> list[Case]:
        found = await asyncio.to_thread(self._desk.index.page, kinds=kinds, states=states, limit=MOST_CASES)
        return [case for case in found if self.may_see(visitor, case.board)]

    async def _case(self, visitor: Visitor, workflow: str) -> Case:
        case = await asyncio.to_thread(self._desk.index.get, workflow[:80])
        if case is None or not self.may_see(visitor, case.board):
            raise Problem(404, "not_found", "there is nothing of this id that you may see")
        return case

    async def _ask_now(self, workflow: str, path: str, known: Board) -> AskAt | None:
        """The ask as the run has it now; as the index has it while no worker answers, and then the run judges."""
        try:
            said = await board(self._desk.face, workflow)
        except ClientError:
            said = known
        ask = next((one for one in said["asks"] if one["path"] == path), None)
        return AskAt(workflow, said, ask) if ask is not None else None

    async def _plan(self, workflow: str) -> Plan | None:
        """The plan that a run carries out; None where it cannot be read now, and then less is said."""
        if workflow not in self._desk.plans:
            try:
                self._desk.plans[workflow] = await plan_of(self._desk.face, workflow)
            except ClientError:
                return None
        return self._desk.plans[workflow]

    # -- rendering ------------------------------------------------------------------------------------------------

    def show(self, template: str, visitor: Visitor | None, *, status: int = 200, **given: Any) -> HTMLResponse:
        text = self._templates.get_template(template).render(
            visitor=visitor, region=self._desk.face.region, now=datetime.now(UTC), **given
        )
        return HTMLResponse(text, status, headers=HEADERS)

    def render_problem(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        answer = self.show("problem.html", None, status=error.status, title=_title(error.status), detail=error.detail)
        if error.retry_after is not None:
            answer.headers["retry-after"] = str(error.retry_after)
        return answer

    def render_http(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return self.render_problem(request, Problem(error.status_code, "refused", "there is nothing at this address"))

    def render_shape(self, request: Request, error: Exception) -> Response:
        return self.render_problem(request, Problem(422, "shape", "the form was not complete; nothing was done"))


def _show_text(value: Any) -> Any:
    """Every text that reaches a page shows its hidden characters; what is markup already is left as it is."""
    return show_controls(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _title(status: int) -> str:
    return {
        403: "That is not allowed",
        404: "Nothing here",
        409: "It has changed",
        422: "That does not fit",
        503: "Not at the moment",
    }.get(status, "That did not work")


def _send_to_sign_in(request: Request, error: Exception) -> Response:
    assert isinstance(error, SignInNeeded)
    if request.headers.get("accept", "").startswith("text/event-stream"):
        return Response(status_code=401)
    return RedirectResponse(f"{SIGN_IN}?back={safe_path(ROOT + error.back.removeprefix(ROOT))}", 303)
