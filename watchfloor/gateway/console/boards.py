"""The board: all incidents by priority, clocks at risk first."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse

from watchfloor.gateway.console.gate import Visitor
from watchfloor.gateway.console.pages import OPEN, Pages
from watchfloor.gateway.console.views import list_cases

_STATES = {"open": OPEN, "closed": ("closed", "failed", "aborted", "stopped")}


def offer_board(app: FastAPI, pages: Pages) -> None:
    """The board of incidents."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]

    @app.get("/board")
    async def all_incidents(visitor: admitted, state: str = "open", wall: bool = False) -> HTMLResponse:
        cases = await pages.cases(visitor, kinds=("incident",), states=_STATES.get(state, ()))
        lines = list_cases(cases, datetime.now(UTC))
        return pages.show("board.html", visitor, cases=lines, state=state, wall=wall)
