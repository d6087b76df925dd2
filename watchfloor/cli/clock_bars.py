"""Clocks as bars: how much is gone, how much is left, whether the law or we set it."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from rich.text import Text

from schemas.incident import ClockState
from schemas.plan import ClockLaw, ClockPlan, Plan
from watchfloor.cli.instants import clock_time, left, span
from watchfloor.drawing.words import render_reach, show_controls
from watchfloor.signing import parse_instant

WIDTH = 20
NAME_WIDTH = 14


@dataclass(frozen=True, slots=True)
class ClockRow:
    """One clock on the board, with what the plan knows about it. `plan` is None when the plan could not be read."""

    state: ClockState
    plan: ClockPlan | None

    @property
    def basis(self) -> str:
        return "" if self.plan is None else basis_of(self.plan["law"])


def clock_rows(clocks: list[ClockState], plan: Plan | None) -> list[ClockRow]:
    """The clocks, the most urgent first: breached, running by due time, then the rest."""
    rows = [ClockRow(state, plan["clocks"].get(state.get("of", state["name"])) if plan else None) for state in clocks]
    rank = {"breached": 0, "running": 1, "paused": 2, "late": 3, "assigned": 4, "met": 5, "waiting": 6}
    return sorted(rows, key=lambda row: (rank[row.state["state"]], row.state["due_at"] or "9999", row.state["name"]))


def basis_of(law: ClockLaw) -> str:
    """Who set the length: `law: <reference>`, or `our objective (law says "promptly"): <reference>`."""
    counted = law["duration"] is not None or law["business_days"] is not None or law["months"] is not None
    doubt = "" if law["basis"] == "V" else ", reading not verified"
    if law["basis"] == "P":
        return f"our objective: {law['legal_ref']}"
    if counted:
        return f"law: {law['legal_ref']}{doubt}"
    return f"our objective (the law gives no number): {law['legal_ref']}{doubt}"


def render_clock(row: ClockRow, now: datetime, *, local: tzinfo | None = None) -> list[Text]:
    """One or two lines of at most 80 columns."""
    state = row.state
    retention = row.plan is not None and row.plan["law"]["kind"] in {"min_retention", "max_retention"}
    head = Text().append(f"  {state['name'][:NAME_WIDTH]:<{NAME_WIDTH}} ", style="bold")
    match state["state"]:
        case "waiting":
            start = row.plan["start"]["src"] if row.plan else "its start"
            head.append("· not started; waits for ", style="dim").append(start, style="dim")
        case "running" if retention:
            head.append("keeps until ").append(clock_time(state["due_at"], now, local=local))
        case "running":
            _append_bar(head, state, now, "green")
            head.append(f" {left(state['due_at'], now)}", style="bold")
            head.append(f", due {clock_time(state['due_at'], now, local=local)}")
        case "breached":
            head.append("█" * WIDTH, style="red").append(f" BREACHED, {left(state['due_at'], now)}", style="bold red")
            head.append(f", was due {clock_time(state['due_at'], now, local=local)}")
        case "paused":
            _append_pause(head, state, now, local)
        case "met":
            head.append("✓ met", style="green").append(_margin(state, "to spare"))
        case "late":
            head.append("✗ stopped late", style="bold red").append(_margin(state, "after it was due"))
        case "assigned":
            keeper, role = state.get("custodian", ""), state["assigned_to"]
            owner = f"{show_controls(keeper)} ({role})" if keeper else role
            head.append(f"→ now owned by {owner}", style="yellow")
            if state["due_at"]:
                head.append(f", due {clock_time(state['due_at'], now, local=local)}")
    lines = [head]
    notes = [row.basis] if row.basis else []
    if state["restarts"]:
        notes.append(f"restarted {'once' if state['restarts'] == 1 else str(state['restarts']) + ' times'}")
    if state["warned"] and state["state"] in {"running", "breached"}:
        notes.append(f"warned {', '.join(clock_time(at, now, local=local) for at in state['warned'])}")
    if granted := sum(one["granted"] for one in state.get("renewals", ())):
        notes.append(f"renewed {'once' if granted == 1 else str(granted) + ' times'}")
    if any(not one["granted"] for one in state.get("renewals", ())):
        notes.append("a renewal did not count: see the ledger")
    if state["state"] == "paused":
        reasons = [one["reason"].replace("_", " ") for one in state.get("pauses", ()) if one["until"] is None]
        notes.insert(0, f"stands still for: {', '.join(reasons)}")
    elif state.get("pauses"):
        notes.append(f"stood still {_stood_still(state)}")
    if "calendar_known" in state:
        notes.append(f"CHECK BY HAND: holidays are known {render_reach(state['calendar_known'])} only")
    if notes:
        lines.append(Text(" " * (NAME_WIDTH + 3) + " · ".join(notes), style="dim"))
    return lines


def _append_pause(head: Text, state: ClockState, now: datetime, local: tzinfo | None) -> None:
    """Since when it stands still, and how much is left when it goes on."""
    held = min(
        (one for one in state.get("pauses", ()) if one["until"] is None),
        key=lambda one: one["since"],
        default=None,
    )
    if held is None or state["due_at"] is None:
        head.append("‖ PAUSED", style="bold yellow")
        return
    since = max(held["since"], state["started_at"] or held["since"], key=parse_instant)
    head.append(f"‖ PAUSED since {clock_time(since, now, local=local)}", style="bold yellow")
    rest = (parse_instant(state["due_at"]) - parse_instant(since)).total_seconds()
    head.append(f", {span(rest)} left")


def _stood_still(state: ClockState) -> str:
    return ", ".join(
        f"{span((parse_instant(one['until']) - parse_instant(one['since'])).total_seconds())}"
        f" ({one['reason'].replace('_', ' ')})"
        for one in state.get("pauses", ())
        if one["until"] is not None
    )


def _append_bar(text: Text, state: ClockState, now: datetime, calm: str) -> None:
    gone = share_gone(state, now)
    full = min(WIDTH, int(gone * WIDTH))
    style = calm if gone < 0.5 else "yellow" if gone < 0.8 else "red"
    text.append("█" * full, style=style).append("░" * (WIDTH - full), style="dim")


def share_gone(state: ClockState, now: datetime) -> float:
    """How much of the clock is used up, 0 to 1 (more than 1 after the breach)."""
    if state["started_at"] is None or state["due_at"] is None:
        return 0.0
    started, due = parse_instant(state["started_at"]), parse_instant(state["due_at"])
    whole = (due - started).total_seconds()
    return 1.0 if whole <= 0 else max(0.0, (now - started).total_seconds() / whole)


def _margin(state: ClockState, words: str) -> str:
    if state["stopped_at"] is None or state["due_at"] is None:
        return ""
    seconds = (parse_instant(state["due_at"]) - parse_instant(state["stopped_at"])).total_seconds()
    return f" with {span(seconds)} {words}" if seconds >= 0 else f" {span(-seconds)} {words}"
