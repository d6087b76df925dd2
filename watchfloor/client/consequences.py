"""What happens if one approves, denies or stays silent: read from plan and run, never guessed. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schemas.decision import OpenAsk
from schemas.incident import Board
from schemas.plan import Plan
from watchfloor.client.following import find_next, list_follow_ups, say_end, say_steps
from watchfloor.client.loop_items import find_loop, say_place
from watchfloor.client.standstill import find_step
from watchfloor.drawing.words import join_words, render_span, say_time
from watchfloor.signing import in_words, open_slots

SILENCE = "silence"
_EFFECTS = {
    "reads": "is done",
    "restricts": "restricts",
    "destroys": "destroys for good",
    "discloses": "discloses; what is sent cannot be called back",
    "reveals": "shows material",
}
_GRANTS = frozenset({"approve", "break_glass"})


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows from one option, or from `silence`: the nearest first. `needs` are the seats that somebody must fill
    beside who reads this before anything of it happens."""

    option: str
    lines: tuple[str, ...]
    needs: tuple[str, ...] = ()


def list_consequences(
    plan: Plan | None, board: Board, ask: OpenAsk, role: str = "", *, now: datetime
) -> list[Consequence]:
    """Each option with what follows from it, then silence.

    Args:
        now: by which an instant of another day is one.
        role: the role in which the reader would answer; their own seat is then not among what is needed.
    """
    step = find_step(plan, ask["step"])
    found = [
        Consequence(option, tuple(_follows(plan, board, step, ask, option)), _needs(ask, option, role))
        for option in ask["options"]
    ]
    return [*found, Consequence(SILENCE, tuple(_silent(plan, board, step, ask, now)))]


def say_undo(plan: Plan | None, ask: OpenAsk) -> str:
    """What takes the gated action back; empty where nothing is gated."""
    if ask["kind"] == "release":
        return "a new hold freezes deletion again; what was deleted until then stays deleted"
    step = find_step(plan, ask["step"])
    if step is None or not ask["action"]:
        return ""
    undo = step.get("undo")
    if undo is None:
        return "nothing takes it back: it is final" if step.get("irreversible") else "nothing takes it back by itself"
    named = [one for one in undo["on"] if one not in {"expires", "deny"}]
    by_itself = [f"the fact `{one}`" for one in named]
    if "deny" in undo["on"]:
        by_itself.append("a no at its review")
    if step.get("expires") is not None:
        by_itself.append(f"the end of {_say_duration(step['expires'])}")
    when = f", by itself on {join_words(by_itself, 'or')}" if by_itself else ""
    return f"`{undo['action']}` takes it back{when}"


def _needs(ask: OpenAsk, option: str, role: str) -> tuple[str, ...]:
    if "answered" in ask:
        return ()
    same = [one["body"] for one in ask["answers"] if one["body"]["option"] == option]
    own: list[Any] = [{"person": "", "role": role, "option": option}] if role else []
    return tuple(in_words(open_slots(ask["options"][option], [*same, *own])))


def _follows(plan: Plan | None, board: Board, step: Mapping[str, Any] | None, ask: OpenAsk, option: str) -> list[str]:
    match ask["kind"]:
        case "approval":
            return _gated(plan, board, step, ask, option)
        case "decide" if step is not None:
            written = step["options"].get(option, {}).get("steps", [])
            said = say_steps(written) or ["nothing more is done here"]
            return [*said, *_after(plan, board, step, ask, written)]
        case "task":
            return ["what you report is recorded", *_after(plan, board, step, ask, [])]
        case "review":
            return _reviewed(plan, board, step, ask, option)
        case "failed":
            return _failed(plan, board, step, option)
        case "doubt":
            return _doubted(plan, board, step, ask, option)
        case "handoff":
            return _handed(board, option)
        case "release":
            return ["the hold ends; deletion is possible again at every custodian, and each lifting is on record"]
        case "severity":
            return _lowered(board, ask, option)
        case "dismissal":
            keeps = ["it stays an incident and goes on as it is"]
            return keeps if option == "keep" else ["the incident ends as dismissed", *say_end(plan, board)]
        case "outside" if option == "confirm":
            counts = "it counts as done when it was done, and the run does not carry it out"
            return [counts, "a restriction is in force since then, and is taken back like any other"]
        case "outside":
            return ["what was said does not count", "the step goes on as if nothing had been said: its gate asks anew"]
    return ["the run goes on as the runbook says"]


