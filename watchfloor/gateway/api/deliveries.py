"""What other systems delivered to the gateway, and what became of it, over HTTP. Read only: machines never decide."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import Depends, FastAPI, Path, Query, Request, Response
from pydantic import Field

from watchfloor.client.deliveries import Cleared, Wanted, find_delivery, list_deliveries
from watchfloor.gateway.api.paging import KNOWN, Cursor, Limit, answer_known
from watchfloor.gateway.api.shapes import Given
from watchfloor.gateway.api.sight import Sight
from watchfloor.gateway.problems import Problem
from watchfloor.gateway.refusals import as_problems
from watchfloor.identity.machines import Machine
from watchfloor.intake.deliveries import Deliveries
from watchfloor.intake.delivery import Delivery, Mark

if TYPE_CHECKING:
    from watchfloor.gateway.api.app import ApiDesk

DeliveryId = Annotated[str, Path(pattern=r"^del-[a-z0-9]{20}$", description="Id of a delivery, as it was answered.")]
State = Literal["kept", "dead", "started", "merged", "joined", "reported", "ignored", "discarded"]
_MISSING = "there is no delivery of this id that this key may see"


class Made(Given):
    """What one runbook made of a delivery."""

    runbook: str
    state: str
    incident: str = Field(description="Empty where there is none.")
    code: str
    why: str


class OneDelivery(Given):
    """A delivery: what became of it and why. Nothing of what it said is told."""

    delivery: str
    sender: str
    kind: str
    state: State
    why: str
    received_at: str
    size: int
    repeats: int = Field(description="How often the same came again.")
    attempts: int
    next_at: str | None = Field(description="When it is tried again; null when it is settled.")
    starts: list[Made]


class DeliveryList(Given):
    """Deliveries, the last received first."""

    deliveries: list[OneDelivery]
    next: str | None = None


def add_deliveries(app: FastAPI, desk: "ApiDesk") -> None:
    """Offer the routes."""
    reading = desk.doors.asking("incidents:read")

    def store() -> Deliveries:
        if desk.deliveries is None:
            raise Problem(404, "not_found", "this gateway takes no deliveries")
        return desk.deliveries

    @app.get("/deliveries", response_model=DeliveryList, responses={**KNOWN, 404: {}})
    async def deliveries(
        request: Request,
        machine: Annotated[Machine, Depends(reading)],
        state: Annotated[State | None, Query(description="Only those of this state; all without it.")] = None,
        sender: Annotated[str, Query(max_length=40, description="Only of this sender.")] = "",
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> Response:
        """What other systems delivered, the last received first."""
        sight = Sight(desk, machine)
        after = sight.read_cursor("deliveries", cursor)
        wanted = Wanted((state,) if state else (), sender, Mark(after[0], after[1]) if after else None)
        looks = Cleared(frozenset(machine.clearances))
        found = await sight.ask(list_deliveries, store(), looks, wanted, most=limit + 1)
        last = found[limit - 1] if len(found) > limit else None
        more = sight.write_cursor("deliveries", [last.received_at, last.id]) if last else None
        page = DeliveryList(deliveries=[_draw(one) for one in found[:limit]], next=more)
        return answer_known(desk, request, sight, page)

    @app.get("/deliveries/{delivery}", response_model=OneDelivery, responses={**KNOWN, 404: {}})
    async def one(delivery: DeliveryId, request: Request, machine: Annotated[Machine, Depends(reading)]) -> Response:
        """One delivery."""
        sight = Sight(desk, machine)
        looks = Cleared(frozenset(machine.clearances))
        with as_problems(_MISSING):
            found = await asyncio.to_thread(find_delivery, store(), looks, delivery)
        return answer_known(desk, request, sight, _draw(found))


def _draw(one: Delivery) -> OneDelivery:
    return OneDelivery(
        delivery=one.id,
        sender=one.sender,
        kind=one.kind,
        state=one.state,
        why=one.why,
        received_at=one.received_at,
        size=one.size,
        repeats=one.repeats,
        attempts=one.attempts,
        next_at=one.next_at if one.state == "kept" else None,
        starts=[
            Made(runbook=each.runbook, state=each.state, incident=each.incident, code=each.code, why=each.why)
            for each in one.outcomes
        ],
    )
