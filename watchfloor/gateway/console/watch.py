"""My watch: what waits on the visitor, what they have, who commands, and what they were exposed to today."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from watchfloor.cases import Case
from watchfloor.client.command import send_command
from watchfloor.client.errors import ClientError, EngineUnavailable
from watchfloor.client.queueing import list_queue
from watchfloor.gateway.console.alike import gather_cards
from watchfloor.gateway.console.clocks import say_left
from watchfloor.gateway.console.gate import Visitor, read_form
from watchfloor.gateway.console.pages import KINDS, OPEN, ROOT, Pages
from watchfloor.gateway.console.task_cards import draw_task
from watchfloor.gateway.console.views import CaseLine, draw_case, list_asks, list_cases
from watchfloor.gateway.problems import Problem
from watchfloor.signing import parse_instant
from watchfloor.wellness import WellnessUnavailable
from watchfloor.wellness.desk import Figures

OF_EACH = 12
"""Incidents that are named of each commander."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Command of an incident that is offered to the visitor. `from_at` lies in the future where it cannot be accepted
    yet."""

    line: CaseLine
    by: str
    until: str
    left: str
    from_at: str


@dataclass(frozen=True, slots=True)
class Own:
    """What the wellness file holds about the visitor, for them alone."""

    figures: tuple[Figures, ...]
    rest_until: datetime | None


def offer_watch(app: FastAPI, pages: Pages) -> None:
    """The first page of the console, and answering an offer of command."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]

    @app.get("/")
    async def my_watch(visitor: admitted) -> HTMLResponse:
        return await _my_watch(pages, visitor)

    @app.post("/offers/{incident}/{answer}")
    async def answer_offer(
        incident: str, answer: Literal["accept", "decline"], request: Request, visitor: admitted
    ) -> Response:
        said = await read_form(request, visitor)
        case = await pages.case(visitor, incident)
        try:
            await send_command(
                pages.desk.face,
                incident,
                "accept_command" if answer == "accept" else "decline_command",
                person=visitor.person.id,
                reason=said.get("reason", "").strip() or f"{answer}ed",
                signed_in=visitor.signed_in,
            )
        except EngineUnavailable as error:
            raise Problem(503, "unavailable", str(error), retry_after=5) from error
        except ClientError as error:
            raise Problem(409, "refused", str(error)) from error
        await pages.settle(case)
        return RedirectResponse(f"{ROOT}/", 303)


async def _my_watch(pages: Pages, visitor: Visitor) -> HTMLResponse:
    """Drawn once for all screens of a person, for as long as neither what is open nor their own figures change."""
    there = await pages.open_now()
    own = await asyncio.to_thread(_own, pages, visitor.person.id, datetime.now(UTC))

    def draw(anybody: Visitor) -> dict[str, Any]:
        cases = [one for one in there.cases if one.kind in KINDS and one.state in OPEN]
        return {**_draw(pages, anybody, pages.may_see_of(anybody, cases)), "own": own}

    return pages.show_shared("my_watch.html", visitor, (there.revision, own), draw)


def _draw(pages: Pages, visitor: Visitor, cases: Sequence[Case]) -> dict[str, Any]:
    """What the template is given of cases that the visitor may see."""
    now = datetime.now(UTC)
    boards = [case.board for case in cases]
    incidents = [case for case in cases if case.kind == "incident"]
    tasks = list_queue(
        pages.desk.face, visitor.person, boards, allows=pages.allows, signed_in=visitor.signed_in, now=now
    )
    asked = [card for card in list_asks(boards, visitor.person, now, all_of_them=True) if card.kind != "task"]
    return {
        "mine": gather_cards(card for card in asked if card.mine),
        "others": gather_cards(card for card in asked if not card.mine),
        "tasks": [draw_task(one, now) for one in tasks.mine],
        "queued": len(tasks.waiting),
        "offers": _list_offers(incidents, visitor.person.id, now),
        "commanding": list_cases((case for case in incidents if _commander(case) == visitor.person.id), now),
        "unled": list_cases((case for case in incidents if not _commander(case) and not _is_case(case)), now),
        "led": _list_led(incidents, visitor.person.id, now),
        "back": f"{ROOT}/",
    }


def _commander(case: Case) -> str:
    return case.board["commander"]["person"]


def _is_case(case: Case) -> bool:
    """Whether it is one item of a queue; nobody commands those."""
    return case.board.get("mode", "incident") == "case"


def _list_led(cases: Sequence[Case], person: str, now: datetime) -> dict[str, tuple[list[CaseLine], int]]:
    """Who else commands what: the gravest of each, and how many more there are."""
    led: dict[str, list[Case]] = {}
    for case in cases:
        if _commander(case) not in {"", person}:
            led.setdefault(_commander(case), []).append(case)
    return {
        name: (
            [draw_case(case, now) for case in sorted(mine, key=lambda one: one.severity)[:OF_EACH]],
            max(0, len(mine) - OF_EACH),
        )
        for name, mine in sorted(led.items())
    }


def _list_offers(cases: Sequence[Case], person: str, now: datetime) -> list[Offer]:
    offers = []
    for case in cases:
        offer = case.board.get("command_offer")
        if offer is not None and offer["to"] == person and now < parse_instant(offer["until"]):
            wait = offer["acceptable_at"] if now < parse_instant(offer["acceptable_at"]) else ""
            until = parse_instant(offer["until"])
            offers.append(Offer(draw_case(case, now), offer["by"], offer["until"], say_left(until, now), wait))
    return offers


def _own(pages: Pages, person: str, now: datetime) -> Own | None:
    """The visitor's own figures: what they were exposed to, or have opted in to. None where nobody can say now."""
    desk = pages.desk.face.wellness
    if desk is None:
        return None
    try:
        figures = desk.figures(person, now=now)
        rest = desk.rest_of(person, now=now)
    except WellnessUnavailable:
        return None
    asked = {name for name, rule in desk.caps.classes.items() if rule.opt_in}
    shown = tuple(one for one in figures if one.items or (one.opted_in and one.exposure in asked))
    return Own(shown, rest)
