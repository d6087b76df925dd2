"""Following what happens: server-sent events that go on where a reader left off (`Last-Event-ID`)."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, FastAPI, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent

from watchfloor.cases import Case
from watchfloor.gateway.api.doors import may_see
from watchfloor.gateway.api.incidents import Incident, find_case
from watchfloor.gateway.api.views import entry_of, summary_of
from watchfloor.identity.machines import Machine

if TYPE_CHECKING:
    from watchfloor.gateway.api.app import ApiDesk

LastSeen = Annotated[
    int | None, Header(alias="Last-Event-ID", ge=0, le=2**53, description="The id of the last event you have seen.")
]
_ALIVE = ServerSentEvent(comment="nothing new")


def add_events(app: FastAPI, desk: "ApiDesk") -> None:
    """Offer the streams."""
    reading = desk.doors.asking("incidents:read")

    async def seen_by(incident: Incident, machine: Annotated[Machine, Depends(reading)]) -> Case:
        # before the stream begins: once it has, no status can be given any more
        return await find_case(desk, machine, incident)

    @app.get("/events", response_class=EventSourceResponse)
    async def events(
        machine: Annotated[Machine, Depends(reading)], last: LastSeen = None
    ) -> AsyncIterator[ServerSentEvent]:
        """Every change of every incident this key may see. Without `Last-Event-ID` from now on; event ids are the
        index's revisions, data the incident's line of the list."""
        seen = await asyncio.to_thread(desk.index.revision) if last is None else last
        async for is_new in desk.changes.rounds(desk.quiet):
            if not is_new:
                yield _ALIVE
                continue
            while changed := await asyncio.to_thread(desk.index.since, seen):
                for case in changed:
                    seen = case.revision
                    if case.kind == "incident" and may_see(machine, case):
                        yield ServerSentEvent(
                            event="incident.changed", id=str(seen), data=summary_of(case).model_dump(mode="json")
                        )

    @app.get("/incidents/{incident}/events", response_class=EventSourceResponse, responses={404: {}})
    async def of_one(case: Annotated[Case, Depends(seen_by)], last: LastSeen = None) -> AsyncIterator[ServerSentEvent]:
        """The ledger of one incident as it grows, from the first entry or after `Last-Event-ID`; event ids are the
        ledger's own sequence, event names the kinds of entries."""
        seen = last or 0
        async for is_new in desk.changes.rounds(desk.quiet):
            if not is_new:
                yield _ALIVE
                continue
            entries = desk.ledger.read(case.incident, after=seen)
            while (entry := await asyncio.to_thread(next, entries, None)) is not None:
                seen = entry["seq"]
                yield ServerSentEvent(event=entry["kind"], id=str(seen), data=entry_of(entry).model_dump(mode="json"))
