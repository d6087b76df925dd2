"""The page of one incident: how bad, what was done, what runs, what waits on whom until when, why it stands still."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse

from schemas.incident import Board
from schemas.json_value import Json
from watchfloor.client.liveness import look_at_engine
from watchfloor.client.standstill import find_reasons, say_verdict
from watchfloor.gateway.console.alike import gather_cards, gather_paged, gather_reasons, gather_steps
from watchfloor.gateway.console.authorities import has_card
from watchfloor.gateway.console.clocks import list_clocks
from watchfloor.gateway.console.crew import list_held, list_paged
from watchfloor.gateway.console.gate import Visitor
from watchfloor.gateway.console.pages import Pages
from watchfloor.gateway.console.position import draw_position, list_stops
from watchfloor.gateway.console.timeline import Wanted, read_stretch
from watchfloor.gateway.console.views import draw_case, list_asks
from watchfloor.signing import neutral_name

LATEST = 8
"""Entries of the timeline that the page shows."""
_UNDER_WAY = frozenset({"running", "waiting", "retrying"})


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
    children, plan, live, latest = await asyncio.gather(
        pages.children(visitor, said),
        pages.plan(incident),
        look_at_engine(pages.desk.face, incident),
        read_stretch(pages.desk.face, incident, Wanted(), limit=LATEST),
    )
    boards = [said, *(child.board for child in children)]
    reasons = find_reasons(said, plan, live, now, boards[1:])
    stops = list_stops(plan, said) if plan is not None else []
    return pages.show(
        "incident.html",
        visitor,
        board=said,
        line=draw_case(case, now),
        name=neutral_name(incident),
        asks=gather_cards(list_asks(boards, visitor.person, now, all_of_them=True)),
        verdict=say_verdict(said, reasons),
        asked=gather_reasons(one for one in reasons if one.path),
        reasons=gather_reasons(one for one in reasons if not one.path),
        clocks=list_clocks(said["clocks"], plan, now, said["facts"]),
        stops=stops,
        railway=draw_position(stops) if stops else "",
        children=children,
        active_loops=[
            one
            for one in said["loops"]
            if one.get("running") or int(one["done"]) + int(one["failed"]) < int(one["total"])
        ],
        done=[step for step in said["steps"] if step["state"] not in _UNDER_WAY][::-1],
        running=gather_steps((step for step in said["steps"] if step["state"] in _UNDER_WAY), plan),
        measures=group_measures(said),
        held=list_held(boards, pages.desk.face.people),
        paged=gather_paged(one for board in boards for one in list_paged(board)),
        stretch=latest,
        contacts=has_card(plan),
    )


def group_measures(board: Board) -> list[dict[str, Json]]:
    """The measures of a run, alike ones together: in force before those that were taken back."""
    groups: dict[tuple[str, ...], list[dict[str, Json]]] = {}
    for one in board["measures"]:
        key = (one["step"], one["action"], one["undo"] or "", ",".join(one["on"]), str(one["undone_at"] is not None))
        groups.setdefault(key, []).append(dict(one))
    found: list[dict[str, Json]] = []
    for same in groups.values():
        ends = [str(one["expires_at"]) for one in same if "expires_at" in one]
        found.append(
            {
                "action": same[0]["action"],
                "step": same[0]["step"],
                "count": len(same),
                "since": min(str(one["in_force_since"]) for one in same),
                "undo": same[0]["undo"],
                "on": same[0]["on"],
                "undone": same[0]["undone_at"],
                "ends_at": min(ends, default=None),
            }
        )
    return sorted(found, key=lambda one: (one["undone"] is not None, str(one["since"])))
