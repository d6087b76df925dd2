"""The rotas on a terminal of 80 columns: who is on call now, a row for each role with three letters for each day, and
what is wrong in words below."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from rich.text import Text

from watchfloor.drawing.words import render_span
from watchfloor.identity.oncall import RotaView, Survey
from watchfloor.identity.rota_problems import Problem

LABEL = 24
PER_PAGE = 14
"""Days beside one another; more are shown below."""
EIGHT_HOURS = timedelta(hours=8)
_WORDS = {
    "gap": "GAP",
    "double": "DOUBLE",
    "person": "WRONG PERSON",
    "change": "WRONG CHANGE",
    "rest": "short rest",
    "holidays": "HOLIDAYS UNKNOWN",
}


def render_survey(found: Survey) -> Iterator[Text]:
    """The lines of the picture."""
    yield Text(f"On call at {found.at:%a %Y-%m-%d %H:%M}Z", style="bold")
    for view in found.views:
        yield _now(view, found)
    first = found.since
    while first < found.until:
        last = min(first + timedelta(days=PER_PAGE), found.until)
        yield Text()
        yield from _page(found, first, last)
        first = last
    yield Text()
    yield Text("three letters a day, 8 hours each from midnight UTC; ! gap, # double booking", style="dim")
    yield Text()
    yield from _problems(found)


def _now(view: RotaView, found: Survey) -> Text:
    rota = view.rota
    line = Text(f"  {rota.region} {rota.role}  ")
    if not view.now:
        gap = any(one.start_at is not None and one.start_at <= found.at for one in view.gaps)
        line.append("NOBODY" if gap else "nobody (no cover needed now)", style="bold red" if gap else "dim")
    line.append(", ".join(dict.fromkeys(shift.person for shift in view.now)), style="bold green")
    if view.until_at is not None:
        line.append(f"  until {_both(view.until_at, view)}")
    if view.then is not None:
        same = view.then.start_at == view.until_at
        line.append(f", then {view.then.person}" + ("" if same else f" from {_both(view.then.start_at, view)}"))
    return line


def _page(found: Survey, first: datetime, last: datetime) -> Iterator[Text]:
    days = [first + timedelta(days=number) for number in range((last - first).days)]
    yield Text(" " * (LABEL + 1) + " ".join(f"{day:%a}" for day in days), style="dim")
    numbers = " ".join(f"{day.day:>2} " for day in days)
    yield Text(f"{first:%Y-%m}".ljust(LABEL + 1) + numbers.rstrip(), style="dim")
    region = ""
    for view in found.views:
        if view.rota.region != region:
            region = view.rota.region
            yield Text(region, style="bold underline")
        line = Text(view.rota.role[:LABEL].ljust(LABEL + 1))
        for day in days:
            for part in range(3):
                mark = _mark(view, found, day + part * EIGHT_HOURS)
                line.append(mark, style={"!": "bold white on red", "#": "bold white on magenta"}.get(mark, ""))
            line.append(" ")
        line.rstrip()
        yield line
        letters = "  ".join(f"{view.letter(person)} {person}" for person in view.people)
        for row in _fold(letters):
            yield Text("  " + row, style="dim")


def _mark(view: RotaView, found: Survey, start: datetime) -> str:
    """One letter for eight hours: whoever has most of them; a gap or a double booking however short it is."""
    end = start + EIGHT_HOURS
    if end <= found.at:
        return "·"
    if any(_touches(one, start, end) for one in view.gaps):
        return "!"
    if any(_touches(one, start, end) for one in view.doubles):
        return "#"
    best, who = timedelta(), "-"
    for shift in view.shifts:
        time = min(shift.end_at, end) - max(shift.start_at, start)
        if time > best:
            best, who = time, view.letter(shift.person)
    return who


def _touches(problem: Problem, start: datetime, end: datetime) -> bool:
    return problem.start_at is not None and problem.start_at < end and (problem.end_at or end) > start


def _problems(found: Survey) -> Iterator[Text]:
    if not found.problems:
        yield Text(f"no gap and no double booking until {found.until:%a %Y-%m-%d %H:%M}Z", style="green")
        return
    for problem in found.problems:
        view = next(one for one in found.views if one.rota.name == problem.rota)
        line = Text("  ").append(_WORDS[problem.kind], style="bold red" if problem.is_error else "yellow")
        line.append(f"  {problem.region} {problem.role} (rota `{problem.rota}`)")
        yield line
        if problem.start_at is not None:
            when = f"    {_both(problem.start_at, view)}"
            if problem.end_at is not None and problem.end_at > problem.start_at:
                when += f" to {_both(problem.end_at, view)}"
                when += f", {render_span((problem.end_at - problem.start_at).total_seconds())}"
            yield Text(when)
        yield Text(f"    {problem.words}" + (f": {', '.join(problem.people)}" if len(problem.people) > 1 else ""))
        yield Text(f"    {problem.where}", style="dim")


def _both(at: datetime, view: RotaView) -> str:
    """`Fri 2026-12-25 08:00Z (09:00 Berlin)`: UTC, and the clock of the rota's first zone where it differs."""
    zone = view.rota.zone()
    local = at.astimezone(zone)
    text = f"{at:%a %Y-%m-%d %H:%M}Z"
    if local.utcoffset() == timedelta():
        return text
    other_day = f"{local:%a} " if local.date() != at.date() else ""
    return f"{text} ({other_day}{local:%H:%M} {zone.key.rpartition('/')[2].replace('_', ' ')})"


def _fold(letters: str) -> Iterator[str]:
    row = ""
    for one in letters.split("  "):
        longer = f"{row}  {one}" if row else one
        if len(longer) > 76 and row:
            yield row
            row = one
        else:
            row = longer
    if row:
        yield row
