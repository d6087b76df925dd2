"""Following what happens: server-sent events that go on where a reader left off (`Last-Event-ID`)."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, FastAPI, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent

from watchfloor.cases import Case
from watchfloor.gateway.api.incidents import Incident
from watchfloor.gateway.api.sight import INCIDENT, Sight
from watchfloor.gateway.api.views import entry_of, summary_of
from watchfloor.identity.machines import Machine

if TYPE_CHECKING:
    from watchfloor.gateway.api.app import ApiDesk

LastSeen = Annotated[
    str | None, Header(alias="Last-Event-ID", max_length=400, description="The id of the last event you have seen.")
]
LastSeq = Annotated[
    int | None, Header(alias="Last-Event-ID", ge=0, le=2**53, description="The id of the last event you have seen.")
]
_ALIVE = ServerSentEvent(comment="nothing new")


def add_events(app: FastAPI, desk: "ApiDesk") -> None:
    """Offer the streams."""
    reading = desk.doors.asking("incidents:read")

    # before a stream begins: once it has, no status can be given any more
    async def seen_by(incident: Incident, machine: Annotated[Machine, Depends(reading)]) -> tuple[Sight, Case]:
        sight = Sight(desk, machine)
        return sight, await sight.find(incident)

    async def from_here(machine: Annotated[Machine, Depends(reading)], last: LastSeen = None) -> tuple[Sight, int]:
        sight = Sight(desk, machine)
        if last is not None:
            return sight, sight.read_revision(last)
        return sight, await sight.ask(desk.index.revision, open_to=sight.open_to)

    @app.get("/events", response_class=EventSourceResponse)
    async def events(begun: Annotated[tuple[Sight, int], Depends(from_here)]) -> AsyncIterator[ServerSentEvent]:
        """Every change of every incident this key may see. Without `Last-Event-ID` from now on; an event's id is the
        incident's `revision`, its data the incident's line of the list."""
        sight, seen = begun
        async for is_new in desk.changes.rounds(desk.quiet):
            if not is_new:
                yield _ALIVE
                continue
            while changed := await asyncio.to_thread(desk.index.since, seen, kinds=INCIDENT, open_to=sight.open_to):
                for case in changed:
                    seen, mark = case.revision, sight.revision_of(case)
                    line = summary_of(case, mark).model_dump(mode="json")
                    yield ServerSentEvent(event="incident.changed", id=mark, data=line)

    @app.get("/incidents/{incident}/events", response_class=EventSourceResponse, responses={404: {}})
    async def of_one(
        begun: Annotated[tuple[Sight, Case], Depends(seen_by)], last: LastSeq = None
    ) -> AsyncIterator[ServerSentEvent]:
        """The ledger of one incident as it grows, from the first entry or after `Last-Event-ID`; event ids are the
        ledger's own sequence, event names the kinds of entries."""
        sight, case = begun
        seen = last or 0
        async for is_new in desk.changes.rounds(desk.quiet):
            if not is_new:
                yield _ALIVE
                continue
            entries = sight.entries(desk.ledger.read(case.incident, after=seen))
            while (entry := await asyncio.to_thread(next, entries, None)) is not None:
                seen = entry["seq"]
                yield ServerSentEvent(event=entry["kind"], id=str(seen), data=entry_of(entry).model_dump(mode="json"))
