"""Incidents over HTTP: start one, list them, read one, send it a fact, export its ledger."""

import asyncio
import base64
import binascii
import hashlib
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, FastAPI, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from schemas.decision import RefusalType
from watchfloor.cases import Case, Place
from watchfloor.client.errors import InputProblem, InputsRefused, Refused
from watchfloor.client.facts import send_machine_fact
from watchfloor.client.orders import Order
from watchfloor.client.runs import start_incident
from watchfloor.gateway.api.doors import NOT_THERE, may_see
from watchfloor.gateway.api.shapes import (
    Entry,
    Listing,
    NewFact,
    NewIncident,
    StartedIncident,
    Summary,
    TakenFact,
    Timeline,
)
from watchfloor.gateway.api.views import entry_of, summary_of
from watchfloor.gateway.problems import Problem
from watchfloor.gateway.refusals import as_problems
from watchfloor.identity.machines import Machine
from watchfloor.signing import canonical, parse_instant, render_instant

if TYPE_CHECKING:
    from watchfloor.gateway.api.app import ApiDesk

Incident = Annotated[str, Path(pattern=r"^inc-[a-z0-9]{20}$", description="Whole id of an incident.")]
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Your own id of the thing: the same key does it once, for as long as the incident exists.",
    ),
]
MOST = 200


def add_incidents(app: FastAPI, desk: "ApiDesk") -> None:
    """Offer the routes."""
    _offer_start(app, desk)
    _offer_reading(app, desk)
    _offer_ledger(app, desk)


def _offer_start(app: FastAPI, desk: "ApiDesk") -> None:
    starting, sending = desk.doors.asking("incidents:start"), desk.doors.asking("facts:send")

    @app.post("/incidents", status_code=202, responses={200: {"model": StartedIncident}, 404: {}, 409: {}, 413: {}})
    async def start(
        new: NewIncident, key: Key, response: Response, machine: Annotated[Machine, Depends(starting)]
    ) -> StartedIncident:
        """Start an incident of a runbook. Answers at once with where it is found."""
        with as_problems("no runbook of this id in the library"):
            plan, digest = desk.plans.find(new.runbook)
            order = Order(machine.name, key, _instant(new.received_at), "", new.inputs)
            started = await start_incident(desk.face, plan, digest, order, limits=desk.limits)
        response.status_code = 200 if started.already else 202
        url = f"/api/v1/incidents/{started.incident}"
        response.headers["location"] = url
        return StartedIncident(
            state="joined" if started.already else "started",
            incident=started.incident,
            region=started.region,
            runbook=started.runbook,
            url=url,
            closed=started.forgotten,
        )

    @app.post("/incidents/{incident}/facts", responses={404: {}, 409: {}, 410: {}})
    async def fact(
        incident: Incident, new: NewFact, key: Key, machine: Annotated[Machine, Depends(sending)]
    ) -> TakenFact:
        """Report a fact to an open incident. `recorded` and `kept` are durable."""
        await find_case(desk, machine, incident)
        nonce = hashlib.sha256(f"{machine.id}\n{incident}\n{key}".encode()).hexdigest()[:32]
        with as_problems(NOT_THERE):
            try:
                sent = await send_machine_fact(
                    desk.face, incident, new.fact, new.value, source=machine.name, nonce=nonce, at=new.at
                )
            except Refused as refused:
                if refused.type != RefusalType.REPEATED or not await _is_recorded(desk, incident, new):
                    raise
                return TakenFact(state="recorded", incident=incident, fact=new.fact, digest="")
        state = sent.state if sent.state in {"kept", "sent"} else "recorded"
        return TakenFact(state=state, incident=incident, fact=new.fact, digest=sent.digest)


