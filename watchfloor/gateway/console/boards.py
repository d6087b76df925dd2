"""The board: all incidents, clocks at risk first; filters, a wall mode, and taking many pages at once."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup

from watchfloor.cases import Case
from watchfloor.client.errors import ClientError
from watchfloor.client.pages import send_ack
from watchfloor.gateway.console.board_lines import (
    LEVELS,
    STATES,
    BoardLine,
    Filters,
    count_levels,
    draw_board,
    list_choices,
)
from watchfloor.gateway.console.fields import read_fields
from watchfloor.gateway.console.gate import Visitor
from watchfloor.gateway.console.pages import OPEN, ROOT, Pages
from watchfloor.gateway.problems import Problem
from watchfloor.signing import neutral_name

PER_PAGE = 100
ON_WALL = 24
"""Incidents that a wall shows; how many more there are stands below them."""
AT_ONCE = 8
"""Acknowledgements under way at the same time."""
MOST_ACKED = 200
_STATES = {"open": OPEN, "paused": ("paused",), "ended": ("closed", "failed", "aborted", "stopped"), "all": ()}
Level = Literal["S0", "S1", "S2", "S3", "S4"]


@dataclass(frozen=True, slots=True)
class Acked:
    """What became of one incident of a bulk."""

    name: str
    pages: int
    refused: str


def offer_board(app: FastAPI, pages: Pages) -> None:
    """The board of incidents, and acknowledging many at once."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]

    wished = Annotated[Filters, Depends(_read_filters)]

    @app.get("/board")
    async def all_incidents(
        visitor: admitted, wish: wished, page: Annotated[int, Query(ge=1, le=1000)] = 1, wall: bool = False
    ) -> HTMLResponse:
        return await _board(pages, visitor, wish, page=page, wall=wall)

    @app.post("/board/acknowledge")
    async def acknowledge(request: Request, visitor: admitted, wish: wished) -> HTMLResponse:
        said = await read_fields(request, visitor)
        everything = " ".join(said.get("shown", ())).split() if said.get("all") else []
        chosen = list(dict.fromkeys([*said.get("incident", ()), *everything]))[:MOST_ACKED]
        return await _acknowledge(pages, visitor, chosen, wish)

    @app.get("/board/acknowledge")
    async def after(_visitor: admitted, wish: wished) -> RedirectResponse:
        """Where a bulk was sent to stands in the browser's address; whoever comes back there wants the board."""
        return RedirectResponse(f"{ROOT}/board?{wish.query()}", 303)


async def _read_filters(  # one parameter for each filter
    severity: Annotated[list[Level] | None, Query(max_length=len(LEVELS))] = None,
    runbook: Annotated[str, Query(max_length=80)] = "",
    region: Annotated[str, Query(max_length=40)] = "",
    state: Annotated[str, Query(max_length=10)] = "open",
    role: Annotated[str, Query(max_length=60)] = "",
    risk: Annotated[str, Query(max_length=5)] = "",
    text: Annotated[str, Query(max_length=80)] = "",
    mode: Annotated[Literal["", "case", "all"], Query()] = "",
) -> Filters:
    chosen = state if state in STATES else "open"
    return Filters(tuple(severity or ()), runbook, region, chosen, role, bool(risk), text, mode)


async def _board(
    pages: Pages,
    visitor: Visitor,
    wish: Filters,
    *,
    page: int = 1,
    wall: bool = False,
    acked: tuple[Acked, ...] = (),
) -> HTMLResponse:
    """The board; what is open is drawn once for all screens of a person that wish to see the same."""
    template, states = "wall.html" if wall else "board.html", _STATES[wish.state]
    if acked or not states or not set(states) <= set(OPEN):
        cases = await pages.cases(visitor, kinds=("incident",), states=states)
        return pages.show(template, visitor, **_draw(pages, visitor, wish, cases, page, wall), acked=acked)
    there = await pages.open_now()

    def draw(anybody: Visitor) -> dict[str, Any]:
        cases = [one for one in there.cases if one.kind == "incident" and one.state in states]
        return {**_draw(pages, anybody, wish, pages.may_see_of(anybody, cases), page, wall), "acked": ()}

    return pages.show_shared(template, visitor, (wish, page, wall, there.revision), draw)


def _draw(pages: Pages, visitor: Visitor, wish: Filters, cases: list[Case], page: int, wall: bool) -> dict[str, Any]:
    """What the templates are given of cases that the visitor may see."""
    lines = draw_board(cases, visitor.person, datetime.now(UTC).replace(microsecond=0), pages.drawn)
    kept = wish.keep(lines)
    start = PER_PAGE * (page - 1)
    shown = kept[:ON_WALL] if wall else kept[start : start + PER_PAGE]
    return {
        "lines": shown,
        "card": lambda line: _card(pages, line),
        "count": len(kept),
        "hidden": sum(not one.is_case for one in lines) - sum(not one.is_case for one in kept),
        "cases": sum(one.is_case for one in lines) - sum(one.is_case for one in kept),
        "more": max(0, len(kept) - (len(shown) if wall else start + len(shown))),
        "start": start,
        "page": page,
        "wish": wish,
        "choices": list_choices(lines),
        "levels": count_levels(kept),
        "known_levels": LEVELS,
        "known_states": STATES,
        "risks": sum(one.at_risk for one in kept),
        "to_ack": [one.line.incident for one in shown if one.pages],
    }


def _card(pages: Pages, line: BoardLine) -> Markup:
    """A line of the board as it stands in the page."""
    now = datetime.now(UTC)
    return pages.drawn.once(("card", *line.mark, line.pages), now, lambda: pages.render("board_card.html", one=line))


async def _acknowledge(pages: Pages, visitor: Visitor, incidents: list[str], wish: Filters) -> HTMLResponse:
    """Take what went to this visitor on each of these incidents. What they may not see is not there: the whole bulk is
    refused, in the words of one that never was. The board after it is filtered as the one before it was."""
    if not incidents:
        raise Problem(422, "shape", "nothing was chosen; mark the incidents whose pages you take")
    cases = [await pages.case(visitor, one) for one in incidents]
    turns = asyncio.Semaphore(AT_ONCE)

    async def take(incident: str) -> Acked:
        async with turns:
            try:
                _, taken = await send_ack(
                    pages.desk.face, incident, None, person=visitor.person.id, signed_in=visitor.signed_in
                )
            except ClientError as error:
                return Acked(neutral_name(incident), 0, str(error))
            return Acked(neutral_name(incident), len(taken), "")

    acked = await asyncio.gather(*(take(case.incident) for case in cases))
    if any(not one.refused for one in acked):
        await pages.settle(cases[0])
    return await _board(pages, visitor, wish, acked=tuple(acked))
