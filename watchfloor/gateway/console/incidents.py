"""The page of one incident: how bad, what was done, what runs, what waits on whom until when."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse

from watchfloor.gateway.console.gate import Visitor
from watchfloor.gateway.console.pages import KINDS, Pages
from watchfloor.gateway.console.views import draw_case, list_asks, list_clocks
from watchfloor.signing import neutral_name


def offer_incidents(app: FastAPI, pages: Pages) -> None:
    """The page of each incident."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]

    @app.get("/incidents/{incident}")
    async def one(incident: str, visitor: admitted) -> HTMLResponse:
        return await _incident(pages, visitor, incident)


async def _incident(pages: Pages, visitor: Visitor, incident: str) -> HTMLResponse:
    now = datetime.now(UTC)
    case = await pages.case(visitor, incident)
    said = case.board
    names = {report["workflow"] for report in said["children"]}
    children = [one for one in await pages.cases(visitor, kinds=KINDS) if one.incident in names]
    plan = await pages.plan(incident)
    boards = [said, *(child.board for child in children)]
    return pages.show(
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