def _offer_reading(app: FastAPI, desk: "ApiDesk") -> None:
    reading = desk.doors.asking("incidents:read")

    @app.get("/incidents")
    async def incidents(  # one parameter for each filter
        machine: Annotated[Machine, Depends(reading)],
        state: Annotated[list[str] | None, Query(max_length=10)] = None,
        severity: Annotated[list[str] | None, Query(max_length=10)] = None,
        runbook: Annotated[str, Query(max_length=80)] = "",
        limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
        cursor: Annotated[str, Query(max_length=200)] = "",
    ) -> Listing:
        """Incidents, the latest opened first. Those of other compartments are neither listed nor counted."""
        after = _read_cursor(cursor) if cursor else None
        found: list[Case] = []
        with as_problems(NOT_THERE):
            revision = await asyncio.to_thread(desk.index.revision)
            while len(found) <= limit:
                page = await asyncio.to_thread(
                    desk.index.page,
                    states=tuple(state or ()),
                    severities=tuple(severity or ()),
                    runbook=runbook,
                    after=after,
                )
                found += [case for case in page if may_see(machine, case)]
                if not page:
                    break
                after = Place(page[-1].opened_at, page[-1].incident)
        more = found[limit - 1] if len(found) > limit else None
        return Listing(
            incidents=[summary_of(case) for case in found[:limit]],
            next=_write_cursor(more) if more else None,
            revision=revision,
        )

    @app.get("/incidents/{incident}", responses={304: {"description": "As you know it"}, 404: {}})
    async def incident(
        incident: Incident,
        request: Request,
        machine: Annotated[Machine, Depends(reading)],
    ) -> Response:
        """Everything a responder must know of one incident: the board, complete in itself."""
        case = await find_case(desk, machine, incident)
        tag = f'"{case.revision}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"etag": tag})
        return JSONResponse({**case.board, "revision": case.revision}, headers={"etag": tag})

    @app.get("/incidents/{incident}/timeline", responses={404: {}})
    async def timeline(
        incident: Incident,
        machine: Annotated[Machine, Depends(reading)],
        after: Annotated[int, Query(ge=0, le=2**53)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> Timeline:
        """The ledger's entries of an incident, oldest first."""
        await find_case(desk, machine, incident)

        def read() -> list[Entry]:
            entries: list[Entry] = []
            for stored in desk.ledger.read(incident, after=after):
                entries.append(entry_of(stored))
                if len(entries) > limit:
                    break
            return entries

        with as_problems(NOT_THERE):
            entries = await asyncio.to_thread(read)
        more = len(entries) > limit
        return Timeline(incident=incident, entries=entries[:limit], next=entries[limit - 1].seq if more else None)

    @app.get("/incidents/{incident}/summary", responses={404: {}})
    async def summary(incident: Incident, machine: Annotated[Machine, Depends(reading)]) -> Summary:
        """One line of the list, for one incident."""
        return summary_of(await find_case(desk, machine, incident))


def _offer_ledger(app: FastAPI, desk: "ApiDesk") -> None:
    exporting = desk.doors.asking("ledger:export")

    @app.get(
        "/incidents/{incident}/ledger",
        responses={200: {"content": {"application/x-ndjson": {}}}, 404: {}},
        response_class=StreamingResponse,
    )
    async def ledger(incident: Incident, machine: Annotated[Machine, Depends(exporting)]) -> StreamingResponse:
        """The whole chain as JSON lines (RFC 8785), as the offline verifier reads it."""
        await find_case(desk, machine, incident)

        async def lines() -> AsyncIterator[bytes]:
            entries = desk.ledger.read(incident)
            while (entry := await asyncio.to_thread(next, entries, None)) is not None:
                yield canonical(dict(entry)) + b"\n"

        name = f'attachment; filename="{incident}.jsonl"'
        return StreamingResponse(lines(), media_type="application/x-ndjson", headers={"content-disposition": name})


async def find_case(desk: "ApiDesk", machine: Machine, incident: str) -> Case:
    """The incident as this machine may see it.

    Raises:
        Problem: 404, in the same words whether it is not there or not this machine's to see.
    """
    with as_problems(NOT_THERE):
        case = await asyncio.to_thread(desk.index.get, incident)
    if case is None or not may_see(machine, case):
        raise Problem(404, "not_found", NOT_THERE)
    return case


async def _is_recorded(desk: "ApiDesk", incident: str, new: NewFact) -> bool:
    """Whether the run knows this very fact already, so that saying it again was no contradiction."""
    case = await asyncio.to_thread(desk.index.get, incident)
    known = case.board["facts"].get(new.fact) if case else None
    return known is not None and known["value"] == new.value


def _instant(text: str | None) -> str:
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    if text is None:
        return render_instant(now)
    try:
        at = parse_instant(text)
    except ValueError:
        at = None
    if at is None or at > now:
        problem = InputProblem(
            "received_at", "no instant of the past", "an instant such as 2026-11-22T03:10:00Z", "fix it"
        )
        raise InputsRefused([problem])
    return render_instant(at)


def _write_cursor(case: Case) -> str:
    return base64.urlsafe_b64encode(json.dumps([case.opened_at, case.incident]).encode()).decode().rstrip("=")


def _read_cursor(text: str) -> Place:
    try:
        opened_at, incident = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not (isinstance(opened_at, str) and isinstance(incident, str)):
            raise ValueError("not two texts")
    except (ValueError, TypeError, binascii.Error) as error:
        raise Problem(422, "cursor", "`cursor` is not one that this API gave; begin without it") from error
    return Place(opened_at, incident)
