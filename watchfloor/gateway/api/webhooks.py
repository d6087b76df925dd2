"""Webhooks out over HTTP: every attempt to tell another system of an incident."""

import asyncio
from contextlib import closing
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, FastAPI, Query, Request, Response
from pydantic import Field

from watchfloor.gateway.api.paging import KNOWN, Limit, answer_known
from watchfloor.gateway.api.shapes import Given
from watchfloor.gateway.api.sight import Sight
from watchfloor.gateway.problems import Problem
from watchfloor.identity.machines import Machine
from watchfloor.outgoing.book import Attempt, Book, BookUnavailable
from watchfloor.signing import render_instant

if TYPE_CHECKING:
    from watchfloor.gateway.api.app import ApiDesk


class WebhookAttempt(Given):
    """One attempt to deliver an event to one subscription."""

    subscription: str
    event: str = Field(description="Id of the event, the `webhook-id` that the receiver gets.")
    incident: str
    kind: str
    attempt: int
    at: str
    took_ms: int
    status: int | None = Field(description="What the receiver answered; null when it did not.")
    outcome: str
    next_at: str | None = Field(description="When it is tried again; null when it was taken or given up.")


class WebhookAttempts(Given):
    """Attempts, the latest first."""

    attempts: list[WebhookAttempt]


def add_webhooks(app: FastAPI, desk: "ApiDesk") -> None:
    """Offer the route."""
    reading = desk.doors.asking("incidents:read")

    @app.get("/webhooks/deliveries", response_model=WebhookAttempts, responses=KNOWN)
    async def deliveries(
        request: Request,
        machine: Annotated[Machine, Depends(reading)],
        subscription: Annotated[str, Query(max_length=40, description="Only of this subscription.")] = "",
        event: Annotated[str, Query(max_length=100, description="An event's id, or an incident's.")] = "",
        limit: Limit = 50,
    ) -> Response:
        """The delivery log of webhooks out, of incidents that the key may see; the latest attempts first."""
        sight = Sight(desk, machine)
        path = desk.webhooks_path
        try:
            found = await asyncio.to_thread(_read, path, subscription, event, sight.open_to, limit)
        except BookUnavailable as error:
            raise Problem(503, "unavailable", "a store does not answer; try again", retry_after=2) from error
        return answer_known(desk, request, sight, WebhookAttempts(attempts=[_draw(one) for one in found]))


def _read(path: FilePath | None, subscription: str, event: str, open_to: tuple[str, ...], limit: int) -> list[Attempt]:
    if path is None or not path.exists():
        return []
    with closing(Book(path)) as book:
        return book.attempts(subscription, event=event, open_to=open_to, limit=limit)


def _draw(one: Attempt) -> WebhookAttempt:
    return WebhookAttempt(
        subscription=one.subscription,
        event=one.event,
        incident=one.chain,
        kind=one.kind,
        attempt=one.number,
        at=render_instant(one.at),
        took_ms=int(one.took.total_seconds() * 1000),
        status=one.status,
        outcome=one.outcome,
        next_at=render_instant(one.next_at) if one.next_at else None,
    )
