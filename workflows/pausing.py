"""A clock stands still only for a reason that its law knows, from one recorded fact to another.

The facts count by their own instants, also when they are recorded late: what was breached is paused again if the reason
was there before the end. Where the law says so (`after_pause: restart`) the clock begins anew when the last reason has
gone. Ledger entries: `clock.paused`, `clock.resumed`, and `clock.restarted` in the second case.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from schemas.incident import ClockState, PauseSpan
from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.plan import ClockPlan, Expr
from watchfloor.signing import parse_instant, render_instant
from workflows.scope import Frame
from workflows.standstill import counts, find_end, find_open

FindInstant = Callable[[Expr | None, Frame], datetime | None]


class Note(Protocol):
    """Writes a ledger entry about a clock."""

    def __call__(self, kind: str, clock: ClockState, **more: Json) -> None: ...


def look_at_pauses(plan: ClockPlan, clock: ClockState, frame: Frame, find_instant: FindInstant, note: Note) -> None:
    """Take in what the facts say about a clock's pauses; its end and state are set by `settle`."""
    for reason, rule in plan.get("pause", {}).items():
        since, until = find_instant(rule["since"], frame), find_instant(rule["until"], frame)
        if since is not None:
            _take(plan, clock, reason, since, until if until is not None and until >= since else None, note)
    if plan.get("after_pause") == "restart":
        _restart(plan, clock, note)


def settle(plan: ClockPlan, clock: ClockState, now: datetime) -> None:
    """Set a clock's end, and whether it runs, from its start, pauses and renewals.

    What was breached runs again when its end turns out to lie ahead; a breach behind us stays one.
    """
    end = find_end(plan["law"], clock)
    clock["due_at"] = render_instant(end) if end is not None else None
    if find_open(plan["law"], clock) is not None:
        clock["state"] = "paused"
    elif clock["state"] == "paused" or (clock["state"] == "breached" and end is not None and end > now):
        clock["state"] = "running"


def _take(plan: ClockPlan, clock: ClockState, reason: str, since: datetime, until: datetime | None, note: Note) -> None:
    spans = clock.get("pauses", [])
    known = next((one for one in reversed(spans) if one["reason"] == reason), None)
    if known is not None and known["until"] is not None and since > parse_instant(known["until"]):
        known = None
    span: PauseSpan = {
        "reason": reason,
        "since": render_instant(since),
        "until": render_instant(until) if until is not None else None,
    }
    if known == span or (known is None and not counts(span, clock, find_end(plan["law"], clock))):
        return
    was_open = known is not None and known["until"] is None
    is_moved = known is not None and known["since"] != span["since"]
    if known is None:
        clock["pauses"] = [*spans, span]
    else:
        known["since"], known["until"] = span["since"], span["until"]
    end = find_end(plan["law"], clock)
    clock["due_at"] = render_instant(end) if end is not None else None
    if known is None or is_moved or (span["until"] is None and not was_open):
        note(EntryKind.CLOCK_PAUSED, clock, reason=reason, since=span["since"])
    if span["until"] is not None:
        note(EntryKind.CLOCK_RESUMED, clock, reason=reason, since=span["since"], until=span["until"])


def _restart(plan: ClockPlan, clock: ClockState, note: Note) -> None:
    spans = clock.get("pauses", [])
    if not spans or clock["started_at"] is None or find_open(plan["law"], clock) is not None:
        return
    end = find_end(plan["law"], clock)
    gone = max((one["until"] for one in spans if one["until"] is not None and counts(one, clock, end)), default=None)
    if gone is None or parse_instant(gone) <= parse_instant(clock["started_at"]):
        return
    clock["started_at"], clock["warned"] = gone, []
    clock["restarts"] += 1
    end = find_end(plan["law"], clock)
    clock["due_at"] = render_instant(end) if end is not None else None
    clock["state"] = "running"
    note(EntryKind.CLOCK_RESTARTED, clock, after_pause=True)
