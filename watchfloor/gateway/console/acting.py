"""Acting on an incident from its page: severity, facts, what was done outside, doubts, command, pause.

Each form carries a mark of what it was made over. If that has changed in the run since, nothing is sent and the page
says so: nobody signs what they have not seen.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from schemas.incident import Board
from schemas.plan import Plan
from watchfloor.client.command import CommandVerb, send_command
from watchfloor.client.errors import Ambiguous, ClientError, EngineUnavailable, NotFound, Refused
from watchfloor.client.facts import send_fact
from watchfloor.client.outside import record_outside
from watchfloor.client.resolutions import WORDS
from watchfloor.client.runs import board as ask_board
from watchfloor.client.statements import Sent, send_control
from watchfloor.client.triage import Said, declare_incident, propose_dismissal, set_severity
from watchfloor.gateway.console.authorities import has_card
from watchfloor.gateway.console.deeds import list_commanders, list_deeds, list_facts, mark_fact
from watchfloor.gateway.console.fields import read_fields
from watchfloor.gateway.console.gate import Visitor
from watchfloor.gateway.console.outside_form import draw_outside, read_outside
from watchfloor.gateway.console.pages import Pages
from watchfloor.gateway.console.resolving import KINDS, list_troubles, mark_troubles, read_attempts, resolve
from watchfloor.gateway.console.views import draw_case
from watchfloor.gateway.problems import Problem
from watchfloor.signing import neutral_name

CHANGED = "It has changed since you looked; nothing was done. This is how it is now."
_COMMAND: dict[str, CommandVerb] = {
    "take": "take_command",
    "offer": "offer_command",
    "accept": "accept_command",
    "decline": "decline_command",
    "withdraw": "withdraw_offer",
}


@dataclass(frozen=True, slots=True)
class Act:
    """One form that came in, over what the run is now."""

    pages: Pages
    visitor: Visitor
    board: Board
    children: tuple[Board, ...]
    said: Mapping[str, str]
    picked: tuple[str, ...] = ()

    def field(self, name: str) -> str:
        return self.said.get(name, "").strip()

    @property
    def reason(self) -> str:
        return self.field("reason")

    @property
    def who(self) -> dict[str, Any]:
        return {"person": self.visitor.person.id, "signed_in": self.visitor.signed_in}


@dataclass(frozen=True, slots=True)
class Done:
    """What was said, in words, and what became of each statement."""

    what: str
    sent: tuple[Sent, ...]
    notes: tuple[str, ...] = ()


def offer_acting(app: FastAPI, pages: Pages) -> None:
    """The page with everything that may be done at an incident, and its forms."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]

    @app.get("/incidents/{incident}/act")
    async def act_page(incident: str, visitor: admitted, step: str = "") -> HTMLResponse:
        return await _show(pages, visitor, incident, step=step[:128])

    @app.post("/incidents/{incident}/act/{deed}")
    async def act(incident: str, deed: str, request: Request, visitor: admitted) -> Response:
        fields = await read_fields(request, visitor)
        said = {name: values[0] for name, values in fields.items()}
        return await _act(pages, visitor, incident, deed, said, tuple(fields.get("pick", ())))


async def _show(
    pages: Pages,
    visitor: Visitor,
    incident: str,
    *,
    step: str = "",
    deed: str = "",
    typed: Mapping[str, str] | None = None,
    told: str = "",
    status: int = 200,
    now_there: Board | None = None,
) -> HTMLResponse:
    now = datetime.now(UTC)
    case = await pages.case(visitor, incident)
    board, plan = now_there or case.board, await pages.plan(incident)
    facts = list_facts(pages.desk.face, visitor, board, plan)
    children = [child.board for child in await pages.children(visitor, board)]
    attempts = await asyncio.to_thread(read_attempts, pages.desk.face, [board, *children])
    return pages.show(
        "act.html",
        visitor,
        status=status,
        board=board,
        line=draw_case(case, now),
        name=neutral_name(incident),
        deeds=list_deeds(pages.desk.face, visitor, board, plan, now),
        facts=[(one, mark_fact(board, one.name)) for one in facts],
        commanders=list_commanders(pages.desk.face, board),
        troubles=list_troubles([board, *children], plan, visitor, attempts),
        marks={kind: mark_troubles([board, *children], kind, visitor) for kind in KINDS},
        resolutions=WORDS,
        contacts=has_card(plan),
        outside=draw_outside(plan, board, step or (typed or {}).get("step", "")),
        people=sorted(one.id for one in pages.desk.face.people if one.region == pages.desk.face.region),
        deed=deed,
        typed=dict(typed or {}),
        told=told,
    )


async def _act(
    pages: Pages, visitor: Visitor, incident: str, deed: str, said: Mapping[str, str], picked: tuple[str, ...]
) -> Response:
    case = await pages.case(visitor, incident)
    take = _DEEDS.get(deed)
    if take is None:
        raise Problem(404, "not_found", "there is nothing of this name to be done")
    try:
        now_there = await ask_board(pages.desk.face, incident)
    except (NotFound, EngineUnavailable):
        now_there = case.board  # the run judges it itself
    children = tuple(child.board for child in await pages.children(visitor, now_there))
    act = Act(pages, visitor, now_there, children, said, picked)
    if said.get("mark", "") != _find_mark(act, deed, await pages.plan(incident)):
        return await _show(
            pages, visitor, incident, deed=deed, typed=said, told=CHANGED, status=409, now_there=now_there
        )
    try:
        done = await take(act)
    except EngineUnavailable as error:
        return await _show(pages, visitor, incident, deed=deed, typed=said, told=str(error), status=503)
    except (Refused, Ambiguous, NotFound, ClientError) as error:
        return await _show(pages, visitor, incident, deed=deed, typed=said, told=str(error), status=422)
    if any(one.recorded for one in done.sent):
        await pages.settle(case)
    return pages.show("acted.html", visitor, board=now_there, name=neutral_name(incident), done=done)