def _after(
    plan: Plan | None,
    board: Board,
    step: Mapping[str, Any] | None,
    ask: OpenAsk,
    written: Sequence[Mapping[str, Any]],
) -> list[str]:
    """What the facts that come of it start and stop, and which step is next."""
    lines = list_follow_ups(plan, board, step, written)
    item = _say_item(plan, board, ask)
    following = find_next(plan, ask["step"])
    ends = any(one["kind"] == "stop" for one in written)
    return [*lines, *([item] if item else []), *([f"next: {following}"] if following and not ends else [])]


def _say_item(plan: Plan | None, board: Board, ask: OpenAsk) -> str:
    """Which item of a loop this is about."""
    place = say_place(plan, board, ask["path"])
    loop = find_loop(ask["path"]).rpartition("/")[2]
    return f"this is item {place} of `{loop}`; the others are not touched by it" if place else ""


def _gated(plan: Plan | None, board: Board, step: Mapping[str, Any] | None, ask: OpenAsk, option: str) -> list[str]:
    if option not in _GRANTS:
        return _denied(plan, board, step, ask)
    effect = _EFFECTS.get(step["effect"] if step is not None else "", "is done")
    lines = [f"`{ask['action']}` {effect}: exactly what is listed here, once"]
    if step is None:
        return lines
    glass = (step.get("approval") or {}).get("break_glass")
    if option == "break_glass" and glass:
        lines.append(f"nobody else approves it; afterwards {_say_review(glass['review'])}")
    if step.get("review"):
        lines.append(f"afterwards {_say_review(step['review'])}")
    if step.get("expires") is not None:
        lines.append(f"it ends by itself after {_say_duration(step['expires'])}")
    return [*lines, *_after(plan, board, step, ask, [])]


def _denied(plan: Plan | None, board: Board, step: Mapping[str, Any] | None, ask: OpenAsk) -> list[str]:
    written = ((step or {}).get("approval") or {}).get("on_deny", "stop")
    lines = [f"`{ask['action']}` is not done"]
    if written == "stop":
        return [*lines, "the run ends as denied", *say_end(plan, board)]
    if written == "fail":
        return [*lines, *_say_failure(step)]
    return [*lines, *say_steps(written), *_after(plan, board, None, ask, written)]


def _reviewed(plan: Plan | None, board: Board, step: Mapping[str, Any] | None, ask: OpenAsk, option: str) -> list[str]:
    if option == "approve" or step is None:
        return ["it stays as it is"]
    glass = (step.get("approval") or {}).get("break_glass") or {}
    rule = glass.get("review") if ask["path"].endswith("!break_glass") else step.get("review")
    written = (rule or {}).get("on_deny", "keep")
    if written == "undo":
        undo = (step.get("undo") or {}).get("action", "its undo")
        return [f"it is taken back: `{undo}` runs, nobody is asked again"]
    if written == "keep":
        return ["it stays as it is; the no is on record"]
    return [*say_steps(written), *list_follow_ups(plan, board, None, written)]


def _failed(plan: Plan | None, board: Board, step: Mapping[str, Any] | None, option: str) -> list[str]:
    if option == "retry":
        return ["the step is tried again under the same keys: what took effect is not done twice"]
    if option == "skip":
        missed = list((step or {}).get("records", {}))
        lines = ["the step is left out and the run goes on"]
        if missed:
            lines.append(
                f"it records no {join_words([f'`{one}`' for one in missed], 'and')}; clocks that wait for it run on"
            )
        following = find_next(plan, str((step or {}).get("id", "")))
        return [*lines, *([f"next: {following}"] if following else [])]
    return ["the run ends as failed", *say_end(plan, board)]


