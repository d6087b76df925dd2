"""On call: who is reached now, and the fourteen days to come with their gaps and double bookings."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, Response
from fastapi.responses import HTMLResponse

from watchfloor.gateway.console.gate import HEADERS, Visitor
from watchfloor.gateway.console.pages import Pages
from watchfloor.gateway.console.runbooks import PICTURE
from watchfloor.gateway.problems import Problem
from watchfloor.identity.oncall import Survey, survey
from watchfloor.identity.rota_picture import render_rotas
from watchfloor.identity.rotas import NO_ROTAS

DAYS = 14
WORDS = {
    "gap": "gap",
    "double": "double booking",
    "person": "wrong person",
    "change": "wrong change",
    "rest": "short rest",
    "holidays": "holidays unknown",
}


def offer_oncall(app: FastAPI, pages: Pages) -> None:
    """The page, and its picture."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]

    @app.get("/oncall")
    async def oncall(visitor: admitted) -> HTMLResponse:
        found = await asyncio.to_thread(_survey, pages)
        return pages.show("oncall.html", visitor, found=found, words=WORDS, days=DAYS)

    @app.get("/oncall.svg")
    async def picture(visitor: admitted) -> Response:
        found = await asyncio.to_thread(_survey, pages)
        if found is None:
            raise Problem(404, "not_found", "no rota is known here, so there is no picture")
        drawn = await asyncio.to_thread(render_rotas, found)
        return Response(drawn, media_type="image/svg+xml", headers={**HEADERS, "content-security-policy": PICTURE})


def _survey(pages: Pages) -> Survey | None:
    """The rotas of the region as they are now; None where none is known."""
    face = pages.desk.face
    rotas = face.wellness.rotas() if face.wellness is not None else NO_ROTAS
    if not rotas.rotas:
        return None
    return survey(rotas, face.people, datetime.now(UTC).replace(microsecond=0), DAYS)
