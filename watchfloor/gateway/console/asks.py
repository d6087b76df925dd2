"""The page of one question, what is said there, and the receipt. What the form showed is what is decided."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from schemas.decision import OpenAsk, RefusalType
from schemas.json_value import Json
from watchfloor.cases import Case
from watchfloor.client.asks import AskAt
from watchfloor.client.attempts import find_attempts, find_step_path
from watchfloor.client.consequences import list_consequences, say_undo
from watchfloor.client.errors import ClientError, EngineUnavailable, Refused
from watchfloor.client.loop_items import say_place
from watchfloor.client.motions import read_text, send_motion
from watchfloor.client.resolutions import say_option
from watchfloor.client.revealing import list_evidence, reveal_reference
from watchfloor.client.standstill import say_error
from watchfloor.client.statements import Sent, send_decision
from watchfloor.gateway.console.ask_view import (
    find_words,
    list_choices,
    list_left,
    list_questions,
    list_said,
    list_values,
    order_options,
    takes_form,
)
from watchfloor.gateway.console.clocks import say_left
from watchfloor.gateway.console.endings import find_ending
from watchfloor.gateway.console.fields import read_fields
from watchfloor.gateway.console.gate import Visitor
from watchfloor.gateway.console.keys import list_keyed, sign_in_for
from watchfloor.gateway.console.pages import Pages
from watchfloor.gateway.console.resolving import KINDS, find_tried
from watchfloor.gateway.console.views import draw_ask, find_seat, list_open
from watchfloor.gateway.problems import Problem
from watchfloor.signing import neutral_name, parse_instant
from watchfloor.signing.standing import find_answer

CHANGED = "What is asked here has changed since you looked; nothing was sent. Look again."
GONE = "nothing waits here any more: it was decided, or its time ran out"
MOTIONS = ("narrow", "delegate", "abstain", "question", "answer", "withdraw")
REVEAL = "reveal"
_SAID = {
    "narrow": "less is asked; nothing is approved yet",
    "delegate": "your seat is given away",
    "abstain": "you abstain",
    "question": "asked back; the deadline stays",
    "answer": "answered",
    "withdraw": "your answer is taken back",
}
_OVERTAKEN = frozenset(
    {
        RefusalType.REPEATED,
        RefusalType.CHANGED,
        RefusalType.LATE,
        RefusalType.NOT_WAITING,
        RefusalType.CLOSED,
        RefusalType.DELEGATED,
        RefusalType.ABSTAINED,
    }
)
"""Refusals of what came after something else had happened."""
Fields = Mapping[str, Sequence[str]]


def offer_asks(app: FastAPI, pages: Pages) -> None:
    """The page of each question that waits, and its forms."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]

    @app.get("/asks/{workflow}/{path:path}")
    async def ask(workflow: str, path: str, visitor: admitted) -> HTMLResponse:
        return await _ask(pages, visitor, await pages.case(visitor, workflow), path)

    @app.post("/asks/{workflow}/{path:path}")
    async def answer(workflow: str, path: str, request: Request, visitor: admitted) -> Response:
        said = await read_fields(request, visitor)
        return await _answer(pages, visitor, await pages.case(visitor, workflow), path, said)


