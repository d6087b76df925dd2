"""What a terminal is shown: the same boards as the console's pages are made of, under the same rules.

References to evidence are numbered and hidden, as on the page of a question (ADR 0034). Tasks of queues are left to the
console's queue, which hands them out one by one; a terminal shows those that somebody has taken.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from schemas.decision import OpenAsk
from schemas.incident import Board
from schemas.json_value import Json
from schemas.terminal import Attempted, Look, Planned, Run, Waits, Whole
from watchfloor.cases import Case
from watchfloor.client.asks import AskAt
from watchfloor.client.attempts import gather_attempts
from watchfloor.client.motions import read_text
from watchfloor.client.revealing import REFERENCE, list_evidence
from watchfloor.gateway.console.keys import list_keyed
from watchfloor.gateway.console.pages import KINDS, OPEN, Pages
from watchfloor.gateway.console.terminal.door import AtTerminal
from watchfloor.gateway.console.views import draw_case, is_mine
from watchfloor.gateway.problems import Problem
from watchfloor.identity.people import Person
from watchfloor.signing.standing import NARROW, find_questions
from watchfloor.signing.tasks import find_claim

CLOSED = 30
"""Incidents that have ended, the latest, on the board."""
MOST_ASKS = 200
MOST_ATTEMPTS = 1000
MOST_BYTES = 1024 * 1024
"""Of the questions of one look together; at least the first is always there."""
PROPOSED = frozenset({"severity", "dismissal", "outside"})
"""Kinds of question that somebody has opened with a reason of their own."""
_ENDED = ("closed", "failed", "aborted", "stopped")
_HEAD: dict[str, Any] = {
    "asks": [],
    "steps": [],
    "loops": [],
    "clocks": [],
    "facts": {},
    "measures": [],
    "children": [],
    "phases": [],
    "paused": None,
}
"""What the head of a board leaves out of it."""
_NO_HEAD = frozenset({"decided", "pages", "page_dues", "outside", "on_paper", "merged", "related", "jurisdictions"})

Texts = Callable[[str], str]


async def make_look(pages: Pages, at: AtTerminal) -> bytes:
    """Everything at a glance, as JSON; made once for all terminals of a person while nothing changes."""
    there = await pages.open_now()
    visitor, now = at.visitor, datetime.now(UTC)
    ended = await asyncio.to_thread(pages.desk.index.page, states=_ENDED, limit=CLOSED)

    def draw() -> bytes:
        cases = pages.may_see_of(visitor, (one for one in there.cases if one.kind in KINDS and one.state in OPEN))
        look = draw_look(at, cases, pages.may_see_of(visitor, ended), now, lambda ref: read_text(pages.desk.face, ref))
        return look.model_dump_json().encode()

    key = ("terminal", visitor.person, visitor.signed_in, at.terminal.until, there.revision)
    return pages.drawn.once(key, now, draw)


def draw_look(at: AtTerminal, cases: Iterable[Case], ended: Iterable[Case], now: datetime, texts: Texts) -> Look:
    """A look at cases that the person may see."""
    cases = list(cases)
    of = {child["workflow"]: one.incident for one in cases for child in one.board["children"]}
    waiting: list[Waits] = []
    boards: dict[str, Board] = {}
    room, more = MOST_BYTES, 0
    for case, ask, taken in _list_waiting(cases, at.visitor.person, now):
        shown = hide_references(ask, texts)
        room -= len(json.dumps(shown))
        if waiting and (room < 0 or len(waiting) >= MOST_ASKS):
            more += 1
            continue
        line = draw_case(case, now)
        waiting.append(
            Waits(
                incident=of.get(case.incident, case.incident),
                region=case.board["region"],
                severity=case.severity,
                priority=line.priority,
                workflow=case.incident,
                ask=shown,
                taken=taken,
            )
        )
        boards[case.incident] = head_of(case.board)
    runs = [_draw_run(case, now) for case in (*cases, *ended) if case.kind == "incident" and not _is_case(case)]
    return Look(v=1, signed_in=at.signed_in, runs=runs, waiting=waiting, boards=boards, more=more)


def _list_waiting(cases: Iterable[Case], person: Person, now: datetime) -> list[tuple[Case, OpenAsk, bool]]:
    """What this person may answer, the nearest deadline first, with whether it is a task that is theirs."""
    found: list[tuple[Case, OpenAsk, bool]] = []
    for case in cases:
        for ask in case.board["asks"]:
            claim = find_claim(ask, now)
            taken = (claim is not None and claim["person"] == person.id) or ask.get("person") == person.id
            if taken or (is_mine(ask, person) and not (_is_case(case) and ask["kind"] == "task")):
                found.append((case, ask, taken))
    return sorted(found, key=lambda one: (not one[2], one[1]["deadline_at"] or "9999", one[0].incident))


def _is_case(case: Case) -> bool:
    return case.board.get("mode", "incident") == "case"


def _draw_run(case: Case, now: datetime) -> Run:
    line, is_open = draw_case(case, now), case.state in OPEN
    return Run(
        incident=case.incident,
        region=case.board["region"],
        runbook=case.runbook,
        severity=case.severity,
        phase=case.board["phase"],
        state=case.state,
        waiting=list(line.waiting),
        due_at=line.due_at,
        opened_at=case.opened_at,
        closed_at=None if is_open else case.board["now"],
        priority=line.priority if is_open else "",
        commander=case.board["commander"]["person"] if is_open else "",
    )


def head_of(board: Board) -> Board:
    """A board without what only its own screen shows."""
    return cast(Board, {**{name: value for name, value in board.items() if name not in _NO_HEAD}, **_HEAD})


async def make_whole(pages: Pages, at: AtTerminal, workflow: str) -> bytes:
    """One run with what it started, as JSON.

    Raises:
        Problem: 404 not there, or not for this person: the same words.
    """
    case = await pages.case(at.visitor, workflow)
    children = await pages.children(at.visitor, case.board)
    boards = [_mark_keyed(pages, at, board) for board in (case.board, *(one.board for one in children))]
    return await asyncio.to_thread(_draw_whole, pages, boards[0], boards[1:])


def _mark_keyed(pages: Pages, at: AtTerminal, board: Board) -> Board:
    """The board with every option that this person answers with a security key only, by the run or by the policies."""
    asks = [
        {**ask, "keyed": list_keyed(pages, at.visitor, AskAt(board["workflow"], board, ask))} for ask in board["asks"]
    ]
    return cast(Board, {**board, "asks": asks})


def _draw_whole(pages: Pages, own: Board, children: list[Board]) -> bytes:
    def text(ref: str) -> str:
        return read_text(pages.desk.face, ref)

    asks = [ask for board in (own, *children) for ask in board["asks"]]
    refs = {str(body["reason_ref"]) for ask in asks for said in find_questions(ask).values() for body in said}
    whole = Whole(
        v=1,
        board=hide_in_board(own, text),
        children={board["workflow"]: hide_in_board(board, text) for board in children},
        texts={ref: text(ref) for ref in sorted(refs)},
        attempts=list(_draw_attempts(pages, (own, *children))),
    )
    return whole.model_dump_json().encode()


def _draw_attempts(pages: Pages, boards: Iterable[Board]) -> Iterator[Attempted]:
    asks = [AskAt(board["workflow"], board, ask) for board in boards for ask in board["asks"]]
    names = {
        (at.workflow, at.ask["path"]): {one.ref: f"evidence {one.number}" for one in list_evidence(at.ask)}
        for at in asks
    }
    for place, one in list(gather_attempts(pages.desk.face.ledger_path, asks).items())[:MOST_ATTEMPTS]:
        inputs = cast("dict[str, Json]", _hide(dict(one.inputs), names[place])) if one.inputs is not None else None
        run, path = place
        yield Attempted(
            run=run, path=path, action=one.action, inputs=inputs, digest=one.digest, at=one.at, number=one.number
        )


async def make_plan(pages: Pages, at: AtTerminal, workflow: str) -> bytes:
    """The plan of an incident, as JSON.

    Raises:
        Problem: 404 not there, or not for this person; 503 it cannot be read now.
    """
    case = await pages.case(at.visitor, workflow)
    plan = await pages.plan(case.incident) if case.kind == "incident" else None
    if plan is None:
        raise Problem(503, "unavailable", "the plan cannot be read now; less is said without it", retry_after=5)
    return Planned(v=1, plan=plan).model_dump_json().encode()


# -- references -----------------------------------------------------------------------------------------------------


def hide_in_board(board: Board, texts: Texts) -> Board:
    """The board with the references in its questions numbered, and without what measures were called with."""
    hidden = {
        **board,
        "asks": [hide_references(ask, texts) for ask in board["asks"]],
        "measures": [
            {**{name: value for name, value in one.items() if name != "undo_inputs"}, "inputs": {}}
            for one in board["measures"]
        ],
    }
    if "decided" in board:
        hidden["decided"] = [hide_references(ask, texts) for ask in board["decided"]]
    return cast(Board, hidden)


def hide_references(ask: OpenAsk, texts: Texts) -> OpenAsk:
    """A question with its references as `evidence 2`; the reason of a proposal as its text: it is a person's word."""
    shown: list[dict[str, Json]] = []
    for one in ask["shown"]:
        reason = ask["kind"] in PROPOSED and one["label"] == "reason"
        shown.append({**one, "value": (texts(str(one["value"])) or one["value"]) if reason else one["value"]})
    names = {one.ref: f"evidence {one.number}" for one in list_evidence(ask)}
    found: dict[str, Any] = {
        **ask,
        "inputs": _hide(ask["inputs"], names),
        "shown": _hide(cast(Json, shown), names),
        "answers": [{**one, "body": {**one["body"], "form": {}}} for one in ask["answers"]],
    }
    if "motions" in ask:
        found["motions"] = [
            {**one, "body": {**one["body"], "about": _hide(one["body"]["about"], names)}}
            if one["body"]["verb"] == NARROW
            else one
            for one in ask["motions"]
        ]
    if "narrowed" in ask:
        found["narrowed"] = _hide(cast(Json, ask["narrowed"]), names)
    return cast(OpenAsk, found)


def find_reference(ask: OpenAsk, text: str) -> str:
    """What a person named as it is hidden from them: `evidence 2`; anything else stays as it is."""
    return next((one.ref for one in list_evidence(ask) if text.strip() == f"evidence {one.number}"), text)


def _hide(value: Json, names: Mapping[str, str]) -> Json:
    if isinstance(value, str):
        return REFERENCE.sub(lambda found: names.get(found[0], "a reference"), value)
    if isinstance(value, list):
        return [_hide(one, names) for one in value]
    if isinstance(value, dict):
        return {name: _hide(one, names) for name, one in value.items()}
    return value
