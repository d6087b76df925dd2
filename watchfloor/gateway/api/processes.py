"""What incidents start and what other regions offer: legal holds and handoffs over HTTP."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import Depends, FastAPI, Path, Query, Request, Response
from pydantic import Field

from watchfloor.cases import Case, Place
from watchfloor.gateway.api.paging import KNOWN, Cursor, Limit, answer_known
from watchfloor.gateway.api.shapes import Given
from watchfloor.gateway.api.sight import Sight
from watchfloor.gateway.refusals import as_problems
from watchfloor.identity.machines import Machine

if TYPE_CHECKING:
    from watchfloor.gateway.api.app import ApiDesk

HoldId = Annotated[str, Path(pattern=r"^hold-[a-z0-9]{20}$", description="Whole id of a hold.")]
HandoffId = Annotated[
    str,
    Path(pattern=r"^(hand|in)-[a-z0-9]{20}$", description="Whole id of a handoff, `hand-…` sent or `in-…` received."),
]
State = Annotated[
    Literal["open", "closed", "failed"] | None, Query(description="Only those of this state; all without it.")
]
_NO_HOLD = "there is no hold of this id that this key may see"
_NO_HANDOFF = "there is no handoff of this id that this key may see"
_DIRECTIONS = {"out": ("handoff",), "in": ("incoming",)}


class Source(Given):
    """One place in which a hold keeps material."""

    name: str
    state: str
    since: str
    detail: str


class Hold(Given):
    """A legal hold. It outlives the incident that placed it."""

    hold: str
    incident: str = Field(description="The incident that placed it; empty when that is not this key's to see.")
    title: str
    state: str
    outcome: str
    placed_at: str
    expires_at: str | None
    sources: list[Source]
    release_asked: bool = Field(description="Somebody is asked whether it may be released: see `/asks`.")


class Holds(Given):
    """Holds, the latest placed first."""

    holds: list[Hold]
    next: str | None = None


class Handoff(Given):
    """An incident, or a part of it, offered to another region or by one."""

    handoff: str
    direction: Literal["out", "in"]
    incident: str = Field(description="Ours that is offered; of a received one empty.")
    title: str
    mode: str
    state: str
    outcome: str
    severity: str
    offered_at: str
    accept_by: str | None = Field(description="Until when it may be accepted; of a received one its ask's deadline.")
    commander_region: str
    detail: str


class Handoffs(Given):
    """Handoffs, the latest first."""

    handoffs: list[Handoff]
    next: str | None = None


def add_processes(app: FastAPI, desk: "ApiDesk") -> None:
    """Offer the routes."""
    reading = desk.doors.asking("incidents:read")

    async def list_(
        sight: Sight, name: str, kinds: tuple[str, ...], state: str | None, limit: int, cursor: str
    ) -> tuple[list[Case], str | None]:
        after = sight.read_cursor(name, cursor)
        found = await sight.ask(
            desk.index.page,
            kinds=kinds,
            states=(state,) if state else (),
            after=Place(after[0], after[1]) if after else None,
            limit=limit + 1,
            open_to=sight.open_to,
        )
        last = found[limit - 1] if len(found) > limit else None
        return found[:limit], sight.write_cursor(name, [last.opened_at, last.incident]) if last else None

    def incident_of(sight: Sight, case: Case) -> str:
        """Whose process it is; its own first ledger entry says so."""
        first = next(desk.ledger.read(case.incident), None)
        incident = str(first["data"].get("incident", "")) if first else ""
        return incident if incident and desk.index.known([incident], open_to=sight.open_to) else ""

    @app.get("/holds", response_model=Holds, responses=KNOWN)
    async def holds(
        request: Request,
        machine: Annotated[Machine, Depends(reading)],
        state: State = None,
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> Response:
        """Legal holds, the latest placed first."""
        sight = Sight(desk, machine)
        cases, more = await list_(sight, "holds", ("hold",), state, limit, cursor)
        with as_problems(_NO_HOLD):
            drawn = await asyncio.to_thread(lambda: [_draw_hold(case, incident_of(sight, case)) for case in cases])
        return answer_known(desk, request, sight, Holds(holds=drawn, next=more))

    @app.get("/holds/{hold}", response_model=Hold, responses={**KNOWN, 404: {}})
    async def hold(hold: HoldId, request: Request, machine: Annotated[Machine, Depends(reading)]) -> Response:
        """One hold."""
        sight = Sight(desk, machine)
        case = await sight.find(hold, ("hold",), missing=_NO_HOLD)
        drawn = _draw_hold(case, await sight.ask(incident_of, sight, case))
        return answer_known(desk, request, sight, drawn)

    @app.get("/handoffs", response_model=Handoffs, responses=KNOWN)
    async def handoffs(
        request: Request,
        machine: Annotated[Machine, Depends(reading)],
        direction: Annotated[
            Literal["out", "in"] | None, Query(description="Sent or received; both without it.")
        ] = None,
        state: State = None,
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> Response:
        """Handoffs to and from other regions, the latest first."""
        sight = Sight(desk, machine)
        kinds = _DIRECTIONS[direction] if direction else ("handoff", "incoming")
        cases, more = await list_(sight, "handoffs", kinds, state, limit, cursor)
        with as_problems(_NO_HANDOFF):
            drawn = await asyncio.to_thread(lambda: [_draw_handoff(case, incident_of(sight, case)) for case in cases])
        return answer_known(desk, request, sight, Handoffs(handoffs=drawn, next=more))

    @app.get("/handoffs/{handoff}", response_model=Handoff, responses={**KNOWN, 404: {}})
    async def handoff(handoff: HandoffId, request: Request, machine: Annotated[Machine, Depends(reading)]) -> Response:
        """One handoff."""
        sight = Sight(desk, machine)
        case = await sight.find(handoff, ("handoff", "incoming"), missing=_NO_HANDOFF)
        drawn = _draw_handoff(case, await sight.ask(incident_of, sight, case))
        return answer_known(desk, request, sight, drawn)


def _draw_hold(case: Case, incident: str) -> Hold:
    board = case.board
    return Hold(
        hold=case.incident,
        incident=incident,
        title=board["title"],
        state=case.state,
        outcome=board["outcome"],
        placed_at=case.opened_at,
        expires_at=board["clocks"][0]["due_at"] if board["clocks"] else None,
        sources=[
            Source(name=step["name"], state=step["state"], since=step["since"], detail=step["detail"])
            for step in board["steps"]
        ],
        release_asked=bool(board["asks"]),
    )


def _draw_handoff(case: Case, incident: str) -> Handoff:
    board = case.board
    sent = case.kind == "handoff"
    step = board["steps"][0] if board["steps"] else None
    own = [clock["due_at"] for clock in board["clocks"] if clock["name"] == "accept"]
    asked = [ask["deadline_at"] for ask in board["asks"]]
    return Handoff(
        handoff=case.incident,
        direction="out" if sent else "in",
        incident=incident if sent else "",
        title=board["title"],
        mode=step["name"] if step else "",
        state=case.state,
        outcome=board["outcome"],
        severity=case.severity,
        offered_at=case.opened_at,
        accept_by=next(iter(own if sent else asked), None),
        commander_region=board["commander"]["region"],
        detail=step["detail"] if step else "",
    )
