"""The panic button: everything is handed back, nobody asks why, and nobody is told more than that."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse

from watchfloor.client.errors import ClientError
from watchfloor.client.relief import relieve, write_who
from watchfloor.gateway.console.gate import Visitor, read_form
from watchfloor.gateway.console.pages import Pages
from watchfloor.gateway.console.queue import find_queue
from watchfloor.gateway.problems import Problem
from watchfloor.wellness import WellnessUnavailable

AT_ONCE = 5.0
"""Seconds in which all is handed back here; what is left the gateway hands back beside."""


def offer_relief(app: FastAPI, pages: Pages) -> None:
    """A page that says what will happen, and the button."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]

    @app.get("/stop")
    async def before(visitor: admitted) -> HTMLResponse:
        return pages.show("stop.html", visitor, rest=None, complete=False, caps=_caps(pages))

    @app.post("/stop")
    async def stop(request: Request, visitor: admitted) -> HTMLResponse:
        await read_form(request, visitor)
        return await _stop(pages, visitor)


async def _stop(pages: Pages, visitor: Visitor) -> HTMLResponse:
    """On disk before anything is sent: what the engine does not take now, the gateway hands back as soon as it can."""
    face, person, now = pages.desk.face, visitor.person.id, datetime.now(UTC)
    if face.wellness is None:
        raise Problem(503, "unavailable", "there is no wellness file here; tell your lead, and stop")
    try:
        signed_in = visitor.signed_in
        await asyncio.to_thread(
            face.wellness.care.panic,
            person,
            now=now,
            way=signed_in.way,
            methods=signed_in.methods,
            who=write_who(signed_in),
        )
    except WellnessUnavailable as error:
        raise Problem(
            503, "unavailable", "it could not be written down; tell your lead, and stop", retry_after=2
        ) from error
    tasks = (await find_queue(pages, visitor, now)).mine
    before = [await pages.case(visitor, one.at.workflow) for one in tasks]
    complete = False
    try:
        async with asyncio.timeout(AT_ONCE):
            _, complete = await relieve(face, person, signed_in=visitor.signed_in, now=now)
            await asyncio.gather(*map(pages.settle, before))
    except (TimeoutError, ClientError):
        pass  # it is owed on disk; the page says that the rest follows
    return pages.show(
        "stop.html", visitor, rest=now + face.wellness.caps.cool_down, complete=complete, caps=_caps(pages)
    )


def _caps(pages: Pages) -> dict[str, int]:
    caps = pages.desk.face.wellness.caps if pages.desk.face.wellness is not None else None
    if caps is None:
        return {}
    return {"rest": round(caps.cool_down.total_seconds() / 60), "call": round(caps.call_within.total_seconds() / 60)}
