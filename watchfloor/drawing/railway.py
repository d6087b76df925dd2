"""A way with stops, drawn from top to bottom: which are passed, where one stands, what is still to come.

One column, so that it can be read on a telephone. What became of a stop is told by a shape and a word, never by colour
alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Literal

from watchfloor.drawing.svg import Canvas
from watchfloor.drawing.words import text_width, wrap

Mark = Literal["done", "running", "waiting", "failed", "skipped", "ahead", "line"]
"""`line` is a heading on the way: a phase, a branch."""

WIDTH = 420
MARGIN = 14
INDENT = 16
DEEPEST = 5
LINE = 19
NOTE_LINE = 16
GAP = 9
RADIUS = 8
SIZE, SMALL = 14.0, 12.0
WORDS: dict[Mark, str] = {
    "done": "done",
    "running": "runs",
    "waiting": "waits",
    "failed": "failed",
    "skipped": "left out",
    "ahead": "ahead",
    "line": "",
}


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop. `depth` is how far inside other stops it stands, `note` what is to be said of it beside its name."""

    title: str
    mark: Mark
    depth: int = 0
    note: str = ""


def draw_railway(stops: Sequence[Stop], *, title: str, desc: str) -> str:
    """The picture as SVG to stand inside a page, whose style sheet gives its classes their colours (`.railway`).

    The same stops give the same bytes. It holds no style, script, link or id; all text is escaped.
    """
    canvas, page = Canvas(), Canvas()
    y = float(MARGIN)
    places: list[tuple[float, float, Mark]] = []
    here: list[tuple[float, float, float]] = []
    for stop in stops:
        top, y = y, _draw_stop(canvas, stop, y, places)
        if stop.mark in {"running", "waiting", "failed"}:
            here.append((places[-1][0] - RADIUS - 5, top - 4, y - GAP - top + 8))
    height = ceil(y + MARGIN - GAP)
    page.rect(0, 0, WIDTH, height, "ground", radius=10)
    for left, top, high in here:
        page.rect(left, top, WIDTH - MARGIN + 5 - left, high, "here", radius=6)
    for (x1, y1, _), (x2, y2, mark) in pairwise(places):
        css = "way ahead" if mark == "ahead" else "way"
        if x1 == x2:
            page.line(x1, y1, x2, y2, css)
        else:
            page.path([(x1, y1), (x1, (y1 + y2) / 2), (x2, (y1 + y2) / 2), (x2, y2)], css)
    page.shapes += canvas.shapes
    return page.render(WIDTH, height, title=title, desc=desc, style="")


def _draw_stop(canvas: Canvas, stop: Stop, y: float, places: list[tuple[float, float, Mark]]) -> float:
    x = MARGIN + RADIUS + INDENT * min(stop.depth, DEEPEST)
    left = x + RADIUS + 10
    word = WORDS[stop.mark]
    room = WIDTH - MARGIN - left - (text_width(word, SMALL, bold=True) + 14 if word else 0)
    head = stop.mark == "line"
    rows = wrap(stop.title, room, SMALL if head else SIZE, lines=2, bold=True)
    notes = wrap(stop.note, WIDTH - MARGIN - left, SMALL, lines=2) if stop.note else ()
    height = LINE * len(rows) + NOTE_LINE * len(notes)
    middle = y + LINE / 2
    canvas.open_group(" · ".join(part for part in (stop.title, word, stop.note) if part))
    _draw_mark(canvas, stop.mark, x, middle)
    for row, text in enumerate(rows):
        canvas.text(left, y + 14 + LINE * row, text, "head" if head else f"name {stop.mark}")
    if word:
        canvas.text(WIDTH - MARGIN, y + 14, word, f"word {stop.mark}", anchor="end")
    for row, text in enumerate(notes):
        canvas.text(left, y + LINE * len(rows) + 12 + NOTE_LINE * row, text, "note")
    canvas.close_group()
    places.append((x, middle, stop.mark))
    return y + height + GAP


def _draw_mark(canvas: Canvas, mark: Mark, x: float, y: float) -> None:
    match mark:
        case "done":
            canvas.circle(x, y, RADIUS, "disc done")
            canvas.path([(x - 4, y), (x - 1, y + 3.5), (x + 4.5, y - 3.5)], "tick")
        case "running":
            canvas.circle(x, y, RADIUS, "disc running")
            canvas.path([(x - 2.5, y - 4), (x + 4, y), (x - 2.5, y + 4)], "glyph", closed=True)
        case "waiting":
            canvas.rect(x - RADIUS, y - RADIUS, 2 * RADIUS, 2 * RADIUS, "disc waiting", radius=3)
            canvas.line(x - 2.5, y - 4, x - 2.5, y + 4, "bar")
            canvas.line(x + 2.5, y - 4, x + 2.5, y + 4, "bar")
        case "failed":
            canvas.diamond(x, y, RADIUS + 1, "disc failed")
            canvas.line(x - 3, y - 3, x + 3, y + 3, "bar")
            canvas.line(x - 3, y + 3, x + 3, y - 3, "bar")
        case "skipped":
            canvas.circle(x, y, RADIUS - 1, "ring")
            canvas.line(x - 4, y, x + 4, y, "dash")
        case "ahead":
            canvas.circle(x, y, RADIUS - 2, "ring")
        case "line":
            canvas.rect(x - 5, y - 2, 10, 4, "rung", radius=2)
