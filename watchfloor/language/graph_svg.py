"""A picture of a runbook: phases one under the other, blocks inside them, clocks and tracks beside them.

Read from top to bottom. Solid lines are the way through; dashed ones are taken on silence, refusal, error or timeout.
A bar at the right is a clock: it begins beside the step that starts it and ends beside the step that stops it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

from schemas.plan import Plan
from watchfloor.drawing import Canvas, text_width, wrap
from watchfloor.language.graph_clocks import Clock
from watchfloor.language.graph_layout import (
    BUS,
    CHIP,
    COLUMN_GAP,
    INSET,
    LOOP,
    PAD,
    STEP_GAP,
    Column,
    Run,
    Shape,
    measure_run,
    row_height,
    row_width,
)
from watchfloor.language.graph_model import Graph, Lane, Node, build_graph, walk
from watchfloor.language.graph_style import LEGEND, STYLE, card_class

MARGIN = 24
HEAD = 74
LANE_HEAD = 34
LANE_GAP = 26
CLOCK_WIDTH = 214
CLOCK_LINE = 14


@dataclass(slots=True)
class _Drawing:
    canvas: Canvas = field(default_factory=Canvas)
    anchors: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    """Key of a node -> right edge, top and bottom of what it covers."""


def render_svg(plan: Plan) -> str:
    """Draw a plan as a standalone SVG document; the same plan gives the same bytes.

    Legible on light and dark ground (it follows `prefers-color-scheme`), holds no script, no link and no outside
    resource; all text of the runbook is escaped.
    """
    graph = build_graph(plan)
    drawing = _Drawing()
    runs = [measure_run(lane.nodes) for lane in graph.phases]
    lane_width = max([run.width for run in runs] + [420]) + 2 * PAD
    y = float(HEAD)
    for index, (lane, run) in enumerate(zip(graph.phases, runs, strict=True)):
        if index:
            _arrow(drawing.canvas, MARGIN + lane_width / 2, y - LANE_GAP, y)
        y = _lane(drawing, lane, run, MARGIN, y, lane_width, f"{index + 1} · ") + LANE_GAP
    y = _close(drawing.canvas, graph, y, lane_width)
    right = MARGIN + lane_width
    bottom = y
    clocks_end, clocks_bottom = _clocks(drawing, graph.clocks, right + 30, HEAD, bottom - LANE_GAP)
    tracks_end, tracks_bottom = _tracks(drawing, graph.tracks, clocks_end + 30 if graph.clocks else right + 30)
    width = max(right, clocks_end if graph.clocks else 0, tracks_end, _legend_width() + MARGIN) + MARGIN
    bottom = max(bottom, clocks_bottom, tracks_bottom)
    _legend(drawing.canvas, bottom + 16)
    height = bottom + 44
    steps = sum(1 for lane in (*graph.phases, *graph.tracks) for node in walk(lane.nodes) if node.kind != "gate")
    page = Canvas()
    page.rect(0, 0, width, height, "ground", radius=10)
    page.text(
        MARGIN, 34, wrap(graph.title, width - 2 * MARGIN, 20, lines=1, bold=True)[0] if graph.title else "", "head"
    )
    page.text(MARGIN, 56, wrap(f"{graph.note} · {steps} steps", width - 2 * MARGIN, 12, lines=1)[0], "note")
    page.shapes += drawing.canvas.shapes
    desc = (
        f"Phases in order: {', '.join(lane.label for lane in graph.phases)}. {steps} steps, {len(graph.clocks)} clocks."
    )
    return page.render(width, height, title=f"Runbook graph: {graph.title}", desc=desc, style=STYLE)


def _lane(drawing: _Drawing, lane: Lane, run: Run, x: float, y: float, width: float, number: str) -> float:
    canvas = drawing.canvas
    note = wrap(lane.note, width - 24, 11, lines=3, mono=True) if lane.note else ()
    head = LANE_HEAD + 15 * len(note)
    height = head + run.height + PAD + 4
    canvas.rect(x, y, width, height, "lane", radius=8)
    canvas.text(x + 12, y + 22, wrap(f"{number}{lane.label}", width - 24, 13, lines=1, bold=True)[0], "lane-name")
    for index, line in enumerate(note):
        canvas.text(x + 12, y + 38 + 15 * index, line, "code")
    _run(drawing, run, x + width / 2, y + head)
    return y + height


def _run(drawing: _Drawing, run: Run, middle: float, y: float, css: str = "edge") -> None:
    for index, shape in enumerate(run.shapes):
        if index and not run.shapes[index - 1].node.ends:
            _arrow(drawing.canvas, middle, y - STEP_GAP, y, css)
        _shape(drawing, shape, middle, y)
        y += shape.height + STEP_GAP


def _shape(drawing: _Drawing, shape: Shape, middle: float, y: float) -> None:
    if not shape.rows:
        _card(drawing, shape, middle - shape.card.width / 2, y)
        return
    canvas = drawing.canvas
    left = middle - shape.width / 2
    canvas.rect(left, y, shape.width, shape.height, "block", radius=8)
    top = y + PAD
    _card(drawing, shape, middle - shape.card.width / 2, top)
    drawing.anchors[shape.node.key] = (left + shape.width, y, y + shape.height)
    y = top + shape.card.height
    rail = left + 10
    for index, row in enumerate(shape.rows):
        if index:
            canvas.path([(rail, y + BUS / 2), (middle, y + BUS / 2)], "edge")
        _columns(drawing, row, middle, y, foot=PAD // 2 if index == len(shape.rows) - 1 else 0)
        y += row_height(row) + 2 * BUS
    if len(shape.rows) > 1:
        first = top + shape.card.height + BUS / 2
        last = y - row_height(shape.rows[-1]) - 2 * BUS + BUS / 2
        canvas.path([(middle, first), (rail, first), (rail, last)], "edge")
    if shape.node.body:
        _loop(canvas, shape, middle, top)


def _columns(drawing: _Drawing, row: Sequence[Column], middle: float, y: float, *, foot: float) -> None:
    canvas = drawing.canvas
    fork, join = y + BUS / 2, y + 2 * BUS + row_height(row) - BUS / 2
    x = middle - row_width(row) / 2
    canvas.line(middle, y, middle, fork, "edge")
    joined = False
    for column in row:
        centre = x + column.width / 2
        css = "edge dashed" if column.flow == "exception" else "edge"
        if centre != middle:
            canvas.line(middle, fork, centre, fork, css)
        top = y + BUS
        _arrow(canvas, centre, fork, top, css)
        _column(drawing, column, centre, top, css)
        ends = bool(column.shapes.shapes) and column.shapes.shapes[-1].node.ends
        if not ends:
            joined = True
            canvas.line(centre, top + column.height, centre, join, css)
            if centre != middle:
                canvas.line(centre, join, middle, join, css)
        x += column.width + COLUMN_GAP
    if joined:
        canvas.line(middle, join, middle, join + BUS / 2 + foot, "edge")


def _column(drawing: _Drawing, column: Column, centre: float, y: float, css: str) -> None:
    if column.label:
        width = max(ceil(text_width(line, 11, bold=True)) for line in column.label) + 20
        height = CHIP + 14 * (len(column.label) - 1)
        drawing.canvas.open_group(column.full_label)
        drawing.canvas.rect(centre - width / 2, y, width, height, f"chip {column.flow}", radius=10)
        for index, line in enumerate(column.label):
            drawing.canvas.text(centre, y + 14 + 14 * index, line, f"chip-text {column.flow}", anchor="middle")
        drawing.canvas.close_group()
        y += height
        if column.shapes.shapes:
            _arrow(drawing.canvas, centre, y, y + STEP_GAP, css)
            y += STEP_GAP
    _run(drawing, column.shapes, centre, y)


def _loop(canvas: Canvas, shape: Shape, middle: float, top: float) -> None:
    """The way back from the end of a repeated body to its head."""
    row = shape.rows[0]
    body = middle - row_width(row) / 2
    x = min(body, middle - shape.card.width / 2) - LOOP + 2
    centre = body + row[0].width / 2
    start = top + shape.card.height + BUS + row_height(row) + BUS / 2
    edge = middle - shape.card.width / 2
    canvas.path([(centre, start), (x, start), (x, top + 16), (edge - 5, top + 16)], "edge loop")
    canvas.path([(edge - 6, top + 12), (edge - 6, top + 20), (edge, top + 16)], "tip", closed=True)


def _card(drawing: _Drawing, shape: Shape, x: float, y: float) -> None:
    canvas, node, card = drawing.canvas, shape.node, shape.card
    kind = card_class(node)
    canvas.open_group(_hover(node))
    canvas.rect(x, y, card.width, card.height, f"card {kind}", radius=6)
    canvas.rect(x, y + 6, 4, card.height - 12, f"strip {kind}")
    label = node.kind.replace("_", " ").upper()
    canvas.text(x + INSET, y + 18, label, f"kind {kind}")
    room = card.width - INSET - 24 - text_width(label, 11, bold=True)
    if node.tag:
        canvas.text(x + card.width - 12, y + 18, wrap(node.tag, room, 10.5, lines=1)[0], "tag", anchor="end")
    at = y + 24
    for row in card.rows:
        at += row.height
        canvas.text(x + INSET, at - 3, row.text, row.css)
    if card.undo:
        at += 6
        canvas.line(x + INSET, at, x + card.width - 12, at, "edge dashed")
        for row in card.undo:
            at += row.height
            canvas.text(x + INSET, at - 1, row.text, "undo")
        right = x + card.width
        canvas.path(
            [(right, at - 6), (right + LOOP - 3, at - 6), (right + LOOP - 3, y + 14), (right + 6, y + 14)], "undo-edge"
        )
        canvas.path([(right + 6, y + 10), (right + 6, y + 18), (right, y + 14)], "undo-tip", closed=True)
    canvas.close_group()
    drawing.anchors[node.key] = (x + card.width, y, y + card.height)


def _hover(node: Node) -> str:
    parts = [f"{node.kind.replace('_', ' ')} {node.key}", node.title, node.tag, node.code, *node.lines]
    return " · ".join(part for part in parts if part)


def _arrow(canvas: Canvas, x: float, top: float, bottom: float, css: str = "edge") -> None:
    canvas.line(x, top, x, bottom - 5, css)
    canvas.arrow_down(x, bottom, "tip")


def _close(canvas: Canvas, graph: Graph, y: float, width: float) -> float:
    middle = MARGIN + width / 2
    text = f"closes when {graph.close_when}" if graph.close_when else "closes when all phases are done"
    lines = wrap(text, width - 60, 11, lines=3, mono=True)
    _arrow(canvas, middle, y - LANE_GAP, y)
    height = 14 + 15 * len(lines)
    room = max(text_width(line, 11, mono=True) for line in lines) + 36
    canvas.rect(middle - room / 2, y, room, height, "end", radius=14)
    for index, line in enumerate(lines):
        canvas.text(middle, y + 18 + 15 * index, line, "code", anchor="middle")
    return y + height


def _clocks(drawing: _Drawing, clocks: Sequence[Clock], left: float, top: float, bottom: float) -> tuple[float, float]:
    """Draw the clocks in as few columns as their spans allow; give the right edge and the lowest point."""
    free: list[float] = []
    lowest = 0.0
    for clock in clocks:
        start, stop = drawing.anchors.get(clock.start_key), drawing.anchors.get(clock.stop_key)
        y1 = start[2] - 8 if start else top
        y2 = stop[2] - 8 if stop else bottom
        lines = [line for text in (clock.title, *clock.lines) for line in wrap(text, CLOCK_WIDTH - 26, 11, lines=2)]
        y2 = max(y2, y1 + 24)
        ends = max(y2, y1 + 20 + CLOCK_LINE * len(lines)) + 16
        column = next((index for index, used in enumerate(free) if used <= y1), len(free))
        if column == len(free):
            free.append(0.0)
        free[column] = ends
        x = left + column * CLOCK_WIDTH
        if start:
            drawing.canvas.line(start[0] + 2, y1, x, y1, "leader")
        if stop:
            drawing.canvas.line(stop[0] + 2, y2, x, y2, "leader")
        _clock(drawing.canvas, clock, lines, x, y1, y2, stops=stop is not None)
        lowest = max(lowest, ends)
    return left + len(free) * CLOCK_WIDTH, lowest


def _clock(canvas: Canvas, clock: Clock, lines: Sequence[str], x: float, y1: float, y2: float, *, stops: bool) -> None:
    canvas.open_group(" · ".join((f"clock {clock.name}", clock.title, *clock.lines)))
    canvas.rect(x, y1, 9, y2 - y1, "clock", radius=4)
    canvas.circle(x + 4.5, y1, 6, "clock-start")
    if stops:
        canvas.diamond(x + 4.5, y2, 7, "clock-stop")
    else:
        canvas.path([(x - 3, y2 - 4), (x + 12, y2 - 4), (x + 4.5, y2 + 8)], "clock", closed=True)
    canvas.text(x + 20, y1 + 5, wrap(clock.name, CLOCK_WIDTH - 26, 13, lines=1, bold=True)[0], "clock-name haloed")
    for index, line in enumerate(lines):
        canvas.text(x + 20, y1 + 22 + CLOCK_LINE * index, line, "line haloed")
    canvas.close_group()


def _tracks(drawing: _Drawing, tracks: Sequence[Lane], left: float) -> tuple[float, float]:
    if not tracks:
        return 0, 0
    runs = [measure_run(track.nodes) for track in tracks]
    width = max(run.width for run in runs) + 2 * PAD
    y = float(HEAD)
    for track, run in zip(tracks, runs, strict=True):
        y = _lane(drawing, track, run, left, y, width, "alongside · ") + LANE_GAP
    return left + width, y


def _legend(canvas: Canvas, y: float) -> None:
    x = float(MARGIN)
    for kind, words in LEGEND:
        canvas.rect(x, y - 9, 12, 12, f"strip {kind}", radius=3)
        canvas.text(x + 18, y + 1, words, "line")
        x += 18 + ceil(text_width(words, 11.5)) + 22


def _legend_width() -> float:
    return sum(40 + ceil(text_width(words, 11.5)) for _, words in LEGEND)
