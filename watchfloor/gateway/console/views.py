"""From boards to what a screen shows: how bad, what waits on whom until when, what happens on silence. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.decision import OpenAsk
from schemas.incident import Board, ClockState
from schemas.plan import ClockLaw, Plan
from watchfloor.cases import Case
from watchfloor.drawing.words import render_span
from watchfloor.identity.people import Person
from watchfloor.signing import find_priority, in_words, neutral_name, open_slots, parse_instant

_CLOCK_RANK = {"breached": 0, "running": 1, "paused": 2, "late": 3, "assigned": 4, "met": 5, "waiting": 6}
_RUNNING = {"running", "breached"}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_SOON = 0.25
"""Share of a clock below which what is left is shown as pressing."""


@dataclass(frozen=True, slots=True)
class AskCard:
    """One question that waits. `mine` when the person may fill an open seat of some option."""

    workflow: str
    path: str
    incident: str
    name: str
    step: str
    kind: str
    title: str
    severity: str
    roles: tuple[str, ...]
    deadline_at: str | None
    left: str
    pressing: bool
    on_silence: str
    answered: int
    mine: bool
    exposure: str

    @property
    def url(self) -> str:
        return f"/console/asks/{self.workflow}/{self.path}"


@dataclass(frozen=True, slots=True)
class ClockBar:
    """One clock as a bar. `gone` is the share that has passed, 0 to 100."""

    name: str
    state: str
    gone: int
    left: str
    due_at: str | None
    basis: str
    pressing: bool


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One incident on the board."""

    incident: str
    name: str
    title: str
    runbook: str
    severity: str
    state: str
    phase: str
    waiting: tuple[str, ...]
    due_at: str | None
    left: str
    pressing: bool
    priority: str

    @property
    def url(self) -> str:
        return f"/console/incidents/{self.incident}"


def is_instant(text: str) -> bool:
    """Whether a text is an instant as boards write it."""
    return _INSTANT.fullmatch(text) is not None


def list_asks(boards: Iterable[Board], person: Person, now: datetime, *, all_of_them: bool = False) -> list[AskCard]:
    """What waits, the nearest deadline first; only what this person may answer unless all are wanted."""
    cards = [draw_ask(board, ask, person, now) for board in boards for ask in board["asks"]]
    wanted = [card for card in cards if card.mine or all_of_them]
    return sorted(wanted, key=lambda card: (card.deadline_at or "9999", card.incident, card.path))


def draw_ask(board: Board, ask: OpenAsk, person: Person, now: datetime) -> AskCard:
    answered = {str(one["body"]["person"]) for one in ask["answers"]}
    seats = [slot for slots in ask["options"].values() for slot in slots]
    roles = tuple(dict.fromkeys(role for slot in seats for role in slot["any_of"]))
    excluded = person.id in ask["exclude"] or all(role in ask["exclude"] for role in person.roles)
    mine = bool(set(roles) & set(person.roles)) and person.id not in answered and not excluded
    due = parse_instant(ask["deadline_at"]) if ask["deadline_at"] else None
    asked = parse_instant(ask["asked_at"])
    return AskCard(
        workflow=board["workflow"],
        path=ask["path"],
        incident=board["workflow"],
        name=neutral_name(board["workflow"]),
        step=ask["step"],
        kind=ask["kind"],
        title=ask["title"],
        severity=board["severity"],
        roles=roles,
        deadline_at=ask["deadline_at"],
        left=say_left(due, now),
        pressing=due is not None and (due - now) < _SOON * (due - asked),
        on_silence=ask["on_silence"],
        answered=int(ask.get("answered", len(answered))),
        mine=mine,
        exposure=ask.get("exposure", ""),
    )


def list_open(ask: OpenAsk) -> list[str]:
    """The seats of each option that nobody fills yet, in words."""
    lines: list[str] = []
    for option, slots in ask["options"].items():
        same = [one["body"] for one in ask["answers"] if one["body"]["option"] == option]
        left = in_words(open_slots(slots, same))
        lines.append(f"{option}: {', '.join(left) if left else 'all seats filled'}")
    return lines


def list_clocks(clocks: Sequence[ClockState], plan: Plan | None, now: datetime) -> list[ClockBar]:
    """The clocks, the most urgent first."""
    ordered = sorted(clocks, key=lambda one: (_CLOCK_RANK.get(one["state"], 9), one["due_at"] or "9999", one["name"]))
    return [_draw_clock(clock, plan, now) for clock in ordered]


def _draw_clock(clock: ClockState, plan: Plan | None, now: datetime) -> ClockBar:
    found = plan["clocks"].get(clock.get("of", clock["name"])) if plan else None
    gone, pressing = 0, clock["state"] in {"breached", "late"}
    if clock["started_at"] and clock["due_at"] and clock["state"] in _RUNNING:
        start, due = parse_instant(clock["started_at"]), parse_instant(clock["due_at"])
        whole = (due - start).total_seconds()
        share = 1.0 if whole <= 0 else min(1.0, max(0.0, (now - start).total_seconds() / whole))
        gone, pressing = round(100 * share), share >= 1 - _SOON
    due_at = parse_instant(clock["due_at"]) if clock["due_at"] and clock["state"] in _RUNNING else None
    return ClockBar(
        name=clock["name"],
        state=clock["state"],
        gone=gone,
        left=say_left(due_at, now) if due_at else "",
        due_at=clock["due_at"],
        basis=say_basis(found["law"]) if found else "",
        pressing=pressing,
    )


def say_basis(law: ClockLaw) -> str:
    """Whether the law or we set the length, and how well it is known."""
    counted = law["duration"] is not None or law["business_days"] is not None or law["months"] is not None
    doubt = "" if law["basis"] == "V" else ", reading not verified"
    if law["basis"] == "P":
        return f"our objective: {law['legal_ref']}"
    return f"{'law' if counted else 'our objective, the law gives no number'}: {law['legal_ref']}{doubt}"


def list_cases(cases: Iterable[Case], now: datetime) -> list[CaseLine]:
    """Incidents by priority: the worse of severity and of what is left of the nearest deadline; then by deadline."""
    lines = [draw_case(case, now) for case in cases]
    return sorted(lines, key=lambda one: (one.priority, one.due_at or "9999", one.incident))


def draw_case(case: Case, now: datetime) -> CaseLine:
    board = case.board
    clocks = [clock for clock in board["clocks"] if clock["state"] in _RUNNING and clock["due_at"]]
    dues = [str(clock["due_at"]) for clock in clocks] + [
        str(a["deadline_at"]) for a in board["asks"] if a["deadline_at"]
    ]
    due_at = min(dues, default=None)
    priority = find_priority(case.severity, board.get("pressure", ""), now)
    waiting = dict.fromkeys(
        role for ask in board["asks"] for slots in ask["options"].values() for slot in slots for role in slot["any_of"]
    )
    return CaseLine(
        incident=case.incident,
        name=neutral_name(case.incident),
        title=board["title"],
        runbook=case.runbook,
        severity=case.severity,
        state=case.state,
        phase=board["phase"],
        waiting=tuple(waiting),
        due_at=due_at,
        left=say_left(parse_instant(due_at), now) if due_at else "",
        pressing=priority == "P0" or (due_at is not None and parse_instant(due_at) <= now),
        priority=priority,
    )


def say_left(due: datetime | None, now: datetime) -> str:
    """`19m 58s left`, `4m over`, or that nothing presses."""
    if due is None:
        return "no deadline"
    seconds = (due - now).total_seconds()
    return f"{render_span(float(round(abs(seconds))))} {'left' if seconds >= 0 else 'over'}"
