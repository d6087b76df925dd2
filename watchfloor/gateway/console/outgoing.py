"""The page of webhooks out: who is told, what waits or was given up, every attempt, and sending it again."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import structlog
from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from watchfloor.client.deliveries import Onlooker
from watchfloor.client.errors import EngineUnavailable, NotFound, Refused
from watchfloor.client.outgoing import about_outgoing, enable, resend
from watchfloor.client.permission import ask_question
from watchfloor.gateway.console.gate import Visitor, read_form
from watchfloor.gateway.console.pages import ROOT, Pages
from watchfloor.gateway.problems import Problem
from watchfloor.outgoing.book import Account, Attempt, Book, BookUnavailable, Due, Tally
from watchfloor.outgoing.refusal import read_refusal
from watchfloor.signing import render_instant
from watchfloor.signing.names import neutral_name

SHOWN = 50
"""Attempts and dead letters that are shown."""
LOOKED_AT = 400
"""Attempts and dead letters among which those are found that a visitor may see."""
HERE = f"{ROOT}/outgoing"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """One subscription as a visitor may see it; counts are of incidents that they may see."""

    name: str
    state: str
    word: str
    why: str
    waiting: int
    oldest: str
    dead: int
    since: str


@dataclass(frozen=True, slots=True)
class Line:
    """One attempt or dead letter."""

    at: str
    subscription: str
    incident: str
    name: str
    event: str
    kind: str
    said: str
    next_at: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class _Read:
    accounts: list[Account]
    tallies: list[Tally]
    dead: list[Due]
    attempts: list[Attempt]


def offer_outgoing(app: FastAPI, pages: Pages) -> None:
    """The page, and its two buttons."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]

    @app.get("/outgoing")
    async def outgoing(
        visitor: admitted,
        subscription: Annotated[str, Query(max_length=40)] = "",
        done: Annotated[str, Query(max_length=20)] = "",
    ) -> HTMLResponse:
        _require_inside(pages, visitor)
        path = pages.desk.webhooks_path
        if path is None or not path.exists():
            read = _Read([], [], [], [])
        else:
            read = await asyncio.to_thread(_read, path, subscription)
        chains = {tally.chain for tally in read.tallies} | {letter.chain for letter in read.dead}
        chains |= {attempt.chain for attempt in read.attempts}
        visible = await _visible(pages, visitor, chains)
        names = {one.name for one in read.accounts}
        return pages.show(
            "outgoing.html",
            visitor,
            told=_SAID.get(done, ""),
            subscriptions=[_told(one, read.tallies, visible) for one in read.accounts],
            chosen=subscription if subscription in names else "",
            dead=[_letter(one) for one in read.dead if one.chain in visible and one.subscription in names][:SHOWN],
            attempts=[_line(one) for one in read.attempts if one.chain in visible][:SHOWN],
            may_act=_may_act(pages, visitor),
            refused=await asyncio.to_thread(read_refusal, path.parent, "subscriptions") if path is not None else None,
        )

    @app.post("/outgoing/redrive")
    async def redrive(request: Request, visitor: admitted) -> Response:
        said = await read_form(request, visitor)
        name, event = said.get("subscription", ""), said.get("event", "")
        chain, _, number = event.partition(":")
        # an event by itself only: all of them may hold some that are not there for this visitor
        if not number or chain not in await _visible(pages, visitor, {chain}):
            raise Problem(404, "not_found", "there is no dead letter of this id that you may see")
        _require_may_act(pages, visitor)
        path = _require_book(pages)
        with _answering("this event waits or has been taken already; look at the page again"):
            await asyncio.to_thread(_redrive, path, pages, visitor, name, event)
        log.info("event driven again", subscription=name, incident=chain, by=visitor.person.id)
        return RedirectResponse(f"{HERE}?done=redrive", 303)

    @app.post("/outgoing/enable")
    async def enable_it(request: Request, visitor: admitted) -> Response:
        said = await read_form(request, visitor)
        _require_may_act(pages, visitor)
        path = _require_book(pages)
        name = said.get("subscription", "")
        with _answering("this subscription is not disabled; look at the page again"):
            await asyncio.to_thread(_enable, path, pages, visitor, name)
        log.info("subscription enabled", subscription=name, by=visitor.person.id)
        return RedirectResponse(f"{HERE}?done=enable", 303)


_SAID = {
    "redrive": "It is sent again. The receiver sees by its number that it is late.",
    "enable": "Events are sent again; what waited goes first.",
}


def _read(path: Path, subscription: str) -> _Read:
    with _opened(path) as book:
        return _Read(
            book.accounts(),
            book.tallies(),
            book.dead(subscription, limit=LOOKED_AT),
            book.attempts(subscription, limit=LOOKED_AT),
        )


