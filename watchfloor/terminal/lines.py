"""Rows of the lists, in words that need no colour to be understood. Pure."""

from datetime import datetime

from rich.text import Text

from watchfloor.cli.instants import clock_time, left
from watchfloor.client.runs import RunSummary
from watchfloor.drawing.words import show_controls
from watchfloor.signing import find_priority, neutral_name, parse_instant
from watchfloor.terminal.feed import Waiting

WORDS = {
    "approval": "approve?",
    "decide": "decide",
    "task": "task",
    "handoff": "take over?",
    "release": "release hold?",
    "failed": "failed",
    "doubt": "in doubt",
    "review": "review",
    "severity": "lower severity?",
    "dismissal": "dismiss?",
    "outside": "done by hand?",
}


def waiting_row(one: Waiting, now: datetime, *, name: bool = True) -> Text:
    """What waits until when, and what silence does; where it stands too, where rows of several incidents are mixed."""
    ask = one.at.ask
    pressing = ask["deadline_at"] is not None and parse_instant(ask["deadline_at"]) <= now
    head = Text(no_wrap=True, overflow="ellipsis")
    head.append(f"{left(ask['deadline_at'], now):>14}  ", style="bold red" if pressing else "bold")
    head.append(f"{WORDS.get(ask['kind'], ask['kind'])} ", style="bold yellow")
    head.append(show_controls(ask["title"] or ask["step"]), style="bold")
    where = Text(" " * 16, no_wrap=True, overflow="ellipsis")
    if one.taken:
        where.append("YOURS ", style="bold cyan")
    priority = find_priority(one.at.board["severity"] or one.severity, one.at.board.get("pressure", ""), now)
    where.append(f"{priority} {one.severity} ", style="bold")
    if name:
        where.append(f"{neutral_name(one.incident)} · ")
    if "exposure" in ask:
        where.append(f"EXPOSURE {ask['exposure']} · ", style="bold")
    where.append(f"until {clock_time(ask['deadline_at'], now)}" if ask["deadline_at"] else "no deadline")
    where.append(f" · {len(ask['answers'])} answered" if ask["answers"] else "")
    silence = Text(f"{'':16}if nobody answers: {show_controls(ask['on_silence'])}", style="dim", no_wrap=True)
    silence.overflow = "ellipsis"
    return Text("\n").join([head, where, silence] if name else [head, silence])


def run_row(run: RunSummary, now: datetime, commander: str) -> Text:
    """One line of the board; fits 80 columns."""
    over = run.due_at is not None and run.due_at <= now and run.closed_at is None
    if run.closed_at is not None:
        due, priority = "", "--"
    else:
        priority = run.priority or "P?"
        seconds = (run.due_at - now).total_seconds() if run.due_at is not None else 0.0
        due = "" if run.due_at is None else left(run.due_at.isoformat(), now) if abs(seconds) < 864_000 else "10d +"
    row = Text(no_wrap=True, overflow="ellipsis")
    row.append(f"{priority:<3}", style="bold red" if priority == "P0" else "bold")
    row.append(f"{run.severity:<3}").append(f"{due:>13} ", style="bold red" if over else "")
    row.append(f"{neutral_name(run.incident):<13}", style="bold")
    state = f"LOST ({run.status})" if run.lost else run.state or run.status
    row.append(f"{state:<7} ", style="bold red" if run.lost else "bold yellow" if state == "paused" else "")
    row.append(f"{run.phase:<12.12} ")
    waits = ", ".join(run.waiting)
    row.append(f"waits on {waits}" if waits else "runs", style="" if waits else "dim")
    return row.append(f" · {commander} commands" if commander else "", style="dim")
