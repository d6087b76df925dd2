"""The timeline of an incident as SVG: a lane per phase, clocks as bars, decisions as diamonds, effects as ticks.

Long empty stretches are folded and say how long they were. Every mark has a title with its ledger entry.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil

from watchfloor.drawing import Canvas, text_width, wrap
from watchfloor.postmortem.account import Account, Clock
from watchfloor.postmortem.axis import Axis, lay_axis
from watchfloor.postmortem.citations import cite
from watchfloor.postmortem.sentences import render_duration, render_time
from watchfloor.postmortem.timeline_lanes import Item, Lane, last_instants, lay_lanes
from watchfloor.postmortem.timeline_style import LEGEND, STYLE

WIDTH = 1120
GUTTER = 150
RIGHT = WIDTH - 30
TOP = 84
ROW = 19
CLOCK_ROW = 46
LONG = timedelta(days=2)
"""A clock that ends more than this after the incident runs off the edge instead of stretching the axis."""


def render_timeline(account: Account, title: str) -> str:
    """Draw the timeline as a standalone SVG document; the same account gives the same bytes."""
    canvas, height = _draw(account, title)
    desc = f"{len(account.phases)} phases, {len(account.clocks)} clocks, {len(account.entries)} ledger entries."
    return canvas.render(WIDTH, height, title=f"Timeline: {title}", desc=desc, style=STYLE)


def render_inline(account: Account, title: str) -> str:
    """The same picture without its style sheet, for a page that brings `timeline_style.STYLE` itself."""
    canvas, height = _draw(account, title)
    desc = f"{len(account.phases)} phases, {len(account.clocks)} clocks, {len(account.entries)} ledger entries."
    return canvas.render(WIDTH, height, title=f"Timeline: {title}", desc=desc, style="")


def _draw(account: Account, title: str) -> tuple[Canvas, float]:
    lanes = lay_lanes(account)
    axis = lay_axis(_instants(account, lanes), GUTTER, RIGHT)
    ground, drawn = Canvas(), Canvas()
    y = float(TOP)
    for lane in lanes:
        bottom = _lane(drawn, axis, lane, y)
        ground.rect(12, y, WIDTH - 24, bottom - y, "tl-lane", radius=6)
        y = bottom + 8
    y += 12
    for clock in account.clocks:
        _clock(drawn, axis, account, clock, y)
        y += CLOCK_ROW
    page = Canvas()
    height = y + 34
    page.rect(0, 0, WIDTH, height, "tl-ground", radius=10)
    page.text(20, 30, (wrap(title, WIDTH - 40, 16, lines=1, bold=True) or ("",))[0], "tl-head")
    page.shapes += ground.shapes
    _axis(page, axis, TOP - 18, y - 6)
    page.shapes += drawn.shapes
    _legend(page, height - 16)
    return page, height


def _instants(account: Account, lanes: Sequence[Lane]) -> Iterator[datetime]:
    for entry in (account.opened, account.closed):
        if entry:
            yield entry.at
    for lane in lanes:
        yield from (lane.start, lane.end)
        yield from (at for item in lane.items for at, _ in item.marks)
    end = max((lane.end for lane in lanes), default=None)
    for clock in account.clocks:
        yield from (run.started_at for run in clock.runs)
        yield from (moment.at for moment, _ in clock.warned)
        if clock.stopped_at:
            yield clock.stopped_at
        if clock.due_at and (end is None or clock.due_at < end + LONG):
            yield clock.due_at
    if not account.entries:
        raise ValueError("a timeline needs at least one entry")


def _lane(canvas: Canvas, axis: Axis, lane: Lane, y: float) -> float:
    rows: list[float] = []
    placed: list[tuple[Item, int, bool]] = []
    for item in lane.items:
        x1, x2 = axis.x(item.marks[0][0]), axis.x(item.marks[-1][0])
        room = ceil(text_width(item.label, 11)) + 16
        before = x2 + room > RIGHT
        start, end = (x1 - room, x2) if before and x1 - room > GUTTER else (x1, x2 + room)
        row = next((index for index, used in enumerate(rows) if used < start - 6), len(rows))
        if row == len(rows):
            rows.append(0)
        rows[row] = end
        placed.append((item, row, before and x1 - room > GUTTER))
    height = max(24 + ROW * len(rows) + 6, 42)
    left, right = axis.x(lane.start), axis.x(lane.end)
    name = lane.name.removeprefix("alongside/") or "–"
    beside = "beside, " if lane.name.startswith("alongside/") else ""
    canvas.text(22, y + 18, wrap(name, GUTTER - 34, 12.5, lines=1, bold=True)[0], "tl-name")
    canvas.text(
        22, y + 33, beside + render_duration(lane.end - lane.start) + (" …" if lane.open_end else ""), "tl-soft"
    )
    canvas.rect(left, y + 8, max(3, right - left), 9, "tl-phase", radius=3)
    for item, row, before in placed:
        _item(canvas, axis, item, y + 24 + ROW * row + 9, before=before)
    return y + height


def _item(canvas: Canvas, axis: Axis, item: Item, y: float, *, before: bool) -> None:
    canvas.open_group(item.hover)
    xs = [axis.x(at) for at, _ in item.marks]
    if xs[-1] - xs[0] > 2:
        canvas.line(xs[0], y, xs[-1], y, "tl-join")
    drawn: set[tuple[int, str]] = set()
    for (_, mark), x in zip(item.marks, xs, strict=True):
        if (round(x), mark) in drawn:
            continue
        drawn.add((round(x), mark))
        if mark in {"asked", "answered", "silent"}:
            canvas.diamond(x, y, 6, f"tl-{mark}")
        elif mark in {"placed", "proved"}:
            canvas.circle(x, y, 5, f"tl-{mark}")
        elif mark == "trouble":
            canvas.path([(x - 4, y - 4), (x + 4, y + 4)], "tl-cross")
            canvas.path([(x - 4, y + 4), (x + 4, y - 4)], "tl-cross")
        else:
            canvas.line(x, y - 6, x, y + 6, f"tl-tick tl-{mark}")
    label = wrap(item.label, 420, 11, lines=1)[0] if item.label else ""
    if before:
        canvas.text(xs[0] - 10, y + 4, label, "tl-label", anchor="end")
    else:
        canvas.text(xs[-1] + 10, y + 4, label, "tl-label")
    canvas.close_group()


def _clock(canvas: Canvas, axis: Axis, account: Account, clock: Clock, y: float) -> None:
    last = account.closed.at if account.closed else max(last_instants(account))
    end = clock.stopped_at or last
    left, right = axis.x(clock.started_at), max(axis.x(end), axis.x(clock.started_at) + 3)
    canvas.open_group(f"clock {clock.name}: {_clock_words(clock)} {cite(clock.seqs)}")
    canvas.text(22, y + 14, wrap(clock.name, GUTTER - 34, 12.5, lines=1, bold=True)[0], "tl-clock-name")
    canvas.rect(left, y + 4, right - left, 12, f"tl-clock tl-{clock.state}", radius=3)
    for before, after in pairwise(clock.runs):
        start = axis.x(before.started_at)
        canvas.rect(start, y + 7, max(2, axis.x(after.started_at) - start), 6, "tl-before", radius=3)
        canvas.line(axis.x(after.started_at), y, axis.x(after.started_at), y + 20, "tl-anew")
    for still in clock.stills:
        start = axis.x(max(still.since, clock.started_at))
        canvas.open_group(f"clock {clock.name} stood still: {still.reason} {cite([still.moment.seq])}")
        canvas.rect(start, y + 7, max(2, axis.x(still.until or end) - start), 6, "tl-before", radius=3)
        canvas.close_group()
    due = clock.due_at
    if due and due < end:
        canvas.rect(axis.x(due), y + 4, right - axis.x(due), 12, "tl-over", radius=3)
    for moment, _ in clock.warned:
        x = axis.x(moment.at)
        canvas.open_group(f"clock {clock.name} warned {cite([moment.seq])}")
        canvas.path([(x - 5, y - 3), (x + 5, y - 3), (x, y + 4)], "tl-warn", closed=True)
        canvas.close_group()
    if clock.breached:
        x = axis.x(due or clock.breached.at)
        canvas.path([(x, y - 5), (x + 7, y + 10), (x - 7, y + 10)], "tl-breach", closed=True)
    if due and due <= axis.stretches[-1].end:
        canvas.line(axis.x(due), y - 4, axis.x(due), y + 22, "tl-due")
    if clock.stopped_at is None and due and due > last:
        canvas.path([(right, y + 2), (right + 9, y + 10), (right, y + 18)], f"tl-clock tl-{clock.state}", closed=True)
    words = _clock_words(clock)
    x = left if left + text_width(words, 11.5) < RIGHT else RIGHT
    canvas.text(x, y + 33, words, "tl-label", anchor="start" if x == left else "end")
    canvas.close_group()


def _clock_words(clock: Clock) -> str:
    due = f"due {render_time(clock.due_at, clock.started_at)}" if clock.due_at else "no end"
    margin = clock.margin
    match clock.state:
        case "met":
            return f"{due} · met" + (f", {render_duration(margin)} left" if margin is not None else "")
        case "late":
            return f"{due} · late" + (f" by {render_duration(-margin)}" if margin is not None else "")
        case "breached":
            return f"{due} · ran out, never stopped"
        case "assigned":
            return f"{due} · runs on with {clock.custodian or clock.assigned_to or 'its owner'}"
        case _:
            return f"{due} · runs on"


def _axis(canvas: Canvas, axis: Axis, y: float, bottom: float) -> None:
    canvas.line(GUTTER, y, RIGHT, y, "tl-axis")
    for x, label in axis.ticks():
        canvas.line(x, y, x, bottom, "tl-grid")
        canvas.text(
            x,
            y - 6,
            label,
            "tl-soft",
            anchor="middle" if GUTTER + 40 < x < RIGHT - 40 else "start" if x < RIGHT - 40 else "end",
        )
    for left, right, words in axis.folds():
        canvas.rect(left, y - 3, right - left, bottom - y + 3, "tl-fold")
        canvas.text((left + right) / 2, y - 20, words, "tl-soft", anchor="middle")
        middle = (left + right) / 2
        canvas.path([(middle - 8, y + 4), (middle - 2, y - 4), (middle + 2, y + 4), (middle + 8, y - 4)], "tl-zigzag")


def _legend(canvas: Canvas, y: float) -> None:
    x = 22.0
    for mark, words in LEGEND:
        if mark in {"asked", "answered"}:
            canvas.diamond(x + 6, y - 4, 6, f"tl-{mark}")
        elif mark == "warn":
            canvas.path([(x, y - 8), (x + 11, y - 8), (x + 5.5, y)], "tl-warn", closed=True)
        elif mark == "breach":
            canvas.path([(x + 6, y - 10), (x + 12, y + 1), (x, y + 1)], "tl-breach", closed=True)
        else:
            canvas.line(x + 6, y - 10, x + 6, y + 2, f"tl-tick tl-{mark}")
        canvas.text(x + 18, y, words, "tl-soft")
        x += 18 + ceil(text_width(words, 11)) + 20
