"""What waits on people: the questions of one incident, every open question and task of the region."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI, Query, Request, Response
from pydantic import Field

from schemas.decision import OpenAsk
from watchfloor.cases import Case
from watchfloor.gateway.api.incidents import Incident
from watchfloor.gateway.api.mistakes import want_role
from watchfloor.gateway.api.paging import KNOWN, Cursor, Limit, answer_known, take_first
from watchfloor.gateway.api.shapes import Given
from watchfloor.gateway.api.sight import Sight
from watchfloor.gateway.refusals import as_problems
from watchfloor.identity.machines import Machine

if TYPE_CHECKING:
    from watchfloor.gateway.api.app import ApiDesk

KINDS = ("incident", "hold", "handoff", "incoming", "postmortem")
OPEN = ("open", "paused")
_NEVER = "9999"
"""Sorts behind every instant."""


class Said(Given):
    """An answer that an open question has so far."""

    person: str
    role: str
    option: str
    at: str = Field(description="When the run accepted it.")


class TakenBy(Given):
    """Who has a task, and until when."""

    person: str
    role: str
    until: str


class Item(Given):
    """One line of a task's checklist."""

    id: str
    do: str
    required: bool
    ticked_by: str | None
    ticked_at: str | None


class Ask(Given):
    """A question that waits: what it is about, who may answer, until when, and what silence does."""

    run: str = Field(description="The incident, hold, handoff or review that asks; an answer goes there.")
    run_kind: str
    path: str
    step: str
    kind: str
    title: str
    severity: str
    options: dict[str, list[list[str]]] = Field(
        description="Option -> the seats it needs; each seat lists the roles that may fill it."
    )
    excluded: list[str] = Field(description="People and roles that may not.")
    for_person: str | None = Field(description="The one person a task is for, while it is for nobody else.")
    region: str
    namespace: str
    plan: str = Field(description="Digest of the plan that the run carries out.")
    ask: str = Field(description="Digest of everything that is asked and shown; a decision is over this.")
    action: str
    action_digest: str
    inputs: dict[str, Any] = Field(description="The resolved inputs of the action that it gates.")
    shown: list[dict[str, Any]]
    form: dict[str, Any]
    asked_at: str
    deadline_at: str | None
    on_silence: str
    blind: bool = Field(description="Nobody is told what others said before all have answered.")
    answered: int
    answers: list[Said]
    exposure: str = Field(description="What whoever does the task is exposed to; empty when nothing.")
    claim: TakenBy | None
    checklist: list[Item]


class Asks(Given):
    """Open questions, the nearest deadline first."""

    asks: list[Ask]
    next: str | None = None


Wanted = Annotated[str, Query(max_length=80, pattern=r"^[a-z0-9_]*$", description="A role that could answer.")]


def add_waiting(app: FastAPI, desk: "ApiDesk") -> None:
    """Offer the routes."""
    reading = desk.doors.asking("incidents:read")

    @app.get("/incidents/{incident}/asks", response_model=Asks, responses={**KNOWN, 404: {}})
    async def of_one(incident: Incident, request: Request, machine: Annotated[Machine, Depends(reading)]) -> Response:
        """Every open question of an incident and of the holds, handoffs and reviews that it started."""
        sight = Sight(desk, machine)
        case = await sight.find(incident)

        def read() -> list[Ask]:
            return [_draw(desk, *one) for one in sorted(_list_asks(sight.family(case)), key=_key)]

        with as_problems("nothing"):
            asks = await asyncio.to_thread(read)
        return answer_known(desk, request, sight, Asks(asks=asks))

    @app.get("/asks", response_model=Asks, responses=KNOWN)
    async def all_asks(
        request: Request,
        machine: Annotated[Machine, Depends(reading)],
        role: Wanted = "",
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> Response:
        """Every open question of the region, the nearest deadline first."""
        return await answer_with(request, Sight(desk, machine), "asks", role, limit, cursor)

    @app.get("/tasks", response_model=Asks, responses=KNOWN)
    async def tasks(
        request: Request,
        machine: Annotated[Machine, Depends(reading)],
        role: Wanted = "",
        free: Annotated[bool | None, Query(description="Only those that nobody has, or that somebody has.")] = None,
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> Response:
        """Every open task of the region, the nearest deadline first: who has it, what it exposes to, how far it is."""
        return await answer_with(request, Sight(desk, machine), "tasks", role, limit, cursor, free)

    async def answer_with(
        request: Request, sight: Sight, list_: str, role: str, limit: int, cursor: str, free: bool | None = None
    ) -> Response:
        after = sight.read_cursor(list_, cursor)
        want_role(role)

        def read() -> Asks:
            found = (
                (case, ask)
                for case, ask in _list_asks(sight.each(KINDS, OPEN))
                if (list_ == "asks" or ask["kind"] == "task")
                and (not role or role in roles_of(ask))
                and (free is None or free is ("claim" not in ask))
            )
            first, more = take_first(found, _key, after, limit)
            asks = [_draw(desk, *one) for one in first]
            return Asks(asks=asks, next=sight.write_cursor(list_, more) if more else None)

        with as_problems("nothing"):
            page = await asyncio.to_thread(read)
        return answer_known(desk, request, sight, page)


def roles_of(ask: OpenAsk) -> list[str]:
    """The roles that could fill a seat of some option."""
    return list(dict.fromkeys(role for seats in ask["options"].values() for seat in seats for role in seat["any_of"]))


def _list_asks(cases: Any) -> Iterator[tuple[Case, OpenAsk]]:
    for case in cases:
        for ask in case.board["asks"]:
            yield case, ask


def _key(one: tuple[Case, OpenAsk]) -> list[str]:
    return [one[1]["deadline_at"] or _NEVER, one[0].incident, one[1]["path"]]


def _draw(desk: "ApiDesk", case: Case, ask: OpenAsk) -> Ask:
    said = [
        Said(
            person=str(answer["body"]["person"]),
            role=str(answer["body"]["role"]),
            option=str(answer["body"]["option"]),
            at=at,
        )
        for answer, at in zip(ask["answers"], ask["accepted_at"], strict=False)
    ]
    claim, ticks = ask.get("claim"), ask.get("ticks", {})
    return Ask(
        run=case.incident,
        run_kind=case.kind,
        path=ask["path"],
        step=ask["step"],
        kind=ask["kind"],
        title=ask["title"],
        severity=case.severity,
        options={name: [list(seat["any_of"]) for seat in seats] for name, seats in ask["options"].items()},
        excluded=[*ask["exclude"], *case.board.get("recused", ())],
        for_person=ask.get("person"),
        region=case.board["region"],
        namespace=desk.face.namespace,
        plan=case.board["plan"],
        ask=ask["ask"],
        action=ask["action"],
        action_digest=ask["action_digest"],
        inputs=dict(ask["inputs"]),
        shown=[dict(one) for one in ask["shown"]],
        form=dict(ask["form"]),
        asked_at=ask["asked_at"],
        deadline_at=ask["deadline_at"],
        on_silence=ask["on_silence"],
        blind="blind" in ask and "revealed_at" not in ask,
        answered=int(ask.get("answered", len(said))),
        answers=said,
        exposure=ask.get("exposure", ""),
        claim=TakenBy(person=claim["person"], role=claim["role"], until=claim["until"]) if claim else None,
        checklist=[
            Item(
                id=item["id"],
                do=item["do"],
                required=item["required"],
                ticked_by=ticks[item["id"]]["by"] if item["id"] in ticks else None,
                ticked_at=ticks[item["id"]]["at"] if item["id"] in ticks else None,
            )
            for item in ask.get("checklist", ())
        ],
    )
