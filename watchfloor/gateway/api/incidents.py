"""Incidents over HTTP: start one, list them, read one, send it a fact, export its ledger."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import Depends, FastAPI, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from schemas.decision import RefusalType
from schemas.runbook.words import Severity
from watchfloor.cases import Place
from watchfloor.client.errors import InputProblem, InputsRefused, Refused
from watchfloor.client.facts import send_machine_fact
from watchfloor.client.orders import Order
from watchfloor.client.runs import start_incident
from watchfloor.gateway.api.doors import NOT_THERE
from watchfloor.gateway.api.mistakes import name_missing
from watchfloor.gateway.api.paging import KNOWN, Cursor, Limit, answer_known
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
from watchfloor.gateway.api.sight import Sight
from watchfloor.gateway.api.views import entry_of, summary_of
from watchfloor.gateway.refusals import as_problems
from watchfloor.identity.machines import Machine
from watchfloor.signing import canonical, parse_instant, render_instant

if TYPE_CHECKING:
    from watchfloor.gateway.api.app import ApiDesk

State = Literal["open", "paused", "closed", "failed", "aborted", "stopped"]
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


def add_incidents(app: FastAPI, desk: "ApiDesk") -> None:
    """Offer the routes."""
    _offer_start(app, desk)
    _offer_reading(app, desk)
    _offer_ledger(app, desk)


def _offer_start(app: FastAPI, desk: "ApiDesk") -> None:
    starting, sending = desk.doors.asking("incidents:start"), desk.doors.asking("facts:send")

    @app.post("/incidents", status_code=202, responses={200: {"model": StartedIncident}, 404: {}, 409: {}, 415: {}})
    async def start(
        new: NewIncident, key: Key, response: Response, machine: Annotated[Machine, Depends(starting)]
    ) -> StartedIncident:
        """Start an incident of a runbook. Answers at once with where it is found."""
        with as_problems(name_missing(new.runbook)):
            plan, digest = desk.plans.find(new.runbook)
            order = Order(machine.name, key, _instant(new.received_at), "", new.inputs)
            async with desk.admission.enter():
                started = await start_incident(desk.face, plan, digest, order, limits=desk.limits)
        if not started.already:
            desk.fresh.note(started.incident)
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

    @app.post("/incidents/{incident}/facts", responses={404: {}, 409: {}, 410: {}, 415: {}})
    async def fact(
        incident: Incident, new: NewFact, key: Key, machine: Annotated[Machine, Depends(sending)]
    ) -> TakenFact:
        """Report a fact to an open incident. `recorded` and `kept` are durable."""
        await Sight(desk, machine).find(incident)
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

    @app.get("/incidents", response_model=Listing, responses=KNOWN)
    async def incidents(  # one parameter for each filter
        request: Request,
        machine: Annotated[Machine, Depends(reading)],
        state: Annotated[
            list[State] | None, Query(max_length=10, description="Only those of this state; repeatable.")
        ] = None,
        severity: Annotated[
            list[Severity] | None, Query(max_length=10, description="Only those of this severity; repeatable.")
        ] = None,
        runbook: Annotated[str, Query(max_length=80, description="Only those of the runbook of this id.")] = "",
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> Response:
        """Incidents, the latest opened first. Those of other compartments are neither listed nor counted."""
        sight = Sight(desk, machine)
        after = sight.read_cursor("incidents", cursor)
        # read before the list: what changes in between is told again, not missed
        revision = await sight.revision()
        found = await sight.ask(
            desk.index.page,
            states=tuple(state or ()),
            severities=tuple(severity or ()),
            runbook=runbook,
            after=Place(after[0], after[1]) if after else None,
            limit=limit + 1,
            open_to=sight.open_to,
        )
        last = found[limit - 1] if len(found) > limit else None
        page = Listing(
            incidents=[summary_of(case, sight.revision_of(case)) for case in found[:limit]],
            next=sight.write_cursor("incidents", [last.opened_at, last.incident]) if last else None,
            revision=revision,
        )
        return answer_known(desk, request, sight, page)

    @app.get("/incidents/{incident}", responses={**KNOWN, 404: {}})
    async def incident(
        incident: Incident,
        request: Request,
        machine: Annotated[Machine, Depends(reading)],
    ) -> Response:
        """Everything a responder must know of one incident: the board, complete in itself."""
        sight = Sight(desk, machine)
        case = await sight.find(incident)
        board = {**await sight.ask(sight.board, case), "revision": sight.revision_of(case)}
        return answer_known(desk, request, sight, json.dumps(board, ensure_ascii=False, separators=(",", ":")).encode())

    @app.get("/incidents/{incident}/timeline", response_model=Timeline, responses={**KNOWN, 404: {}})
    async def timeline(
        incident: Incident,
        request: Request,
        machine: Annotated[Machine, Depends(reading)],
        after: Annotated[
            int, Query(ge=0, le=2**53, description="`seq` of the last entry you have; 0 from the first.")
        ] = 0,
        limit: Annotated[int, Query(ge=1, le=1000, description="How many at most.")] = 200,
    ) -> Response:
        """The ledger's entries of an incident, oldest first."""
        sight = Sight(desk, machine)
        await sight.find(incident)

        def read() -> list[Entry]:
            entries: list[Entry] = []
            for stored in sight.entries(desk.ledger.read(incident, after=after)):
                entries.append(entry_of(stored))
                if len(entries) > limit:
                    break
            return entries

        entries = await sight.ask(read)
        more = len(entries) > limit
        page = Timeline(incident=incident, entries=entries[:limit], next=entries[limit - 1].seq if more else None)
        return answer_known(desk, request, sight, page)

    @app.get("/incidents/{incident}/summary", response_model=Summary, responses={**KNOWN, 404: {}})
    async def summary(incident: Incident, request: Request, machine: Annotated[Machine, Depends(reading)]) -> Response:
        """One line of the list, for one incident."""
        sight = Sight(desk, machine)
        case = await sight.find(incident)
        return answer_known(desk, request, sight, summary_of(case, sight.revision_of(case)))


def _offer_ledger(app: FastAPI, desk: "ApiDesk") -> None:
    exporting = desk.doors.asking("ledger:export")

    @app.get(
        "/incidents/{incident}/ledger",
        responses={200: {"content": {"application/x-ndjson": {}}}, 404: {}},
        response_class=StreamingResponse,
    )
    async def ledger(incident: Incident, machine: Annotated[Machine, Depends(exporting)]) -> StreamingResponse:
        """The whole chain as JSON lines (RFC 8785), as the offline verifier reads it."""
        await Sight(desk, machine).find(incident)

        async def lines() -> AsyncIterator[bytes]:
            entries = desk.ledger.read(incident)
            while (entry := await asyncio.to_thread(next, entries, None)) is not None:
                yield canonical(dict(entry)) + b"\n"

        name = f'attachment; filename="{incident}.jsonl"'
        return StreamingResponse(lines(), media_type="application/x-ndjson", headers={"content-disposition": name})


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
