"""Clocks as bars: how much has passed, who set the length, and who said when it began. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.incident import ClockState, FactState
from schemas.plan import ClockLaw, ClockPlan, Expr, Plan
from watchfloor.drawing.words import render_reach, render_span, say_time
from watchfloor.signing import parse_instant

_RANK = {"breached": 0, "running": 1, "paused": 2, "late": 3, "assigned": 4, "met": 5, "waiting": 6}
_RUNNING = frozenset({"running", "breached"})
_SOON = 0.25
"""Share of a clock below which what is left is shown as pressing."""
_STATES = {
    "waiting": "not started",
    "running": "running",
    "paused": "stands still",
    "met": "met",
    "breached": "BREACHED",
    "late": "stopped late",
    "assigned": "handed on",
}


@dataclass(frozen=True, slots=True)
class ClockBar:
    """One clock as a bar. `gone` is the share that has passed, 0 to 100; `starter` says whose word its start is;
    `notes` what else is to be known of it. `keeps` is true of a retention: its end is no deadline."""

    name: str
    state: str
    word: str
    gone: int
    left: str
    started_at: str | None
    due_at: str | None
    basis: str
    starter: str
    notes: tuple[str, ...]
    pressing: bool
    keeps: bool


def list_clocks(
    clocks: Sequence[ClockState], plan: Plan | None, now: datetime, facts: Mapping[str, FactState] | None = None
) -> list[ClockBar]:
    """The clocks, the most urgent first; retentions that run come after what presses."""
    bars = [_draw(clock, plan, now, facts or {}) for clock in clocks]
    return sorted(
        bars, key=lambda one: (one.keeps and one.state == "running", _RANK[one.state], one.due_at or "9", one.name)
    )


def _draw(clock: ClockState, plan: Plan | None, now: datetime, facts: Mapping[str, FactState]) -> ClockBar:
    written = plan["clocks"].get(clock.get("of", clock["name"])) if plan else None
    keeps = written is not None and written["law"]["kind"] in {"min_retention", "max_retention"}
    gone, pressing = 0, clock["state"] in {"breached", "late"}
    if clock["started_at"] and clock["due_at"] and clock["state"] in _RUNNING:
        start, due = parse_instant(clock["started_at"]), parse_instant(clock["due_at"])
        whole = (due - start).total_seconds()
        share = 1.0 if whole <= 0 else min(1.0, max(0.0, (now - start).total_seconds() / whole))
        gone, pressing = round(100 * share), not keeps and share >= 1 - _SOON
    return ClockBar(
        name=clock["name"],
        state=clock["state"],
        word="keeps" if keeps and clock["state"] == "running" else _STATES[clock["state"]],
        gone=gone,
        left=_say_left(clock, now),
        started_at=clock["started_at"],
        due_at=clock["due_at"],
        basis=say_basis(written["law"]) if written else "",
        starter=say_starter(clock, written, facts),
        notes=tuple(_list_notes(clock, written, now)),
        pressing=pressing,
        keeps=keeps,
    )


def say_basis(law: ClockLaw) -> str:
    """Whether the law or we set the length, and how well it is known."""
    counted = law["duration"] is not None or law["business_days"] is not None or law["months"] is not None
    doubt = "" if law["basis"] == "V" else ", reading not verified"
    if law["basis"] == "P":
        return f"our objective: {law['legal_ref']}"
    return f"{'law' if counted else 'our objective, the law gives no number'}: {law['legal_ref']}{doubt}"


def say_starter(clock: ClockState, written: ClockPlan | None, facts: Mapping[str, FactState]) -> str:
    """Whose word the clock's start is: the fact that it counts from, who reported it, from where."""
    if "came_from" in clock:
        return f"it was started in {clock['came_from']} and moved here"
    if written is None:
        return ""
    if clock["started_at"] is None:
        return f"starts with `{written['start']['src']}`"
    expr = written["restart"] if clock["restarts"] and written["restart"] else written["start"]
    named = [(name, facts[name]) for name in _list_facts(expr) if name in facts]
    if not named:
        return f"the engine, when `{expr['src']}` came true"
    name, fact = named[-1]
    who = f"{fact['by']}, " if fact["by"] not in {"", "engine", fact["source"]} else ""
    revised = f", revised {len(fact['revisions'])} times" if fact["revisions"] else ""
    return f"{who}{_say_source(fact['source'])}: `{name}`{revised}"


