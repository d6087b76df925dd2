"""The board of a process that an incident started, or that another region's incident caused here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from temporalio import workflow

from schemas.decision import OpenAsk
from schemas.hold import SourceState
from schemas.incident import Board, ClockState, Commander, FactState, Measure, StepView
from watchfloor.signing import render_instant
from workflows.notices import Desk

_SOURCE_WORDS = {
    "freezing": "running",
    "frozen": "running",
    "verified": "done",
    "failed": "retrying",
    "released": "done",
}


def child_board(
    kind: Literal["hold", "handoff", "incoming", "postmortem"],
    desk: Desk,
    *,
    title: str,
    state: Literal["open", "closed", "failed"],
    outcome: str,
    opened_at: str,
    asks: Sequence[OpenAsk],
    steps: Sequence[StepView],
    clocks: Sequence[ClockState] = (),
    facts: dict[str, FactState] | None = None,
    measures: Sequence[Measure] = (),
    commander: Commander | None = None,
    severity: str = "",
    compartment: str = "",
) -> Board:
    """A board with what such a process has; `plan` is what a decision on it must name."""
    info = workflow.info()
    board: Board = {
        "v": 1,
        "kind": kind,
        "workflow": desk.workflow,
        "region": desk.region,
        "title": title,
        "runbook": "",
        "runbook_version": 0,
        "plan": desk.plan,
        "state": state,
        "outcome": outcome,
        "severity": severity,
        "phase": "",
        "phases": [],
        "opened_at": opened_at,
        "now": render_instant(workflow.now()),
        "commander": commander or {"region": desk.region, "person": "", "since": opened_at, "fence": 0},
        "asks": list(asks),
        "steps": list(steps),
        "loops": [],
        "clocks": list(clocks),
        "facts": facts or {},
        "measures": list(measures),
        "children": [],
        "paused": None,
        "runs": 0,
        "history_events": info.get_current_history_length(),
    }
    if compartment:
        board["compartment"] = compartment
    if desk.recused:
        board["recused"] = list(desk.recused)
    return board


def clock_view(
    name: str, started_at: str, due_at: str | None, warned: Sequence[str], *, ended: bool = False
) -> ClockState:
    """A clock as the board shows it."""
    return {
        "name": name,
        "state": "met" if ended else "running",
        "started_at": started_at,
        "due_at": due_at,
        "stopped_at": None,
        "warned": list(warned),
        "restarts": 0,
        "assigned_to": None,
    }


def source_view(source: SourceState, placed_at: datetime) -> StepView:
    """A source of a hold as a step of its board."""
    return {
        "path": source["source"],
        "step": source["source"],
        "kind": "hold",
        "name": source["source"],
        "state": _SOURCE_WORDS[source["state"]],  # type: ignore[typeddict-item]
        "since": source["verified_at"] or render_instant(placed_at),
        "detail": f"{source['state']}: {source['detail']}" if source["detail"] else source["state"],
    }
