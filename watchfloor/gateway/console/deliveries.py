"""Deliveries: what other systems sent, why each did or did not start something, and what to do about dead letters."""

import asyncio
import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from watchfloor.client.deliveries import (
    NOT_DRIVABLE,
    Onlooker,
    Wanted,
    act_on,
    find_delivery,
    list_deliveries,
    list_refusals,
)
from watchfloor.client.errors import ClientError, EngineUnavailable, NotFound, Refused
from watchfloor.client.redriving import redrive_each
from watchfloor.gateway.console.fields import read_fields
from watchfloor.gateway.console.gate import Visitor
from watchfloor.gateway.console.pages import ROOT, Pages
from watchfloor.gateway.driving import Driver
from watchfloor.gateway.problems import Problem
from watchfloor.intake.deliveries import DeliveriesUnavailable
from watchfloor.intake.delivery import STATES, Delivery, Mark, Outcome
from watchfloor.outgoing.refusal import BindingsTrouble, read_refusal
from watchfloor.signing import neutral_name

PER_PAGE = 50
MOST_COUNTED = 200
SEEN_TO_WITHIN = 4.0
"""Seconds that a page waits for what becomes of a delivery that is driven once more."""
SHELVES = {
    "open": ("dead", "kept"),
    "started": ("started", "merged", "joined", "reported"),
    "ignored": ("ignored", "discarded"),
    "all": STATES,
}
"""What a list shows, by the word in its address."""
WORDS = {
    "open": "To see to",
    "started": "Started something",
    "ignored": "Started nothing",
    "all": "All",
}
SAYS = {
    "kept": "waits, is tried again",
    "dead": "dead letter",
    "started": "started",
    "joined": "joined",
    "merged": "taken in",
    "reported": "reported",
    "ignored": "started nothing",
    "discarded": "given up",
    "waits": "waits",
}
REFUSALS = {
    "signature": "not believed: a wrong or missing signature or token, or one that is too old",
    "rate": "more than was agreed; told to come again",
    "id_reused": "its id had stood for something else",
    "not_json": "no strict JSON",
    "shape": "not of the form that this kind of sender has",
    "media_type": "another media type than this kind of sender has",
    "batch": "a batch",
    "not_found": "to a runbook that does not listen to it",
    "full": "too many of it wait here; told to come again",
    "unavailable": "could not be kept; told to come again",
}
"""Why something was refused, in words."""
TOLD = {
    "redrive": "Driven once more. What became of it stands below.",
    "later": "It waits to be driven; the gateway tries again by itself.",
    "discard": "Given up. What it said is destroyed.",
}
_PLACE = re.compile(r"([0-9TZ:.-]{20,32})~(del-[a-z2-7]{20})", re.ASCII)
_DELIVERY = re.compile(r"del-[a-z2-7]{20}", re.ASCII)
_INCIDENT = re.compile(r"inc-[a-z0-9]{20}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Line:
    """One delivery in the list."""

    id: str
    name: str
    sender: str
    kind: str
    state: str
    says: str
    why: str
    received_at: str
    repeats: int
    starts: tuple["Start", ...]
    pressing: bool

    @property
    def url(self) -> str:
        return f"{ROOT}/deliveries/{self.id}"


@dataclass(frozen=True, slots=True)
class Start:
    """What one runbook made of it; with the incident's page where this visitor may open it."""

    runbook: str
    says: str
    why: str
    name: str
    url: str


def offer_deliveries(app: FastAPI, pages: Pages) -> None:
    """The list, the page of each delivery, and seeing to one."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]

    @app.get("/deliveries")
    async def deliveries(
        visitor: admitted,
        show: Annotated[str, Query(max_length=10)] = "open",
        sender: Annotated[str, Query(max_length=40)] = "",
        after: Annotated[str, Query(max_length=80)] = "",
        again: Annotated[int | None, Query(ge=0, le=PER_PAGE)] = None,
        left: Annotated[int, Query(ge=0, le=PER_PAGE)] = 0,
    ) -> HTMLResponse:
        told = "" if again is None else _say_bulk(again, left)
        return await _list(pages, visitor, show if show in SHELVES else "open", sender, after, told)

    @app.post("/deliveries")
    async def see_to_many(request: Request, visitor: admitted) -> Response:
        return await _redrive_many(pages, visitor, await read_fields(request, visitor))

    @app.get("/deliveries/{delivery}")
    async def one(visitor: admitted, delivery: str, told: Annotated[str, Query(max_length=10)] = "") -> HTMLResponse:
        return await _show(pages, visitor, delivery, told=TOLD.get(told, ""))

    @app.post("/deliveries/{delivery}")
    async def see_to(request: Request, visitor: admitted, delivery: str) -> Response:
        said = {name: values[0] for name, values in (await read_fields(request, visitor)).items()}
        return await _see_to(pages, visitor, delivery, said.get("act", ""), said.get("reason", ""))


async def _list(pages: Pages, visitor: Visitor, show: str, sender: str, after: str, told: str) -> HTMLResponse:
    driver, onlooker = _driver(pages), _onlooker(pages, visitor)
    store = driver.deliveries
    try:
        wanted = Wanted(SHELVES[show], sender, _read_place(after))
        found = await asyncio.to_thread(list_deliveries, store, onlooker, wanted, most=PER_PAGE + 1)
        dead = await asyncio.to_thread(list_deliveries, store, onlooker, Wanted(("dead",)), most=MOST_COUNTED)
        refused = await asyncio.to_thread(list_refusals, store, onlooker, sender)
        # names of those alone whose deliveries this visitor may see
        known = await asyncio.to_thread(list_deliveries, store, onlooker, Wanted(), most=MOST_COUNTED)
    except EngineUnavailable as error:
        raise _unavailable() from error
    shown = found[:PER_PAGE]
    return pages.show(
        "deliveries.html",
        visitor,
        lines=[await _line(pages, visitor, one) for one in shown],
        more=_place_of(show, sender, shown[-1]) if len(found) > PER_PAGE else "",
        at_first=not after,
        told=told,
        drivable=[one.id for one in shown if one.state == "dead" and one.readable and onlooker.may("redrive", one)],
        show=show,
        shelves=WORDS,
        sender=sender,
        senders=sorted({one.sender for one in known} | ({sender} if sender and shown else set())),
        dead=len(dead),
        dead_or_more=f"{MOST_COUNTED} or more" if len(dead) == MOST_COUNTED else str(len(dead)),
        refused=refused,
        bindings=_read_refused(pages),
        refusal_words=REFUSALS,
    )


async def _show(
    pages: Pages, visitor: Visitor, given: str, *, told: str = "", reason: str = "", status: int = 200
) -> HTMLResponse:
    onlooker = _onlooker(pages, visitor)
    one = await _find(pages, onlooker, given)
    drivable = one.readable and one.state in {"dead", "ignored"}
    return pages.show(
        "delivery.html",
        visitor,
        status=status,
        line=await _line(pages, visitor, one),
        one=one,
        told=told,
        reason=reason,
        drivable=drivable,
        may_redrive=drivable and onlooker.may("redrive", one),
        may_discard=one.state == "dead" and onlooker.may("discard", one),
        who_may=_say_who_may(onlooker, one) if drivable or one.state == "dead" else "",
    )


async def _see_to(pages: Pages, visitor: Visitor, given: str, act: str, reason: str) -> Response:
    driver, onlooker = _driver(pages), _onlooker(pages, visitor)
    if act not in {"redrive", "discard"}:
        raise Problem(422, "shape", "the form was not complete; nothing was done")
    try:
        done = await asyncio.to_thread(
            act_on,
            driver.deliveries,
            onlooker,
            given,
            "redrive" if act == "redrive" else "discard",
            role=None,
            reason=reason,
            reasons=pages.desk.face.reasons,
            ledger_path=pages.desk.face.ledger_path,
            now=datetime.now(UTC),
        )
    except NotFound as error:
        raise _not_there() from error
    except Refused as error:
        status = 422 if error.type in {NOT_DRIVABLE, Refused.NO_REASON} else 403
        return await _show(pages, visitor, given, told=error.message, reason=reason, status=status)
    except EngineUnavailable as error:
        raise Problem(503, "unavailable", str(error), retry_after=5) from error
    told = "discard"
    if act == "redrive":
        told = "redrive" if await _drive(driver, done.id) else "later"
    return RedirectResponse(f"{ROOT}/deliveries/{done.id}?told={told}", 303)


async def _redrive_many(pages: Pages, visitor: Visitor, said: Mapping[str, list[str]]) -> Response:
    """Have the dead letters that a page showed driven once more: those and no others."""
    ids = [one for one in said.get("delivery", []) if _DELIVERY.fullmatch(one)]
    sender = said.get("sender", [""])[0][:40]
    if not 0 < len(ids) <= PER_PAGE:
        raise Problem(422, "shape", "the form was not complete; nothing was done")
    done = await asyncio.to_thread(
        redrive_each,
        _driver(pages).deliveries,
        _onlooker(pages, visitor),
        ids,
        role=None,
        reason=said.get("reason", [""])[0],
        reasons=pages.desk.face.reasons,
        ledger_path=pages.desk.face.ledger_path,
        now=datetime.now(UTC),
    )
    counts = urlencode({"show": "open", "sender": sender, "again": len(done.done), "left": len(done.left)})
    return RedirectResponse(f"{ROOT}/deliveries?{counts}", 303)


def _say_bulk(again: int, left: int) -> str:
    told = f"{again} {'is' if again == 1 else 'are'} driven once more. "
    told += "In a few seconds what started stands under Started something, and what did not stands here."
    if not left:
        return told
    return f"{told} {left} {'was' if left == 1 else 'were'} left: seen to meanwhile, or not yours to see to."


async def _drive(driver: Driver, id_: str) -> bool:
    """Whether it was settled while the page waited. What takes longer goes on by itself."""
    task = asyncio.create_task(driver.drive_kept(id_))
    with contextlib.suppress(TimeoutError, DeliveriesUnavailable):
        driven = await asyncio.wait_for(asyncio.shield(task), SEEN_TO_WITHIN)
        return driven is not None and driven.delivery.state != "kept"
    return False


async def _find(pages: Pages, onlooker: Onlooker, given: str) -> Delivery:
    try:
        return await asyncio.to_thread(find_delivery, _driver(pages).deliveries, onlooker, given)
    except NotFound as error:
        raise _not_there() from error
    except EngineUnavailable as error:
        raise _unavailable() from error


async def _line(pages: Pages, visitor: Visitor, one: Delivery) -> Line:
    return Line(
        id=one.id,
        name=one.id.removeprefix("del-")[:8].upper(),
        sender=one.sender,
        kind=one.kind.replace("_", " "),
        state=one.state,
        says=SAYS[one.state],
        why=one.why,
        received_at=one.received_at,
        repeats=one.repeats,
        starts=tuple([await _start(pages, visitor, each) for each in one.outcomes]),
        pressing=one.state == "dead",
    )


async def _start(pages: Pages, visitor: Visitor, one: Outcome) -> Start:
    name = neutral_name(one.incident) if _INCIDENT.fullmatch(one.incident) else ""
    url = ""
    if name:
        with contextlib.suppress(Problem):
            await pages.case(visitor, one.incident)
            url = f"{ROOT}/incidents/{one.incident}"
    return Start(one.runbook, SAYS[one.state], one.why, name, url)


def _say_who_may(onlooker: Onlooker, one: Delivery) -> str:
    """Why this visitor may not see to it; empty when they may."""
    try:
        onlooker.require("redrive", one)
    except ClientError as error:
        return str(error)
    return ""


def _onlooker(pages: Pages, visitor: Visitor) -> Onlooker:
    face = pages.desk.face
    return Onlooker(visitor.person, face.authority, face.region, visitor.signed_in, face.loopback)


def _driver(pages: Pages) -> Driver:
    if pages.desk.driver is None:
        raise Problem(404, "not_found", "this gateway takes no deliveries")
    return pages.desk.driver


def _read_refused(pages: Pages) -> BindingsTrouble | None:
    path = pages.desk.webhooks_path
    return read_refusal(path.parent, "senders") if path is not None else None


def _read_place(after: str) -> Mark | None:
    found = _PLACE.fullmatch(after)
    return Mark(found[1], found[2]) if found else None


def _place_of(show: str, sender: str, last: Delivery) -> str:
    query = {"show": show, "sender": sender, "after": f"{last.received_at}~{last.id}"}
    return f"{ROOT}/deliveries?{urlencode(query)}"


def _not_there() -> Problem:
    return Problem(404, "not_found", "there is no delivery of this id that you may see")


def _unavailable() -> Problem:
    detail = "what was delivered cannot be read at the moment; deliveries are refused meanwhile and come again"
    return Problem(503, "unavailable", detail, retry_after=5)