def _redrive(path: Path, pages: Pages, visitor: Visitor, name: str, event: str) -> None:
    with _opened(path) as book:
        # this event alone, which the visitor has been found to see
        resend(
            *(book, pages.desk.face.ledger_path, _onlooker(pages, visitor), name, event),
            sees=lambda _chain: True,
            now=datetime.now(UTC),
        )


def _enable(path: Path, pages: Pages, visitor: Visitor, name: str) -> None:
    with _opened(path) as book:
        enable(book, pages.desk.face.ledger_path, _onlooker(pages, visitor), name, now=datetime.now(UTC))


def _onlooker(pages: Pages, visitor: Visitor) -> Onlooker:
    face = pages.desk.face
    return Onlooker(visitor.person, face.authority, face.region, visitor.signed_in, face.loopback)


@contextmanager
def _answering(changed: str) -> Iterator[None]:
    try:
        yield
    except NotFound as error:
        raise Problem(409, "changed", changed) from error
    except Refused as error:
        raise Problem(403, "refused", error.message) from error
    except EngineUnavailable as error:
        raise Problem(503, "unavailable", str(error), retry_after=2) from error


def _opened(path: Path) -> "closing[Book]":
    try:
        return closing(Book(path))
    except BookUnavailable as error:
        raise Problem(503, "unavailable", "the book of webhooks cannot be read now", retry_after=2) from error


def _require_book(pages: Pages) -> Path:
    path = pages.desk.webhooks_path
    if path is None or not path.exists():
        raise Problem(404, "not_found", "nobody is told anything here")
    return path


async def _visible(pages: Pages, visitor: Visitor, chains: Iterable[str]) -> frozenset[str]:
    """Those of these incidents that are there for the visitor."""

    def look() -> frozenset[str]:
        found = ((chain, pages.desk.index.get(chain)) for chain in chains)
        return frozenset(chain for chain, case in found if case is not None and pages.may_see(visitor, case.board))

    return await asyncio.to_thread(look)


def _may(pages: Pages, visitor: Visitor, verb: str, option: str = "", role: str = "") -> bool:
    about = about_outgoing(pages.desk.face.region)
    return pages.allows(ask_question(pages.desk.face, visitor.person, verb, about, role, option, visitor.signed_in))


def _may_act(pages: Pages, visitor: Visitor) -> bool:
    return any(_may(pages, visitor, "control", "redrive", role) for role in visitor.person.roles)


def _require_inside(pages: Pages, visitor: Visitor) -> None:
    if not _may(pages, visitor, "view"):
        raise Problem(404, "not_found", "there is nothing at this address")


def _require_may_act(pages: Pages, visitor: Visitor) -> None:
    _require_inside(pages, visitor)
    if not _may_act(pages, visitor):
        raise Problem(403, "refused", "this is for who runs operations, is on call for the engine, or commands")


def _told(one: Account, tallies: Sequence[Tally], visible: frozenset[str]) -> Told:
    mine = [tally for tally in tallies if tally.subscription == one.name and tally.chain in visible]
    now = datetime.now(UTC)
    if one.disabled_at is not None:
        state, word = "disabled", "Disabled"
    elif one.rests_until is not None and one.rests_until > now:
        state, word = "resting", "Resting: the receiver is busy"
    elif one.last is not None and _failed(one.last):
        state, word = "failing", "Not getting through"
    else:
        state, word = "sending", "Getting through" if one.last is not None else "Nothing sent yet"
    oldest = min((tally.oldest_at for tally in mine if tally.oldest_at is not None), default=None)
    return Told(
        one.name,
        state,
        word,
        one.why,
        sum(tally.waiting for tally in mine),
        _text(oldest),
        sum(tally.dead for tally in mine),
        _text(one.disabled_at or one.began_at),
    )


def _letter(one: Due) -> Line:
    said = f"given up after {one.attempts} attempt{'' if one.attempts == 1 else 's'}"
    return Line(
        _text(one.queued_at),
        one.subscription,
        one.chain,
        neutral_name(one.chain),
        f"{one.chain}:{one.seq}",
        one.kind,
        said,
    )


def _line(one: Attempt) -> Line:
    outcome = one.outcome.replace("`", "")
    answer = f"{one.status}, {outcome}" if one.status else outcome
    took = f"{one.took.total_seconds() * 1000:.0f} ms"
    return Line(
        _text(one.at),
        one.subscription,
        one.chain,
        neutral_name(one.chain),
        one.event,
        one.kind,
        f"attempt {one.number}: {answer}, {took}",
        _text(one.next_at),
        _failed(one),
    )


def _failed(one: Attempt) -> bool:
    return one.status is None or not 200 <= one.status < 300


def _text(at: datetime | None) -> str:
    return render_instant(at.replace(microsecond=0)) if at is not None else ""
