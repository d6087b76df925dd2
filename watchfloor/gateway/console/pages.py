"""What every page of the console is made with: rendering, and what a visitor may see."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.exceptions import HTTPException

from schemas.incident import Board
from schemas.plan import Plan
from watchfloor.authorisation import Question, RememberingAuthority
from watchfloor.cases import Case, CaseIndex, OpenCases, OpenNow
from watchfloor.client.asks import AskAt
from watchfloor.client.errors import ClientError
from watchfloor.client.face import Face
from watchfloor.client.permission import about_run, ask_question
from watchfloor.client.runs import board, plan_of
from watchfloor.drawing.railway import WORDS
from watchfloor.drawing.words import show_controls
from watchfloor.gateway.console.drawn import Drawn
from watchfloor.gateway.console.gate import HEADERS, Gate, Visitor
from watchfloor.gateway.console.touching import KeyDesk
from watchfloor.gateway.console.views import is_instant, say_ids, say_moment, say_prose
from watchfloor.gateway.driving import Driver
from watchfloor.gateway.indexing import Changes
from watchfloor.gateway.problems import Problem

ROOT = "/console"
MOST_CASES = 1000
MOST_CHILDREN = 50
"""Processes of one run that its page shows."""
KINDS = ("incident", "hold", "handoff", "incoming", "postmortem")
OPEN = ("open", "paused")
NAV = (
    ("watch", f"{ROOT}/", "My watch"),
    ("queue", f"{ROOT}/queue", "Queue"),
    ("board", f"{ROOT}/board", "Board"),
    ("runbooks", f"{ROOT}/runbooks", "Runbooks"),
    ("holds", f"{ROOT}/holds", "Holds"),
    ("handoffs", f"{ROOT}/handoffs", "Handoffs"),
    ("oncall", f"{ROOT}/oncall", "On call"),
    ("deliveries", f"{ROOT}/deliveries", "Deliveries"),
    ("outgoing", f"{ROOT}/outgoing", "Outgoing"),
    ("ledger", f"{ROOT}/ledger", "Ledger"),
    ("keys", f"{ROOT}/keys", "Security keys"),
    ("terminals", f"{ROOT}/terminals", "Terminals"),
)
"""The pages that every page links to: the word a template's block `at` gives, the address, the label."""
SETTLE = 1.5
"""Seconds that a page waits for what was just said to show."""
IN_REACH = 4
"""Pages of `NAV` that are one touch away on a phone; the others are behind "More"."""


@dataclass(frozen=True, slots=True)
class ConsoleDesk:
    """What the console of one region works with."""

    face: Face
    index: CaseIndex
    changes: Changes
    gate: Gate
    keys: KeyDesk | None = None
    """People's security keys; None where the console has no name to keep them for."""
    webhooks_path: Path | None = None
    """Where the book of webhooks out is, for their page."""
    plans: dict[str, Plan] = field(default_factory=dict)
    """Plan of each incident looked at; a run's plan never changes."""
    ledger_keys: Mapping[str, str] = field(default_factory=dict)
    """Key id -> public ledger key of this region: under them its checkpoints count."""
    driver: Driver | None = None
    """What drives the deliveries of other systems; without it there is no page of them."""
    contacts_path: Path | None = None
    """The company's own list of contacts, for the numbers on authority cards."""


