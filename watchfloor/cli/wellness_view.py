"""How figures of exposure are printed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.table import Table

from watchfloor.cli.console import console, print_json

if TYPE_CHECKING:
    from watchfloor.wellness import Caps, Wellness
    from watchfloor.wellness.care import FollowUp
    from watchfloor.wellness.sight import Sum


def print_figures(desk: "Wellness", person: str, now: datetime, as_json: bool) -> None:
    """One person's figures, and until when they rest."""
    figures, rest = desk.figures(person, now=now), desk.rest_of(person, now=now)
    if as_json:
        print_json({"person": person, "rest_until": rest, "figures": figures})
        return
    screen = console()
    screen.print(f"{person}: exposure in the last 24 hours", style="bold")
    table = Table(box=None, pad_edge=False)
    for heading in ("class", "opted in", "exposed", "cap", "left", "tasks", "days of 7"):
        table.add_column(heading, no_wrap=True)
    for one in figures:
        left = max(one.cap_minutes - one.minutes, 0)
        own = " (own)" if one.own_cap else ""
        days = f"{one.days} of {one.days_cap}"
        cells = (f"{one.minutes:g} min", f"{one.cap_minutes:g} min{own}", f"{left:g} min", str(one.items), days)
        table.add_row(one.exposure, "yes" if one.opted_in else "no", *cells)
    screen.print(table)
    if rest is not None:
        screen.print(f"rests from exposure until {rest:%Y-%m-%d %H:%M} UTC", style="bold")
    screen.print("kept apart: in no incident's record, in no figure about work", style="dim")


def print_sums(sums: "Sequence[Sum]", as_json: bool) -> None:
    """Sums over a region; fewer than five people are not summed."""
    if as_json:
        print_json({"sums": sums})
        return
    console().print("exposure of the region in the last 24 hours", style="bold")
    table = Table(box=None, pad_edge=False)
    for heading in ("class", "exposed", "tasks"):
        table.add_column(heading, no_wrap=True)
    for one in sums:
        few = "fewer than five people"
        table.add_row(one.exposure, few if one.minutes is None else f"{one.minutes:g} min", str(one.items or ""))
    console().print(table)


def print_follow_ups(owed: "Sequence[FollowUp]", now: datetime, as_json: bool) -> None:
    """What is owed to people, the earliest first."""
    words = {"reassign": "hand back their tasks (the gateway does)", "call": "call them", "check_in": "look in on them"}
    if as_json:
        print_json({"follow_ups": owed})
        return
    screen = console()
    for one in owed:
        late = "  OVERDUE" if one.due_at < now else ""
        line = f"{one.id}  {one.person}  {words[one.kind]}  by {one.due_at:%Y-%m-%d %H:%M} UTC{late}"
        screen.print(line, style="bold yellow" if late else None, soft_wrap=True)
    if not owed:
        screen.print("nothing is owed")


def print_caps(caps: "Caps", now: datetime, as_json: bool) -> None:
    """The caps that stand, who owns them, and whether their review is overdue."""
    overdue = caps.review_after < now.date()
    if as_json:
        print_json({"caps": caps, "review_overdue": overdue})
        return
    screen = console()
    table = Table(box=None, pad_edge=False)
    for heading in ("class", "opt-in", "in 24 hours", "days of 7", "break"):
        table.add_column(heading, no_wrap=True)
    for name, one in caps.classes.items():
        minutes = f"{one.day.total_seconds() / 60:g} min"
        pause = f"{_span(one.pause.length)} in {_span(one.pause.after)}" if one.pause is not None else ""
        table.add_row(name, "needed" if one.opt_in else "not needed", minutes, str(one.days), pause)
    screen.print(table)
    screen.print(
        f"warned from {caps.soft:.0%}; rest {caps.cool_down.total_seconds() / 60:g} min after an S0 or a panic"
    )
    if caps.between is not None:
        rest, claim = _span(caps.between.rest), "refused" if caps.between.refuses else "warned of"
        screen.print(
            f"not proposed in the {rest} after a night shift that exposed, or before a shift; a claim is {claim}"
        )
    screen.print(f"mark {caps.basis}, owner {caps.owner}, review after {caps.review_after}", style="dim")
    if overdue:
        screen.print(
            f"REVIEW OVERDUE: {caps.owner} was to review these caps by {caps.review_after}", style="bold yellow"
        )


def _span(length: timedelta) -> str:
    hours = length / timedelta(hours=1)
    return f"{hours:g} h" if hours.is_integer() else f"{length.total_seconds() / 60:g} min"