async def _ask(
    pages: Pages,
    visitor: Visitor,
    case: Case,
    path: str,
    *,
    told: str = "",
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    revealed: Mapping[str, str] | None = None,
) -> HTMLResponse:
    board, now = case.board, datetime.now(UTC)
    ask = _find(board["asks"], path)
    decided = ask is None
    ask = ask or _find(board.get("decided", []), path)
    if ask is None:
        # a link may be followed sooner than the index hears of what it leads to
        now_there = await pages.ask_now(case.incident, path, board)
        if now_there is None:
            return await _ended(pages, visitor, case, path, status=404)
        ask, board = now_there.ask, now_there.board
        decided = _find(board["asks"], path) is None
    plan = await pages.plan(board["workflow"])
    face, person = pages.desk.face, visitor.person
    card = draw_ask(board, ask, person, now)
    due = parse_instant(ask["deadline_at"]) if ask["deadline_at"] else None
    shown = {str(one["label"]): one["value"] for one in ask["shown"]}
    glass = ask.get("glass_from", "")
    attempts = await asyncio.to_thread(find_attempts, face.ledger_path, board["workflow"], _list_doubted(ask))
    attempt = attempts.by_path.get(find_step_path(path))
    return pages.show(
        "ask.html",
        visitor,
        status=status,
        ask=ask,
        board=board,
        card=card,
        name=neutral_name(board["workflow"]),
        item=say_place(plan, board, path),
        inputs=list_values(ask, (attempt.inputs if attempt else None) or ask["inputs"], revealed or {}),
        attempt=attempt,
        attempts_told=attempts.told,
        tried=find_tried(plan, ask),
        shown=list_values(ask, _with_texts(pages, ask, shown), revealed or {}),
        choices=list_choices(board, ask),
        evidence=list_evidence(ask),
        revealed=dict(revealed or {}),
        left_out=list_left(ask),
        said=list_said(ask),
        questions=[
            (one, _text(pages, one.ref), [(by, _text(pages, ref)) for by, ref in one.answers])
            for one in list_questions(ask)
        ],
        words=find_words(board, ask, person, card.mine, decided),
        say=lambda option: say_option(ask, option),
        options=order_options(list(ask["options"])),
        glass_from=glass if glass and now < parse_instant(glass) else "",
        seat=find_seat(ask, person),
        open_seats=list_open(ask),
        consequences=list_consequences(plan, board, ask, find_seat(ask, person), now=now),
        undo=say_undo(plan, ask),
        left=say_left(due, now),
        decided=decided,
        keyed=list_keyed(pages, visitor, AskAt(board["workflow"], board, ask)),
        people=sorted(one.id for one in face.people if one.region == face.region and one.id != person.id),
        told=told,
        typed=dict(typed or {}),
    )


def _find(asks: Sequence[OpenAsk], path: str) -> OpenAsk | None:
    return next((one for one in asks if one["path"] == path), None)


def _list_doubted(ask: OpenAsk) -> list[str]:
    """Where to look for what was announced: at a doubt, and at a failed step."""
    return [ask["path"]] if ask["kind"] in KINDS else []


def _with_texts(pages: Pages, ask: OpenAsk, shown: Mapping[str, Json]) -> dict[str, Json]:
    """The reason of a proposal as its text, for it is a person's word and no evidence; an error in words."""
    if ask["kind"] == "failed" and isinstance(shown.get("error"), str):
        code, words = str(shown["error"]), say_error(str(shown["error"]))
        shown = {**shown, "error": code if words == code.replace("_", " ") else f"{words} ({code})"}
    return {
        label: (_text(pages, value) or value) if label == "reason" and isinstance(value, str) else value
        for label, value in shown.items()
    }


def _text(pages: Pages, ref: str) -> str:
    return read_text(pages.desk.face, ref)


async def _ended(pages: Pages, visitor: Visitor, case: Case, path: str, *, status: int) -> HTMLResponse:
    """What became of a question that waits no more; what this person said there stands first.

    Raises:
        Problem: 404 nothing is known of it.
    """
    ending = await find_ending(pages.desk.face, case.incident, path)
    if ending is None:
        raise Problem(404, "not_waiting", GONE)
    return pages.show(
        "ended.html",
        visitor,
        status=status,
        board=case.board,
        name=neutral_name(case.incident),
        path=path,
        ending=ending,
        own=ending.of(visitor.person.id),
    )


async def _answer(pages: Pages, visitor: Visitor, case: Case, path: str, fields: Fields) -> Response:
    """Send what was said, over exactly what the form showed."""
    said = {name: values[0] for name, values in fields.items()}
    now_there = await pages.ask_now(case.incident, path, case.board)
    verb = said.get("verb", "")
    if now_there is None:
        return await _ended(pages, visitor, case, path, status=409)
    if now_there.ask["ask"] != said.get("ask", ""):
        case = replace(case, board=now_there.board)
        return await _ask(pages, visitor, case, path, told=CHANGED, status=409, typed=said)
    try:
        if verb == REVEAL:
            return await _reveal(pages, visitor, case, now_there, said)
        if verb in MOTIONS:
            sent = await _move(pages, visitor, now_there, verb, said, fields)
            await _settle(pages, case, sent)
            return _receipt(pages, visitor, now_there, _SAID[verb], sent, anew=verb == "narrow" and sent.recorded)
        sent = await _decide(pages, visitor, now_there, said)
    except Refused as error:
        return await _refused(pages, visitor, case, path, said, error)
    except EngineUnavailable as error:
        return await _ask(pages, visitor, case, path, told=str(error), status=503, typed=said)
    except ClientError as error:
        return await _ask(pages, visitor, case, path, told=str(error), status=422, typed=said)
    await _settle(pages, case, sent)
    return _receipt(pages, visitor, now_there, say_option(now_there.ask, said.get("option", "")), sent)


