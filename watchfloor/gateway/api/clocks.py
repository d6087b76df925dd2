"""Clocks over HTTP: of one incident, and of the region, the soonest first."""

import asyncio
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, FastAPI, Query, Request, Response
from pydantic import Field

from schemas.incident import ClockState
from watchfloor.cases import Case
from watchfloor.gateway.api.incidents import Incident
from watchfloor.gateway.api.paging import KNOWN, Cursor, Limit, answer_known, take_first
from watchfloor.gateway.api.shapes import Given
from watchfloor.gateway.api.sight import Sight
from watchfloor.gateway.refusals import as_problems
from watchfloor.identity.machines import Machine
from watchfloor.signing import parse_instant
from watchfloor.signing.priority import URGENT

if TYPE_CHECKING:
    from watchfloor.gateway.api.app import ApiDesk

_RUNNING = frozenset({"running", "breached", "paused"})
_OPEN = ("open", "paused")
_KINDS = ("incident", "hold", "handoff", "incoming")
_NEVER = "9999"


class Clock(Given):
    """One clock, of the law or our own."""

    run: str
    run_kind: str
    runbook: str
    severity: str
    name: str
    state: str = Field(description="waiting, running, paused, met, breached (still running), late, assigned")
    started_at: str | None
    due_at: str | None
    stopped_at: str | None
    warned: list[str]
    assigned_to: str | None
    paused_for: str | None = Field(description="The reason of its law for which it stands still now.")
    at_risk: bool = Field(description="Breached, or less than a quarter of it is left.")


class Clocks(Given):
    """Clocks, the soonest first."""

    clocks: list[Clock]
    next: str | None = None


def add_clocks(app: FastAPI, desk: "ApiDesk") -> None:
    """Offer the routes."""
    reading = desk.doors.asking("incidents:read")

    @app.get("/clocks", response_model=Clocks, responses=KNOWN)
    async def clocks(
        request: Request,
        machine: Annotated[Machine, Depends(reading)],
        at_risk: Annotated[
            bool, Query(description="Only those that are breached or of which less than a quarter is left.")
        ] = False,
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> Response:
        """Every clock of the region that runs, the soonest due first, whatever it is a clock of."""
        sight = Sight(desk, machine)
        after, now = sight.read_cursor("clocks", cursor), datetime.now(UTC)

        def read() -> Clocks:
            running = (
                (case, clock)
                for case, clock in _list_clocks(sight.each(_KINDS, _OPEN))
                if clock["state"] in _RUNNING and (not at_risk or is_at_risk(clock, now))
            )
            first, more = take_first(running, _key, after, limit)
            drawn = [_draw(*one, now) for one in first]
            return Clocks(clocks=drawn, next=sight.write_cursor("clocks", more) if more else None)

        with as_problems("nothing"):
            page = await asyncio.to_thread(read)
        return answer_known(desk, request, sight, page)

    @app.get("/incidents/{incident}/clocks", response_model=Clocks, responses={**KNOWN, 404: {}})
    async def of_one(incident: Incident, request: Request, machine: Annotated[Machine, Depends(reading)]) -> Response:
        """The clocks of an incident and of what it started, those that ended too."""
        sight = Sight(desk, machine)
        case = await sight.find(incident)
        now = datetime.now(UTC)

        def read() -> list[Clock]:
            return [_draw(*one, now) for one in sorted(_list_clocks(sight.family(case)), key=_key)]

        with as_problems("nothing"):
            found = await asyncio.to_thread(read)
        return answer_known(desk, request, sight, Clocks(clocks=found))


def is_at_risk(clock: ClockState, now: datetime) -> bool:
    """Breached, or less than a quarter of it is left: at risk on the board, and of the law P0."""
    if clock["state"] == "breached":
        return True
    if clock["state"] != "running" or not clock["started_at"] or not clock["due_at"]:
        return False
    started, due = parse_instant(clock["started_at"]), parse_instant(clock["due_at"])
    return now > due - (due - started) * URGENT


def _list_clocks(cases: Iterable[Case]) -> Iterator[tuple[Case, ClockState]]:
    for case in cases:
        for clock in case.board["clocks"]:
            yield case, clock


def _key(one: tuple[Case, ClockState]) -> list[str]:
    return [one[1]["due_at"] or _NEVER, one[0].incident, one[1]["name"]]


def _draw(case: Case, clock: ClockState, now: datetime) -> Clock:
    pauses = clock.get("pauses", [])
    return Clock(
        run=case.incident,
        run_kind=case.kind,
        runbook=case.runbook,
        severity=case.severity,
        name=clock["name"],
        state=clock["state"],
        started_at=clock["started_at"],
        due_at=clock["due_at"],
        stopped_at=clock["stopped_at"],
        warned=list(clock["warned"]),
        assigned_to=clock["assigned_to"],
        paused_for=pauses[-1]["reason"] if pauses and pauses[-1]["until"] is None else None,
        at_risk=is_at_risk(clock, now),
    )