def _doubted(plan: Plan | None, board: Board, step: Mapping[str, Any] | None, ask: OpenAsk, option: str) -> list[str]:
    if option == "happened":
        return ["it counts as done; nothing is sent again", *_after(plan, board, step, ask, [])]
    if option == "resend":
        return [
            f"`{ask['action']}` is sent again under the same key; if it did take effect before, it may happen twice"
        ]
    return ["nothing is sent again", *_say_failure(step)]


def _handed(board: Board, option: str) -> list[str]:
    if option == "accept":
        return ["this region takes it on; what you read back is checked against the packet", "who sent it is told"]
    return ["it stays where it is; who sent it is told and goes on with their fallback"]


def _lowered(board: Board, ask: OpenAsk, option: str) -> list[str]:
    if option == "keep":
        return [f"severity stays {board['severity']}"]
    level = next((one["value"] for one in ask["shown"] if one["label"] == "proposed severity"), "lower")
    cleared = [one["value"] for one in ask["shown"] if one["label"] == "clears"]
    lines = [f"severity becomes {level}; pages climb and a status is due at that level's pace"]
    return [*lines, *(["it stands over what protects life here; a new fact ends it"] if cleared else [])]


def _silent(plan: Plan | None, board: Board, step: Mapping[str, Any] | None, ask: OpenAsk, now: datetime) -> list[str]:
    lines: list[str] = []
    for rung in ask.get("ladder", [])[ask.get("climbed", 0) :]:
        if rung["kind"] != "lapse":
            verb = "reminded" if rung["kind"] == "remind" else "paged"
            who = join_words(rung["roles"], "and") or "who was asked"
            are = "are" if len(rung["roles"]) > 1 else "is"
            lines.append(f"{say_time(rung['at'], now)}: {who} {are} {verb}")
    end = f"{say_time(ask['deadline_at'], now)}: " if ask["deadline_at"] else "no deadline: "
    written = _find_silence(step, ask)
    if written == "fail":
        first, *more = _say_failure(step)
        lines += [f"{end}{first}", *more]
    else:
        lines.append(f"{end}{ask['on_silence']}")
    if isinstance(written, list):
        lines += [*say_steps(written), *list_follow_ups(plan, board, None, written)]
    if ask["kind"] == "failed":
        lines += say_end(plan, board)
    if ask["kind"] == "doubt":
        lines += _say_failure(step)
    return lines


def _find_silence(step: Mapping[str, Any] | None, ask: OpenAsk) -> Any:
    if step is None or ask["kind"] not in {"approval", "decide", "task"}:
        return None
    rule = (step.get("approval") or {}).get("on_silence") if ask["kind"] == "approval" else step.get("on_silence")
    return rule["then"] if rule else None


def _say_failure(step: Mapping[str, Any] | None) -> list[str]:
    """What a failed step leads to, as its own `on_error` says."""
    if step is None:
        return ["the step fails"]
    if step["on_error"] == "continue":
        return ["the step fails and the run goes on without it"]
    if isinstance(step["on_error"], list):
        return ["the step fails", *say_steps(step["on_error"])]
    if step.get("catches"):
        return ["the step fails; the runbook's own way for that is taken"]
    return ["the step fails; unless a block around it catches that, the commander is asked what to do"]


def _say_review(rule: Mapping[str, Any]) -> str:
    roles = join_words([" or ".join(slot["any_of"]) for slot in rule["slots"]], "and")
    no = {"undo": "a no takes it back", "keep": "a no keeps it"}.get(
        str(rule["on_deny"]), "a no leads to written steps"
    )
    return f"{roles} review it within {_say_duration(rule['within'])}: {no}"


def _say_duration(given: Any) -> str:
    return f"{given['share'] * 100:g}% of {given['of']}" if isinstance(given, dict) else render_span(float(given))