async def _settle(pages: Pages, case: Case, sent: Sent) -> None:
    """What was recorded shows on the next page."""
    if sent.recorded:
        await pages.settle(case)


async def _refused(
    pages: Pages, visitor: Visitor, case: Case, path: str, said: Mapping[str, str], error: Refused
) -> HTMLResponse:
    """What a refusal means to who pressed: they had said it already, it was over, or it does not fit."""
    if error.type not in _OVERTAKEN:
        return await _ask(pages, visitor, case, path, told=f"Nothing was recorded: {error}", status=422, typed=said)
    fresh = await pages.ask_now(case.incident, path, case.board)
    if fresh is None:
        return await _ended(pages, visitor, case, path, status=409)
    case = replace(case, board=fresh.board)
    own = find_answer(fresh.ask, visitor.person.id)
    told = str(error)
    if own is not None:
        told = (
            f"You have answered “{say_option(fresh.ask, str(own['option']))}” already; it is recorded and counts once. "
            "Pressing again has changed nothing. To answer otherwise, take it back first."
        )
    return await _ask(pages, visitor, case, path, told=told, status=409, typed=said)


async def _decide(pages: Pages, visitor: Visitor, at: AskAt, said: Mapping[str, str]) -> Sent:
    form: dict[str, Json] = {
        name.removeprefix("form."): text for name, text in said.items() if name.startswith("form.") and text
    }
    if not takes_form(at.ask, said.get("option", "")):
        form = {}
    return await send_decision(
        pages.desk.face,
        at.workflow,
        at.ask["path"],
        said.get("option", ""),
        person=visitor.person.id,
        role=said.get("role") or None,
        reason=said.get("reason", ""),
        form=form,
        signed_in=await sign_in_for(pages, visitor, at, said),
        shown=at,
    )


async def _move(pages: Pages, visitor: Visitor, at: AskAt, verb: str, said: Mapping[str, str], fields: Fields) -> Sent:
    about: dict[str, Json] = {}
    if verb == "delegate":
        about = {"to": said.get("to", "").strip()}
    elif verb == "narrow":
        about = {"to": _read_left(at.ask, fields), "leave_out": []}
    elif verb == "answer" and said.get("number", "").isdecimal():
        about = {"question": int(said["number"])}
    return await send_motion(
        pages.desk.face,
        at.workflow,
        at.ask["path"],
        verb,
        person=visitor.person.id,
        role=said.get("role") or None,
        reason=said.get("reason", ""),
        about=about,
        signed_in=visitor.signed_in,
        shown=at,
    )


def _read_left(ask: OpenAsk, fields: Fields) -> dict[str, Json]:
    """What is to be left of each input that the form narrows: the items still marked, or the smaller scope chosen."""
    left: dict[str, Json] = {}
    for name in ask["narrows"]["inputs"] if "narrows" in ask else {}:
        kept = [one for one in fields.get(f"keep.{name}", ()) if one]
        asked = ask["inputs"].get(name)
        if kept and kept != asked:
            left[name] = list(kept)
    return left


async def _reveal(pages: Pages, visitor: Visitor, case: Case, at: AskAt, said: Mapping[str, str]) -> HTMLResponse:
    number = said.get("number", "")
    one = await reveal_reference(
        pages.desk.face,
        at,
        int(number) if number.isdecimal() and len(number) < 6 else 0,
        person=visitor.person.id,
        reason=said.get("reason", ""),
        signed_in=visitor.signed_in,
    )
    told = f"Evidence {one.number} is shown below, to you, once. That you saw it and why is on record."
    return await _ask(pages, visitor, case, at.ask["path"], told=told, revealed={one.ref: one.ref})


def _receipt(pages: Pages, visitor: Visitor, at: AskAt, what: str, sent: Sent, *, anew: bool = False) -> HTMLResponse:
    return pages.show(
        "receipt.html",
        visitor,
        ask=at.ask,
        board=at.board,
        what=what,
        sent=sent,
        name=neutral_name(at.board["workflow"]),
        anew=anew,
    )
