"""What follows in a plan: steps in words, what their facts start and stop, what an end leaves open. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemas.incident import Board
from schemas.plan import Expr, Plan
from watchfloor.drawing.words import join_words, render_span

TOLD = 8
"""Steps that one list names; what follows after is counted."""
_ON = frozenset({"running", "breached", "paused"})


def say_steps(steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """Steps in words, in their order."""
    said = [say_step(one) for one in steps[:TOLD]]
    more = len(steps) - TOLD
    return [*said, *([f"and {more} more"] if more > 0 else [])]


def say_step(step: Mapping[str, Any]) -> str:
    """One step in words, with what stands inside it."""
    only = f", if `{step['cond']['src']}`" if step.get("cond") else ""
    return f"{_by_kind(step)}{only}"


def _by_kind(step: Mapping[str, Any]) -> str:
    match step["kind"]:
        case "action":
            gate = step.get("approval")
            asked = f", after {_say_seats(gate['slots'])} approved" if gate else ""
            effect = "" if step["effect"] == "reads" else f" ({step['effect']})"
            return f"`{step['action']}`{effect}{asked}"
        case "decide":
            return f"{_say_seats(step['slots'])} decide `{step['id']}`"
        case "task":
            return f"{' or '.join(step['assignee']['any_of'])} does `{step['id']}` and reports"
        case "wait":
            return f"waits {_say_wait(step)}"
        case "parallel":
            inside = [_inside(branch) for branch in step["branches"].values()]
            return f"at once: {'; '.join(inside)}"
        case "for_each":
            return f"for each of {step['in_']['src']}: {_inside(step['steps'])}"
        case "choose":
            ways = [f"when `{case['when']['src']}`: {_inside(case['steps'])}" for case in step["cases"]]
            return "; ".join([*ways, f"otherwise: {_inside(step['otherwise'] or [])}"])
        case "repeat":
            every = f"every {_say_duration(step['every'])}, {step['times']} times at most"
            return f"{every}, until `{step['until']['src']}`: {_inside(step['steps'])}"
        case "hold":
            return f"a legal hold is placed ({step['basis']})"
        case "handoff":
            return f"{step['to']} is asked to {'take command' if step['mode'] == 'command' else 'assist'}"
        case "postmortem":
            return "the review begins"
        case "try":
            return f"tries: {_inside(step['steps'])}"
        case "run":
            return f"another runbook is started: `{step['runbook']}`"
        case "stop":
            return f"the run ends as {step['outcome']}"
        case other:
            return f"`{step['id']}` ({other})"


def _inside(steps: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(say_steps(steps)) or "nothing"


def _say_seats(slots: Sequence[Mapping[str, Any]]) -> str:
    return join_words([" or ".join(slot["any_of"]) for slot in slots], "and")


def _say_wait(step: Mapping[str, Any]) -> str:
    if step["fact"] is not None:
        what = f"for the fact `{step['fact']}`"
    elif step["for_"] is not None:
        return f"for {_say_duration(step['for_'])}"
    else:
        what = f"until `{step['until']['src']}`"
    return f"{what}, at most {_say_duration(step['within'])}" if step["within"] is not None else what


def _say_duration(given: Any) -> str:
    return f"{given['share'] * 100:g}% of {given['of']}" if isinstance(given, dict) else render_span(float(given))


# -- facts and what hangs on them -----------------------------------------------------------------------------------


def list_follow_ups(
    plan: Plan | None, board: Board, step: Mapping[str, Any] | None, written: Sequence[Mapping[str, Any]]
) -> list[str]:
    """What the facts of a step, and of the steps that follow from an answer, start, stop and take back; and what an
    end that is among them leaves open."""
    if plan is None:
        return []
    own = list((step or {}).get("records", {}))
    later = [name for one in _deep(written) for name in one.get("records", {}) if name not in own]
    lines = [line for name in own for line in _say_fact(plan, board, name)]
    lines += [f"later, {line}" for name in dict.fromkeys(later) for line in _say_fact(plan, board, name)]
    if any(one["kind"] == "stop" for one in written):
        lines += say_end(plan, board)
    return list(dict.fromkeys(lines))


def _say_fact(plan: Plan, board: Board, name: str) -> Iterator[str]:
    states = {clock["name"]: clock for clock in board["clocks"]}
    for clock, written in plan["clocks"].items():
        state = states[clock]["state"] if clock in states else "waiting"
        keeps = written["law"]["kind"] in {"min_retention", "max_retention"}
        if _reads(written["stop"], name) and state in _ON:
            yield f"clock `{clock}` stops"
        if _reads(written["start"], name) and state == "waiting":
            yield f"{'retention' if keeps else 'clock'} `{clock}` starts"
        if _reads(written["restart"], name) and state in _ON:
            yield f"clock `{clock}` begins anew"
        for reason, pause in written.get("pause", {}).items():
            if _reads(pause["since"], name) and state in {"running", "breached"}:
                yield f"clock `{clock}` stands still ({reason.replace('_', ' ')})"
            if _reads(pause["until"], name) and state == "paused":
                yield f"clock `{clock}` goes on"
    taken_back = sum(one["undone_at"] is None and name in one["on"] for one in board["measures"])
    if taken_back:
        yield f"{taken_back} {'measure is' if taken_back == 1 else 'measures are'} taken back by themselves"
    for track in plan["tracks"]:
        if track.get("on_fact") == name or _reads(track["when"], name):
            yield f"beside it `{track['id']}` begins: {_inside(track['steps'])}"
    for floor in plan["floors"]:
        if _reads(floor["when"], name):
            yield f"severity may rise to {floor['at_least']}"


def _reads(expr: Expr | None, fact: str) -> bool:
    """Whether an expression reads a fact."""
    wanted = f"facts.{fact}"
    return expr is not None and any(
        one == wanted or one.startswith(f"{wanted}.") for one in (name.removeprefix("has.") for name in expr["vars"])
    )


def say_end(plan: Plan | None, board: Board) -> list[str]:
    """What a run that ends leaves: clocks that get an owner, measures that stay, holds that stay placed."""
    lines: list[str] = []
    for clock in board["clocks"]:
        if clock["state"] in _ON:
            written = plan["clocks"].get(clock.get("of", clock["name"])) if plan else None
            owner = (written["on_close"] if written else None) or "incident_commander"
            lines.append(f"clock `{clock['name']}` goes on and becomes {owner}'s")
    in_force = sum(one["undone_at"] is None for one in board["measures"])
    if in_force:
        lines.append(f"{in_force} {'measure stays' if in_force == 1 else 'measures stay'} in force")
    holds = sum(one["kind"] == "hold" and one["state"] != "released" for one in board["children"])
    if holds:
        lines.append(f"{holds} {'hold stays' if holds == 1 else 'holds stay'} placed")
    others = len(board["asks"]) - 1
    if others > 0:
        lines.append(f"{others} other {'question is' if others == 1 else 'questions are'} asked no more")
    return lines


# -- order ----------------------------------------------------------------------------------------------------------


def find_next(plan: Plan | None, step: str) -> str:
    """The step that follows another in the order written, or the phase; empty where neither does."""
    if plan is None:
        return ""
    for index, phase in enumerate(plan["phases"]):
        after = plan["phases"][index + 1]["name"] if index + 1 < len(plan["phases"]) else ""
        found = _next_in(phase["steps"], step, f"phase `{after.replace('_', ' ')}`" if after else "the end of the run")
        if found is not None:
            return found
    for track in plan["tracks"]:
        found = _next_in(track["steps"], step, "")
        if found is not None:
            return found
    return ""


def _next_in(steps: Sequence[Mapping[str, Any]], wanted: str, after: str) -> str | None:
    for index, one in enumerate(steps):
        following = f"`{steps[index + 1]['id']}`" if index + 1 < len(steps) else after
        if one["id"] == wanted:
            return following
        inside = "the next item, or " + following if one["kind"] == "for_each" and following else following
        for block in _blocks(one):
            found = _next_in(block, wanted, inside)
            if found is not None:
                return found
    return None


def _blocks(step: Mapping[str, Any]) -> Iterator[Sequence[Mapping[str, Any]]]:
    """The lists of steps that stand inside a step."""
    match step["kind"]:
        case "parallel":
            yield from step["branches"].values()
        case "for_each" | "repeat":
            yield step["steps"]
        case "try":
            yield step["steps"]
            yield from (one["steps"] for one in step["handlers"])
            yield step["finally_"]
        case "choose":
            yield from (one["steps"] for one in step["cases"])
            yield step["otherwise"] or []
        case "decide":
            yield from (one["steps"] for one in step["options"].values())
    approval = step.get("approval") or {}
    for handler in (
        step.get("on_error"),
        step.get("on_timeout"),
        step.get("on_exhausted"),
        step.get("fallback"),
        approval.get("on_deny"),
        (approval.get("on_silence") or step.get("on_silence") or {}).get("then"),
    ):
        if isinstance(handler, list):
            yield handler
    yield from (one["steps"] for one in step.get("catches", ()))


def _deep(steps: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for one in steps:
        yield one
        for block in _blocks(one):
            yield from _deep(block)