def _say_source(source: str) -> str:
    """A fact's source in words."""
    kind, _, name = source.partition(".")
    if kind == "inputs":
        return f"the order that came in (`{name}`)"
    if kind == "steps":
        return f"step `{name}`"
    if kind == "trigger":
        return "the sender, who knew of it" if name == "known_at" else "the gateway, when it received it"
    return source


def _list_facts(expr: Expr) -> list[str]:
    found = [variable.removeprefix("has.").split(".") for variable in expr["vars"]]
    return list(dict.fromkeys(parts[1] for parts in found if parts[0] == "facts" and len(parts) > 1))


def _list_notes(clock: ClockState, written: ClockPlan | None, now: datetime) -> list[str]:
    notes: list[str] = []
    if clock["restarts"]:
        notes.append(f"began anew {clock['restarts']} {'time' if clock['restarts'] == 1 else 'times'}")
    still = [one for one in clock.get("pauses", ()) if one["until"] is None]
    notes += [f"stands still since {say_time(one['since'], now)}: {one['reason'].replace('_', ' ')}" for one in still]
    for one in clock.get("pauses", ()):
        if one["until"] is not None:
            seconds = (parse_instant(one["until"]) - parse_instant(one["since"])).total_seconds()
            notes.append(f"stood still for {render_span(seconds)}: {one['reason'].replace('_', ' ')}")
    granted = sum(one["granted"] for one in clock.get("renewals", ()))
    if granted:
        notes.append(f"renewed {granted} {'time' if granted == 1 else 'times'}")
    if any(not one["granted"] for one in clock.get("renewals", ())):
        notes.append("a renewal did not count; the timeline says why")
    if clock["assigned_to"]:
        notes.append(f"now with {clock['assigned_to']}")
    if clock["warned"] and clock["state"] in _RUNNING:
        notes.append(f"warned {len(clock['warned'])} {'time' if len(clock['warned']) == 1 else 'times'}")
    if "calendar_known" in clock:
        notes.append(f"check by hand: holidays are known {render_reach(clock['calendar_known'])} only")
    if clock["state"] == "waiting" and written is not None and written.get("cond"):
        cond = written["cond"]
        notes.append(f"only if `{cond['src']}`" if cond else "")
    return notes


def _say_left(clock: ClockState, now: datetime) -> str:
    """What is left of a clock that runs or stands still, or how it stopped; empty where nothing is to be said."""
    if clock["due_at"] is None:
        return ""
    due = parse_instant(clock["due_at"])
    if clock["state"] in _RUNNING:
        return say_left(due, now)
    if clock["state"] == "paused":
        still = [one["since"] for one in clock.get("pauses", ()) if one["until"] is None]
        since = max([*still, clock["started_at"] or ""], default="")
        return f"{render_span((due - parse_instant(since)).total_seconds())} left when it goes on" if since else ""
    if clock["stopped_at"] is not None:
        seconds = (due - parse_instant(clock["stopped_at"])).total_seconds()
        return f"{render_span(abs(seconds))} {'to spare' if seconds >= 0 else 'late'}"
    return ""


def say_left(due: datetime | None, now: datetime) -> str:
    """`19m 58s left`, `4m over`, or that nothing presses."""
    if due is None:
        return "no deadline"
    seconds = (due - now).total_seconds()
    return f"{render_span(float(round(abs(seconds))))} {'left' if seconds >= 0 else 'over'}"