def _find_mark(act: Act, deed: str, plan: Plan | None) -> str:
    if deed == "resolve":
        return mark_troubles([act.board, *act.children], act.field("kind"), act.visitor)
    if deed == "fact":
        return mark_fact(act.board, act.field("fact"))
    deeds = list_deeds(act.pages.desk.face, act.visitor, act.board, plan, datetime.now(UTC))
    return deeds[deed].mark


async def _severity(act: Act, level: str, what: str) -> Done:
    said = await set_severity(act.pages.desk.face, act.board["workflow"], level, reason=act.reason, **act.who)
    return _tell(said, what if not said.proposed else f"lowering severity from {said.before} to {level} is proposed")


async def _raise(act: Act) -> Done:
    level = act.field("level")
    if level >= act.board["severity"]:
        raise Refused("bad_value", f"severity is {act.board['severity']}; choose a more severe one to raise it")
    return await _severity(act, level, f"severity raised from {act.board['severity']} to {level}")


async def _lower(act: Act) -> Done:
    level = act.field("level")
    if level <= act.board["severity"]:
        raise Refused("bad_value", f"severity is {act.board['severity']}; choose a less severe one to lower it")
    return await _severity(act, level, "")


async def _life(act: Act) -> Done:
    done = await _severity(act, "S0", "life at risk: severity is S0")
    return Done(done.what, done.sent, (*done.notes, "Call who can help now; do not wait for this run."))


async def _declare(act: Act) -> Done:
    said = await declare_incident(act.pages.desk.face, act.board["workflow"], reason=act.reason, **act.who)
    return _tell(said, "declared an incident")


async def _dismiss(act: Act) -> Done:
    said = await propose_dismissal(act.pages.desk.face, act.board["workflow"], reason=act.reason, **act.who)
    return _tell(said, "dismissal is proposed" if said.proposed else "dismissed")


def _tell(said: Said, what: str) -> Done:
    notes = (
        ("Nothing has changed yet: others must agree. They see it under what waits on them.",) if said.proposed else ()
    )
    return Done(what, (said.sent,), notes)


async def _fact(act: Act) -> Done:
    name = act.field("fact")
    sent = await send_fact(
        act.pages.desk.face,
        act.board["workflow"],
        name,
        act.field("value"),
        source=act.field("source"),
        role=act.field("role") or None,
        at=act.field("at") or None,
        reason=act.reason,
        **act.who,
    )
    known = name in act.board["facts"]
    return Done(f"fact `{name}` {'corrected' if known else 'recorded'}, from {act.field('source')}", (sent,))


async def _outside(act: Act) -> Done:
    now = datetime.now(UTC)
    wanted = read_outside(act.said, await act.pages.plan(act.board["workflow"]))
    sent = await record_outside(
        act.pages.desk.face,
        act.board["workflow"],
        wanted.step,
        at=wanted.at,
        by=wanted.by,
        witnesses=wanted.witnesses,
        outputs=wanted.outputs,
        items=wanted.items,
        reason=act.reason,
        now=now,
        **act.who,
    )
    return Done(f"`{wanted.step}` was done outside by {', '.join(wanted.by)}", sent)


async def _command(act: Act, deed: str) -> Done:
    minutes = act.field("minutes") or "30"
    if not minutes.isdecimal() or not 1 <= int(minutes) <= 1440:
        raise Refused("bad_value", "an offer stands from 1 to 1440 minutes")
    sent = await send_command(
        act.pages.desk.face,
        act.board["workflow"],
        _COMMAND[deed],
        reason=act.reason or ("accepted" if deed == "accept" else ""),
        to=act.field("to"),
        within=timedelta(minutes=int(minutes)),
        **act.who,
    )
    person = act.visitor.person.id
    words = {
        "take": f"{person} commands",
        "offer": f"command offered to {act.field('to')}",
        "accept": f"{person} commands",
        "decline": "the offer of command declined",
        "withdraw": "the offer of command withdrawn",
    }
    return Done(words[deed], (sent,))


async def _steer(act: Act, verb: str, words: str) -> Done:
    sent = await send_control(act.pages.desk.face, act.board["workflow"], verb, reason=act.reason, **act.who)
    return Done(words, (sent,))


async def _resolve(act: Act) -> Done:
    boards = [act.board, *act.children]
    results = await resolve(act.pages.desk.face, act.visitor, boards, act.said, act.picked)
    refused = tuple(f"{one.where}: {one.told}" for one in results if one.sent is None)
    sent = tuple(one.sent for one in results if one.sent is not None)
    done = f"{len(sent)} of {len(results)} answered: {WORDS.get(act.field('option'), act.field('option'))}"
    return Done(done, sent, refused)


_DEEDS: dict[str, Callable[[Act], Awaitable[Done]]] = {
    "raise": _raise,
    "lower": _lower,
    "life": _life,
    "declare": _declare,
    "dismiss": _dismiss,
    "fact": _fact,
    "outside": _outside,
    "resolve": _resolve,
    "take": lambda act: _command(act, "take"),
    "offer": lambda act: _command(act, "offer"),
    "accept": lambda act: _command(act, "accept"),
    "decline": lambda act: _command(act, "decline"),
    "withdraw": lambda act: _command(act, "withdraw"),
    "pause": lambda act: _steer(act, "pause", "paused: no new step starts, clocks keep running"),
    "resume": lambda act: _steer(act, "resume", "resumed"),
}
