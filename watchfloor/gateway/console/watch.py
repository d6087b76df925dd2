"""My watch: what waits on the visitor, soonest deadline first."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse

from watchfloor.gateway.console.gate import Visitor
from watchfloor.gateway.console.pages import KINDS, OPEN, Pages
from watchfloor.gateway.console.views import draw_case, list_asks


def offer_watch(app: FastAPI, pages: Pages) -> None:
    """The first page of the console."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]

    @app.get("/")
    async def my_watch(visitor: admitted) -> HTMLResponse:
        return await _my_watch(pages, visitor)


async def _my_watch(pages: Pages, visitor: Visitor) -> HTMLResponse:
    now = datetime.now(UTC)
    cases = await pages.cases(visitor, kinds=KINDS, states=OPEN)
    boards = [case.board for case in cases]
    commanding = [
        draw_case(case, now)
        for case in cases
        if case.kind == "incident" and case.board["commander"]["person"] == visitor.person.id
    ]
    return pages.show(
        "my_watch.html",
        visitor,
        mine=list_asks(boards, visitor.person, now),
        others=[card for card in list_asks(boards, visitor.person, now, all_of_them=True) if not card.mine],
        commanding=commanding,
        unled=[
            draw_case(case, now) for case in cases if case.kind == "incident" and not case.board["commander"]["person"]
        ],
    )