class Pages:
    """Makes the pages. What a person may not see is not there for them: in lists, counts and addresses alike."""

    def __init__(self, desk: ConsoleDesk) -> None:
        self.desk = desk
        self._open = OpenCases(desk.index)
        self.drawn = Drawn()
        # nobody can write it into a title: it is made anew with each process and leaves it never
        self._token_goes_here = secrets.token_hex(32)
        self._remembered = RememberingAuthority(desk.face.authority)
        self._templates = _read_templates()

    # -- what stands behind them ----------------------------------------------------------------------------------

    def may_see(self, visitor: Visitor, said: Board) -> bool:
        """Whether the policies show this run to this person."""
        person, run, signed_in = visitor.person, about_run(said), visitor.signed_in

        def ask() -> bool:
            return self.allows(ask_question(self.desk.face, person, "view", run, "", "", signed_in))

        return self.drawn.once(("sees", person, signed_in, run), datetime.now(UTC), ask)

    def may_see_of(self, visitor: Visitor, cases: Iterable[Case]) -> list[Case]:
        """Those of these runs that the policies show to this person."""
        now = datetime.now(UTC)
        judged: dict[tuple[str, int], bool] = self.drawn.once(("seen", visitor.person, visitor.signed_in), now, dict)
        found = []
        for case in cases:
            mark = (case.incident, case.revision)
            allowed = judged.get(mark)
            if allowed is None:
                allowed = judged[mark] = self.may_see(visitor, case.board)
            if allowed:
                found.append(case)
        return found

    def allows(self, question: Question) -> bool:
        """What the policies say to a question; each different one is put to them once."""
        return self._remembered.allows(question)

    async def open_now(self) -> OpenNow:
        """Everything that is open, whoever may see it."""
        return await asyncio.to_thread(self._open.now)

    async def cases(
        self, visitor: Visitor, *, kinds: tuple[str, ...], states: tuple[str, ...] = (), runbook: str = ""
    ) -> list[Case]:
        """Runs of these kinds and states, all or of one runbook, that the visitor may see."""
        if states and set(states) <= set(OPEN):
            found = [case for case in (await self.open_now()).cases if case.kind in kinds]
            found = [case for case in found if case.state in states and runbook in {"", case.runbook}]
        else:
            found = await asyncio.to_thread(
                self.desk.index.page, kinds=kinds, states=states, runbook=runbook, limit=MOST_CASES
            )
        return self.may_see_of(visitor, found)

    async def case(self, visitor: Visitor, workflow: str) -> Case:
        """One run.

        Raises:
            Problem: 404 not there, or not for this visitor: the same words.
        """
        case = await asyncio.to_thread(self.desk.index.get, workflow[:80])
        if case is None or not self.may_see(visitor, case.board):
            raise Problem(404, "not_found", "there is nothing of this id that you may see")
        return case

    async def settle(self, before: Case) -> None:
        """Wait a moment until what a run was told shows on its board here, so that the next page is not of before."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE):
                async for _ in self.desk.changes.rounds(SETTLE):
                    now_there = await asyncio.to_thread(self.desk.index.get, before.incident)
                    if now_there is None or now_there.revision != before.revision:
                        return

    async def children(self, visitor: Visitor, said: Board) -> list[Case]:
        """What a run has started in this region and the visitor may see, in the order in which it was started."""
        names = list(dict.fromkeys(report["workflow"] for report in said["children"] if report["workflow"]))
        found = await asyncio.gather(*(asyncio.to_thread(self.desk.index.get, name) for name in names[:MOST_CHILDREN]))
        return [case for case in found if case is not None and self.may_see(visitor, case.board)]

    async def ask_now(self, workflow: str, path: str, known: Board) -> AskAt | None:
        """The ask as the run has it now; as the index has it while no worker answers, and then the run judges."""
        try:
            said = await board(self.desk.face, workflow)
        except ClientError:
            said = known
        asks = [*said["asks"], *said.get("decided", [])]
        ask = next((one for one in asks if one["path"] == path), None)
        return AskAt(workflow, said, ask) if ask is not None else None

    async def plan(self, workflow: str) -> Plan | None:
        """The plan that a run carries out; None where it cannot be read now, and then less is said."""
        if workflow not in self.desk.plans:
            try:
                self.desk.plans[workflow] = await plan_of(self.desk.face, workflow)
            except ClientError:
                return None
        return self.desk.plans[workflow]

    # -- rendering ------------------------------------------------------------------------------------------------

    def show(self, template: str, visitor: Visitor | None, *, status: int = 200, **given: Any) -> HTMLResponse:
        """A page from its template, with the headers that every page carries."""
        return HTMLResponse(self._render(template, visitor, given), status, headers=HEADERS)

    def show_shared(
        self, template: str, visitor: Visitor, about: Hashable, make: Callable[[Visitor], Mapping[str, Any]]
    ) -> HTMLResponse:
        """As `show`, drawn once for all screens of a person; the token of each session's forms is put in afterwards.

        Args:
            about: everything that the page is made of beside the person and how they signed in.
            make: what the template is given. The visitor that it gets stands for all sessions of the person.
        """
        session = replace(visitor.session, csrf=self._token_goes_here, began_at=datetime.min.replace(tzinfo=UTC))
        anybody = replace(visitor, session=session)

        def draw() -> str:
            return self._render(template, anybody, make(anybody))

        key = ("page", template, visitor.person, visitor.signed_in, about)
        text = self.drawn.once(key, datetime.now(UTC), draw)
        return HTMLResponse(text.replace(self._token_goes_here, visitor.session.csrf), headers=HEADERS)

    def _render(self, template: str, visitor: Visitor | None, given: Mapping[str, Any]) -> str:
        return self._templates.get_template(template).render(
            visitor=visitor, region=self.desk.face.region, now=datetime.now(UTC), nav=NAV, reach=IN_REACH, **given
        )

    def render(self, template: str, **given: Any) -> Markup:
        """A part of a page, to be put into one."""
        return Markup(self._templates.get_template(template).render(**given))  # noqa: S704 - the template has escaped it

    async def render_problem(self, request: Request, error: Exception) -> Response:
        """The page of a refusal or failure. Who is signed in has the links of every page on it: the same ones whatever
        was asked for, so that what one may not see and what is not there stay alike."""
        assert isinstance(error, Problem)
        visitor = await self.desk.gate.recognise(request)
        answer = self.show(
            "problem.html", visitor, status=error.status, title=_title(error.status), detail=error.detail
        )
        if error.retry_after is not None:
            answer.headers["retry-after"] = str(error.retry_after)
        return answer

    async def render_http(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = _DETAILS.get(error.status_code, "that did not work; nothing was done")
        return await self.render_problem(request, Problem(error.status_code, "refused", detail))

    async def render_shape(self, request: Request, error: Exception) -> Response:
        return await self.render_problem(
            request, Problem(422, "shape", "what was sent was not complete or not right; nothing was done")
        )


@cache
def _read_templates() -> Environment:
    """The templates of every page; compiled once in a process, whichever desk they are shown for."""
    templates = Environment(
        loader=PackageLoader("watchfloor.gateway.console"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_show_text,
    )
    templates.filters["is_instant"] = is_instant
    templates.filters["moment"] = lambda text: say_moment(text, datetime.now(UTC))
    templates.filters["prose"] = lambda text: say_prose(text, datetime.now(UTC))
    templates.filters["ids"] = say_ids
    templates.globals["words"] = WORDS
    return templates


def _show_text(value: Any) -> Any:
    """Every text that reaches a page shows its hidden characters; what is markup already is left as it is."""
    return show_controls(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


_DETAILS = {
    400: "what was sent could not be read; nothing was done",
    404: "there is nothing at this address",
    405: "this address does not take that; nothing was done",
    413: "what was sent is too large; nothing was done",
}


def _title(status: int) -> str:
    return {
        400: "That could not be read",
        403: "That is not allowed",
        404: "Nothing here",
        405: "Not like this",
        409: "It has changed",
        410: "It is over",
        413: "Too large",
        422: "That does not fit",
        429: "Too many at once",
        500: "Something went wrong here",
        503: "Not at the moment",
    }.get(status, "That did not work")
