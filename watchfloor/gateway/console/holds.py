"""Legal holds: what is held and for whom, since when, how it is proved, and the question that would release it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse

from schemas.json_value import Json
from schemas.ledger import EntryKind
from watchfloor.cases import Case
from watchfloor.client.errors import ClientError
from watchfloor.client.runs import started_with
from watchfloor.gateway.console.clocks import say_left
from watchfloor.gateway.console.gate import Visitor
from watchfloor.gateway.console.pages import Pages
from watchfloor.gateway.console.records import Records
from watchfloor.gateway.console.timeline import Wanted, read_stretch
from watchfloor.gateway.problems import Problem
from watchfloor.signing import neutral_name, parse_instant

ENDED = ("closed", "failed", "aborted", "stopped")


@dataclass(frozen=True, slots=True)
class Custodian:
    """A source that was told to freeze. `since` is when that was last proved, or when the hold was placed."""

    name: str
    state: str
    since: str
    is_well: bool


@dataclass(frozen=True, slots=True)
class HoldLine:
    """One hold. `scope` is the digest of what it covers; the lists themselves stay with the run."""

    hold: str
    name: str
    title: str
    state: str
    basis: str
    scope: str
    storage: str
    since: str
    due_at: str | None
    left: str
    pressing: bool
    incident: str
    incident_name: str
    custodians: tuple[Custodian, ...]
    release: str

    @property
    def url(self) -> str:
        return f"/console/holds/{self.hold}"


def offer_holds(app: FastAPI, pages: Pages, records: Records) -> None:
    """The list of holds, and each hold."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]

    @app.get("/holds")
    async def holds(visitor: admitted, state: str = "open") -> HTMLResponse:
        wanted = ("open", "paused") if state != "ended" else ENDED
        cases = await pages.cases(visitor, kinds=("hold",), states=wanted)
        said = await records.first([case.incident for case in cases], EntryKind.HOLD_PLACED)
        seen = await _seen_incidents(pages, visitor, said)
        now = datetime.now(UTC)
        lines = [draw_hold(case, said[case.incident], seen, now) for case in cases]
        lines.sort(key=lambda one: (all(each.is_well for each in one.custodians), one.due_at or "9999", one.hold))
        return pages.show("holds.html", visitor, lines=lines, state="ended" if state == "ended" else "open")

    @app.get("/holds/{hold}")
    async def one(hold: str, visitor: admitted) -> HTMLResponse:
        case = await pages.case(visitor, hold)
        if case.kind != "hold":
            raise Problem(404, "not_found", "there is nothing of this id that you may see")
        said = await records.first([hold], EntryKind.HOLD_PLACED)
        seen = await _seen_incidents(pages, visitor, said)
        return pages.show(
            "hold.html",
            visitor,
            line=draw_hold(case, said[hold], seen, datetime.now(UTC)),
            covers=await _count_scope(pages, hold),
            stretch=await read_stretch(pages.desk.face, hold, Wanted()),
        )


def draw_hold(case: Case, said: Mapping[str, Json], seen: set[str], now: datetime) -> HoldLine:
    """A hold from its board and from what the ledger says of its placing; its incident only where it may be seen."""
    board = case.board
    clock = board["clocks"][0] if board["clocks"] else None
    due_at = clock["due_at"] if clock else None
    due = parse_instant(due_at) if due_at else None
    incident = str(said.get("incident", ""))
    ask = next((one for one in board["asks"] if one["kind"] == "release"), None)
    whole = (due - parse_instant(case.opened_at)) if due else None
    return HoldLine(
        hold=case.incident,
        name=neutral_name(case.incident),
        title=board["title"].removeprefix("Legal hold: "),
        state=board["outcome"] or ("in force" if case.state == "open" else case.state),
        basis=str(said.get("basis", "")),
        scope=str(said.get("scope", "")),
        storage=str(said.get("storage", "")),
        since=case.opened_at,
        due_at=due_at,
        left=say_left(due, now) if due and case.state == "open" else "",
        pressing=case.state == "open" and due is not None and whole is not None and (due - now) < whole * 0.25,
        incident=incident if incident in seen else "",
        incident_name=neutral_name(incident) if incident in seen else "",
        custodians=tuple(
            Custodian(step["step"], step["detail"], step["since"], step["state"] != "retrying")
            for step in board["steps"]
        ),
        release=f"/console/asks/{case.incident}/{ask['path']}" if ask else "",
    )


async def _seen_incidents(pages: Pages, visitor: Visitor, said: Mapping[str, Mapping[str, Json]]) -> set[str]:
    """The incidents behind these holds that the visitor may see."""
    found: set[str] = set()
    for incident in {str(one["incident"]) for one in said.values() if one.get("incident")}:
        try:
            await pages.case(visitor, incident)
        except Problem:
            continue
        found.add(incident)
    return found


async def _count_scope(pages: Pages, hold: str) -> dict[str, int] | None:
    """How many things of each kind a hold covers; None while the engine does not say. What they are stays there."""
    try:
        start: Mapping[str, object] = await started_with(pages.desk.face, hold)
    except ClientError:
        return None
    scope = start.get("scope")
    if not isinstance(scope, dict):
        return None
    return {str(name): len(value) if isinstance(value, list) else 1 for name, value in scope.items()}
