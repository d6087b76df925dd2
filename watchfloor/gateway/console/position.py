"""Where a run stands in its runbook: every step of the phase it is in, the other phases in one line each. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from schemas.incident import Board
from schemas.plan import Plan
from watchfloor.drawing.railway import WORDS, Mark, Stop, draw_railway

_DONE: dict[str, Mark] = {
    "done": "done",
    "skipped": "skipped",
    "failed": "failed",
    "denied": "failed",
    "silent": "failed",
    "running": "running",
    "waiting": "waiting",
    "retrying": "running",
}
_NAMED = {"action": "action", "decide": "decision", "for_each": "for each", "postmortem": "review", "run": "runbook"}
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?Z")
MOST = 120
"""Stops that one picture shows."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the board says of each step: state and detail by id, counts of loops by id."""

    states: Mapping[str, tuple[Mark, str]]
    loops: Mapping[str, Mapping[str, Any]]
    chosen: Mapping[str, str]
    today: str


def list_stops(plan: Plan, board: Board) -> list[Stop]:
    """The way through a runbook with what became of each part of it so far."""
    seen = _look(board)
    stops: list[Stop] = []
    ended = board["state"] not in {"open", "paused"}
    states = {phase["name"]: phase["state"] for phase in board["phases"]}
    for index, phase in enumerate(plan["phases"]):
        state = states.get(phase["name"], "waiting")
        name = f"{index + 1} · {phase['name'].replace('_', ' ')}"
        here = state == "running" and not ended
        if here:
            stops += [Stop(name, "line"), *_walk(phase["steps"], seen, 1)]
        else:
            mark: Mark = "done" if state == "done" else "ahead"
            count = len(phase["steps"])
            stops.append(Stop(name, mark, 0, f"{count} {'step' if count == 1 else 'steps'}"))
    for track in plan["tracks"]:
        if any(step["id"] in seen.states for step in track["steps"]):
            stops += [Stop(f"beside it: {track['id'].replace('_', ' ')}", "line"), *_walk(track["steps"], seen, 1)]
    return stops[:MOST]


def draw_position(stops: Sequence[Stop]) -> Markup:
    """The picture of it, to stand in a page: all text in it is escaped."""
    # made by our own canvas, which escapes whatever is written
    return Markup(draw_railway(stops, title="Where it stands in its runbook", desc=say_position(stops)))  # noqa: S704


def say_position(stops: Sequence[Stop]) -> str:
    """The picture in a sentence, for who cannot see it."""
    told: list[str] = []
    for mark in ("failed", "waiting", "running", "done"):
        named = [stop.title for stop in stops if stop.mark == mark]
        if named:
            told.append(f"{WORDS[mark]}: {', '.join(named[:6])}{' and more' if len(named) > 6 else ''}")
    return "; ".join(told) or "nothing has begun"


def _look(board: Board) -> _Seen:
    states: dict[str, tuple[Mark, str]] = {}
    for step in board["steps"]:
        before = states.get(step["step"])
        mark = _DONE[step["state"]]
        # of the items of a loop the one that needs somebody is told of
        if before is None or _grave(mark) >= _grave(before[0]):
            states[step["step"]] = (mark, step["detail"])
    loops = {str(loop["step"]): loop for loop in board["loops"]}
    chosen = {
        step["step"]: step["detail"].partition("option: ")[2]
        for step in board["steps"]
        if step["kind"] == "decide" and step["detail"].startswith("option: ")
    }
    return _Seen(states, loops, chosen, board["now"][:10])


def _grave(mark: Mark) -> int:
    return ("ahead", "skipped", "done", "running", "waiting", "failed").index(mark)


def _walk(steps: Sequence[Mapping[str, Any]], seen: _Seen, depth: int) -> Iterator[Stop]:
    for step in steps:
        mark, detail = seen.states.get(step["id"], ("ahead", ""))
        loop = seen.loops.get(step["id"])
        if loop is not None:
            failed = f", {loop['failed']} failed" if loop["failed"] else ""
            detail = f"{loop['done']} of {loop['total']} done{failed}"
        shown = shorten(detail, seen.today) if mark in {"running", "waiting", "failed"} or loop is not None else ""
        kind = _NAMED.get(step["kind"], step["kind"])
        gate = " · asks first" if step.get("approval") else ""
        yield Stop(str(step["name"] or step["id"]), mark, depth, shown or (f"{kind}{gate}" if mark != "done" else ""))
        yield from _walk_inside(step, seen, depth + 1)


def shorten(detail: str, today: str) -> str:
    """A detail of the board with its instants as times of the day, and the day where that is another."""
    return _INSTANT.sub(lambda found: f"{'' if found[1] == today else found[1] + ' '}{found[2]} UTC", detail)


def _walk_inside(step: Mapping[str, Any], seen: _Seen, depth: int) -> Iterator[Stop]:
    """What stands inside a step: of ways that exclude each other only those taken or still possible."""
    for label, block in _list_blocks(step):
        taken = any(one["id"] in seen.states for one in block)
        if not block or (label and not taken and step["id"] in seen.states):
            continue
        if label:
            yield Stop(label, "line", depth)
        yield from _walk(block, seen, depth)


def _list_blocks(step: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
    match step["kind"]:
        case "parallel":
            yield from (("", steps) for steps in step["branches"].values())
        case "for_each" | "repeat" | "try":
            yield "", step["steps"]
        case "decide":
            yield from ((f"if {name}", option["steps"]) for name, option in step["options"].items())
        case "choose":
            yield from ((f"when {case['when']['src']}", case["steps"]) for case in step["cases"])
            yield "otherwise", step["otherwise"] or []
    for label, handler in (
        ("on an error", step.get("on_error")),
        ("too late", step.get("on_timeout")),
        ("used up", step.get("on_exhausted")),
        ("denied", (step.get("approval") or {}).get("on_deny")),
        ("silence", ((step.get("approval") or {}).get("on_silence") or step.get("on_silence") or {}).get("then")),
    ):
        if isinstance(handler, list):
            yield label, handler
