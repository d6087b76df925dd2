"""Handoffs: what is offered to and by other regions, where it is, who accepted, what went along and what did not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse

from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.plan import Plan
from watchfloor.cases import Case
from watchfloor.gateway.console.clocks import say_left
from watchfloor.gateway.console.gate import Visitor
from watchfloor.gateway.console.pages import Pages
from watchfloor.gateway.console.records import Records
from watchfloor.gateway.console.timeline import Wanted, read_stretch
from watchfloor.gateway.problems import Problem
from watchfloor.signing import neutral_name, parse_instant

KINDS = ("handoff", "incoming")
WORDS = {
    "accepted": "accepted",
    "declined": "declined: it stays where it was",
    "unanswered": "nobody answered in time: it stays where it was",
    "recalled": "called back",
    "refused": "could not cross",
    "void": "the answer came too late to count",
    "": "waits for an answer",
}
PROTECTED = "protected"
"""The class of data that crosses no border."""


@dataclass(frozen=True, slots=True)
class HandoffLine:
    """One handoff. `other` is the other region, `where` its process there as far as it is known here."""

    handoff: str
    name: str
    title: str
    is_incoming: bool
    other: str
    mode: str
    state: str
    words: str
    severity: str
    offered_at: str
    accept_by: str | None
    left: str
    where: str
    incident: str
    by: str
    ask: str

    @property
    def url(self) -> str:
        return f"/console/handoffs/{self.handoff}"


@dataclass(frozen=True, slots=True)
class Withheld:
    """Something that the incident knows and that did not go along."""

    name: str
    data_class: str
    why: str


def offer_handoffs(app: FastAPI, pages: Pages, records: Records) -> None:
    """The list of handoffs, and each of them."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]

    @app.get("/handoffs")
    async def handoffs(visitor: admitted, state: str = "open") -> HTMLResponse:
        wanted = ("open", "paused") if state != "ended" else ("closed", "failed", "aborted", "stopped")
        cases = await pages.cases(visitor, kinds=KINDS, states=wanted)
        now = datetime.now(UTC)
        parents = await _parents(pages, visitor)
        lines = [draw_handoff(case, parents.get(case.incident), now) for case in cases]
        lines.sort(key=lambda one: (one.accept_by or "9999", one.handoff))
        return pages.show(
            "handoffs.html",
            visitor,
            outgoing=[one for one in lines if not one.is_incoming],
            incoming=[one for one in lines if one.is_incoming],
            state="ended" if state == "ended" else "open",
        )

    @app.get("/handoffs/{handoff}")
    async def one(handoff: str, visitor: admitted) -> HTMLResponse:
        case = await pages.case(visitor, handoff)
        if case.kind not in KINDS:
            raise Problem(404, "not_found", "there is nothing of this id that you may see")
        parent = (await _parents(pages, visitor, every=True)).get(handoff)
        line = draw_handoff(case, parent, datetime.now(UTC))
        said = (await records.first([handoff], EntryKind.OFFERED))[handoff]
        shared = said.get("shared")
        labels = [str(one) for one in shared] if isinstance(shared, list) else []
        if case.kind == "incoming":
            labels = [str(one["label"]) for ask in case.board["asks"] for one in ask["shown"]]
        plan = await pages.plan(parent.incident) if parent is not None and case.kind == "handoff" else None
        return pages.show(
            "handoff.html",
            visitor,
            line=line,
            shared=labels,
            withheld=list_withheld(plan, labels, parent) if plan is not None and parent is not None else None,
            clocks=case.board["clocks"],
            stretch=await read_stretch(pages.desk.face, handoff, Wanted()),
        )


def draw_handoff(case: Case, parent: Case | None, now: datetime) -> HandoffLine:
    """A handoff from its board; its incident only where the visitor may see it."""
    board = case.board
    incoming = case.kind == "incoming"
    step = board["steps"][0]
    mode, _, other = step["name"].partition(" for " if incoming else " by ")
    ask = next(iter(board["asks"]), None)
    clock = next((one for one in board["clocks"] if one["name"] == "accept"), None)
    accept_by = ask["deadline_at"] if ask else clock["due_at"] if clock else None
    report = (
        next((one for one in parent.board["children"] if one["workflow"] == case.incident), None) if parent else None
    )
    data: Mapping[str, Json] = report["data"] if report else {}
    waits = case.state == "open"
    return HandoffLine(
        handoff=case.incident,
        name=neutral_name(case.incident),
        title=board["title"].partition(": ")[2] or board["title"],
        is_incoming=incoming,
        other=other,
        mode=mode,
        state=board["outcome"] or case.state,
        words=WORDS.get(board["outcome"], board["outcome"]),
        severity=board["severity"],
        offered_at=case.opened_at,
        accept_by=accept_by if waits else None,
        left=say_left(parse_instant(accept_by), now) if accept_by and waits else "",
        where=step["detail"],
        incident=parent.incident if parent else "",
        by=str(data.get("person") or data.get("by") or "") or (board["commander"]["person"] if incoming else ""),
        ask=f"/console/asks/{case.incident}/{ask['path']}" if ask else "",
    )


def list_withheld(plan: Plan, shared: list[str], parent: Case) -> list[Withheld]:
    """What the incident has and the packet did not: inputs, and facts that are known. Pure."""
    found: list[Withheld] = []
    specs = {f"inputs.{name}": spec for name, spec in plan["inputs"].items()}
    specs |= {f"facts.{name}": plan["facts"][name]["type"] for name in parent.board["facts"] if name in plan["facts"]}
    for name, spec in specs.items():
        if name in shared or name.partition(".")[2] in shared:
            continue
        data_class = str(spec.get("data_class", ""))
        why = "the runbook does not share it"
        if data_class == PROTECTED:
            why = "it is protected: it crosses no border, whatever a runbook says"
        found.append(Withheld(name, data_class or "none declared", why))
    return found


async def _parents(pages: Pages, visitor: Visitor, *, every: bool = False) -> dict[str, Case]:
    """Handoff -> the incident that offered it, where the visitor may see that."""
    states = () if every else ("open", "paused")
    cases = await pages.cases(visitor, kinds=("incident",), states=states)
    return {
        str(report["workflow"]): case
        for case in cases
        for report in case.board["children"]
        if report["kind"] == "handoff"
    }
