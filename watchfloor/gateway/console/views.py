"""From boards to what a screen shows: how bad, what waits on whom until when, what happens on silence. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape

from schemas.decision import OpenAsk
from schemas.incident import Board
from watchfloor.cases import Case
from watchfloor.client.resolutions import say_option
from watchfloor.drawing.words import show_controls
from watchfloor.gateway.console.clocks import say_left
from watchfloor.identity.people import Person
from watchfloor.signing import find_priority, in_words, neutral_name, open_slots, parse_instant
from watchfloor.signing.standing import find_abstained, find_delegations, find_delegators

_RUNNING = {"running", "breached"}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_CODE = re.compile(r"`([^`]{1,200})`")
_ID = re.compile(r"\b(?:INC|HOLD|HAND|IN|POST|DEL)-[A-Z0-9]{8}\b|\b(?:inc|hold|hand|in|post|del)-[a-z0-9]{20}\b")
"""Names and ids of runs and deliveries."""
_SOON = 0.25
"""Share of a clock below which what is left is shown as pressing."""


@dataclass(frozen=True, slots=True)
class AskCard:
    """One question that waits. `mine` when the person may fill an open seat of some option; `count` how many alike the
    card stands for."""

    workflow: str
    path: str
    incident: str
    name: str
    about: str
    """What the incident is, in the words of its runbook."""
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
    count: int = 1

    @property
    def url(self) -> str:
        if self.count > 1:
            return f"/console/incidents/{self.workflow}/act#{self.kind}"
        return f"/console/asks/{self.workflow}/{self.path}"


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


def say_prose(text: object, now: datetime) -> Markup:
    """A sentence of ours with names in backticks and instants in it, as markup: everything else in it is escaped."""
    said = _CODE.sub(r"<code>\1</code>", str(say_ids(text)))
    return Markup(_INSTANT.sub(lambda found: _say_instant(found[0], now), said))  # noqa: S704


def say_ids(text: object) -> Markup:
    """A text, escaped, with the names and ids in it kept whole: no line is broken at their hyphen."""
    said = str(escape(show_controls(str(text))))
    return Markup(_ID.sub(r'<span class="id">\g<0></span>', said))  # noqa: S704


def say_moment(text: str | None, now: datetime) -> Markup:
    """An instant of a board as its time of the day, with the day where that is another."""
    if not text or not is_instant(text):
        return Markup("—")
    return Markup(_say_instant(text, now))  # noqa: S704


def _say_instant(text: str, now: datetime) -> str:
    day = "" if text[:10] == now.date().isoformat() else f"{text[:10]} "
    return f'<time datetime="{text}" data-local>{day}{text[11:16]} UTC</time>'


def list_asks(boards: Iterable[Board], person: Person, now: datetime, *, all_of_them: bool = False) -> list[AskCard]:
    """What waits, the nearest deadline first; only what this person may answer unless all are wanted."""
    cards = [draw_ask(board, ask, person, now) for board in boards for ask in board["asks"]]
    wanted = [card for card in cards if card.mine or all_of_them]
    return sorted(wanted, key=lambda card: (card.deadline_at or "9999", card.incident, card.path))


def draw_ask(board: Board, ask: OpenAsk, person: Person, now: datetime) -> AskCard:
    answered = {str(one["body"]["person"]) for one in ask["answers"]}
    seats = [slot for slots in ask["options"].values() for slot in slots]
    roles = tuple(dict.fromkeys(role for slot in seats for role in slot["any_of"]))
    due = parse_instant(ask["deadline_at"]) if ask["deadline_at"] else None
    asked = parse_instant(ask["asked_at"])
    return AskCard(
        workflow=board["workflow"],
        path=ask["path"],
        incident=board["workflow"],
        name=neutral_name(board["workflow"]),
        about=board["title"],
        step=ask["step"],
        kind=ask["kind"],
        title=say_title(ask),
        severity=board["severity"],
        roles=roles,
        deadline_at=ask["deadline_at"],
        left=say_left(due, now),
        pressing=due is not None and (due - now) < _SOON * (due - asked),
        on_silence=ask["on_silence"],
        answered=int(ask.get("answered", len(answered))),
        mine=is_mine(ask, person),
        exposure=ask.get("exposure", ""),
    )


def say_title(ask: OpenAsk) -> str:
    """What is asked: a gate by what it lets through, where the runbook gave it no words of its own."""
    title = ask["title"]
    if ask["kind"] == "approval" and title in {ask["step"], ""}:
        return f"Approve `{ask['action']}`?"
    if ask["kind"] == "doubt":
        return f"Did `{ask['action']}` take effect?"
    if ask["kind"] == "failed":
        title = title.replace("_", " ")
    # an offer begins with the id of a region
    return title if ask["kind"] == "handoff" else title[:1].upper() + title[1:]


def is_mine(ask: OpenAsk, person: Person) -> bool:
    """Whether this person may fill an open seat of some option, in a role of theirs or one that was given to them."""
    given_away, given_to = find_delegations(ask), find_delegators(ask, person.id)
    out = {*(one["body"]["person"] for one in ask["answers"]), *find_abstained(ask), *ask["exclude"]}
    if person.id in out or (person.id in given_away and not given_to):
        return False
    roles = {role for slots in ask["options"].values() for slot in slots for role in slot["any_of"]}
    own = {role for role in person.roles if role not in ask["exclude"]}
    return bool(roles & own) or bool(given_to)


def find_seat(ask: OpenAsk, person: Person) -> str:
    """A role of this person that has a seat here; empty when none has, or they are not to fill one."""
    if not is_mine(ask, person):
        return ""
    given = next(iter(find_delegators(ask, person.id).values()), "")
    if given:
        return given
    seated = (role for slots in ask["options"].values() for slot in slots for role in slot["any_of"])
    return next((role for role in seated if role in person.roles), "")


def list_open(ask: OpenAsk) -> list[tuple[str, str]]:
    """Each option as its button says it, with the seats that nobody fills yet."""
    lines: list[tuple[str, str]] = []
    for option, slots in ask["options"].items():
        same = [one["body"] for one in ask["answers"] if one["body"]["option"] == option]
        left = in_words(open_slots(slots, same))
        lines.append((say_option(ask, option), ", ".join(left) if left else "all seats filled"))
    return lines


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
