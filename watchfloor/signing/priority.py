"""Priority: what to do first. Not how bad it is: `min(severity rank, clock rank)` (domain model, 3.1).

The clock rank is P0 while less than a quarter of any hard clock (a deadline of the law) is left, P1 while less than a
half is. So a small matter whose deadline is near comes before a graver one that has time, and severity tells no lie. It
changes as time passes, so it is computed where it is shown; a run publishes only the two instants at which it changes.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from watchfloor.signing.canonical import parse_instant, render_instant

URGENT, SOON = 0.25, 0.5
"""The share of a clock that is left when it is P0, and when it is P1."""
NONE = 4


def find_priority(severity: str, pressure: str, now: datetime) -> str:
    """`P0` to `P4` now. `pressure` is what `press` gave; severity that is unknown counts as the least."""
    rank = int(severity[1]) if len(severity) == 2 and severity[0] == "S" and severity[1] in "01234" else NONE
    return f"P{min(rank, _find_clock_rank(pressure, now))}"


def press(hard: Iterable[tuple[str, str]]) -> str:
    """The two instants from which on the running hard clocks, given as start and due time, make it P1 and P0; empty
    without one."""
    soon: list[datetime] = []
    urgent: list[datetime] = []
    for started_at, due_at in hard:
        started, due = parse_instant(started_at), parse_instant(due_at)
        whole = max(due - started, timedelta(0))
        soon.append(due - whole * SOON)
        urgent.append(due - whole * URGENT)
    return f"{render_instant(min(soon))}/{render_instant(min(urgent))}" if soon else ""


def _find_clock_rank(pressure: str, now: datetime) -> int:
    first, _, second = pressure.partition("/")
    try:
        soon, urgent = parse_instant(first), parse_instant(second)
    except ValueError:
        return NONE
    if now > urgent:
        return 0
    return 1 if now > soon else NONE
