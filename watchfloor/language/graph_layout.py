"""Sizes of everything in the runbook picture, before anything is drawn: cards, columns, sequences.

A card holds one node. A block is a card with columns under it: the steps it repeats, its branches, options and
handlers. Columns stand beside each other until the row would grow too wide, then a new row begins. All numbers are
whole pixels and depend on the graph alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from watchfloor.drawing import text_width, wrap
from watchfloor.language.graph_model import Branch, Flow, Node

CARD = 268
PAD = 14
INSET = 16
"""From a card's left edge to its text."""
STEP_GAP = 22
COLUMN_GAP = 18
BUS = 18
"""Height of the band in which lines part or join."""
WIDEST_ROW = 1180
CHIP = 20
LOOP = 16
"""Room beside a card for the line of an undo or a repetition."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of text in a card: its class, its text, its height."""

    css: str
    text: str
    height: int


@dataclass(frozen=True, slots=True)
class Card:
    rows: tuple[Row, ...]
    undo: tuple[Row, ...]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Column:
    label: tuple[str, ...]
    full_label: str
    flow: Flow
    shapes: "Run"
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Shape:
    """A node with its card and, for a block, the rows of columns under it."""

    node: Node
    card: Card
    rows: tuple[tuple[Column, ...], ...]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Run:
    """Shapes one under the other."""

    shapes: tuple[Shape, ...]
    width: int
    height: int


def measure_run(nodes: Sequence[Node]) -> Run:
    """Size a list of steps in order; an empty list takes no room."""
    shapes = tuple(_measure(node) for node in nodes)
    if not shapes:
        return Run((), 0, 0)
    height = sum(shape.height for shape in shapes) + STEP_GAP * (len(shapes) - 1)
    return Run(shapes, max(shape.width for shape in shapes), height)


def row_height(row: Sequence[Column]) -> int:
    return max(column.height for column in row)


def row_width(row: Sequence[Column]) -> int:
    return sum(column.width for column in row) + COLUMN_GAP * (len(row) - 1)


def _measure(node: Node) -> Shape:
    card = _card(node)
    columns = [_column(branch) for branch in node.beside]
    if node.body:
        columns.insert(0, _column(Branch("", "always", node.body)))
    if not columns:
        room = 2 * LOOP if node.undo else 0
        return Shape(node, card, (), card.width + room, card.height)
    rows = _rows(columns)
    width = max(card.width, *(row_width(row) for row in rows)) + 2 * (PAD + LOOP)
    height = PAD + card.height + sum(row_height(row) + 2 * BUS for row in rows) + PAD // 2
    return Shape(node, card, rows, width, height)


def _rows(columns: Sequence[Column]) -> tuple[tuple[Column, ...], ...]:
    rows: list[list[Column]] = [[]]
    for column in columns:
        if rows[-1] and row_width([*rows[-1], column]) > WIDEST_ROW:
            rows.append([])
        rows[-1].append(column)
    return tuple(tuple(row) for row in rows)


def _column(branch: Branch) -> Column:
    run = measure_run(branch.nodes)
    room = max(run.width, 0 if branch.nodes else 96)
    label = wrap(branch.label, max(room, CARD) - 24, 11, lines=3, bold=True) if branch.label else ()
    chip = CHIP + 14 * (len(label) - 1) if label else 0
    words = max((ceil(text_width(line, 11, bold=True)) + 20 for line in label), default=0)
    between = STEP_GAP if label and branch.nodes else 0
    return Column(label, branch.label, branch.flow, run, max(room, words), chip + between + run.height)


def _card(node: Node) -> Card:
    wide = CARD - INSET - 12
    rows = [Row("title", text, 18) for text in wrap(node.title, wide, 13.5, lines=3, bold=True)]
    if node.code and node.code != node.title:
        rows += [Row("code", text, 15) for text in wrap(node.code, wide, 11, lines=2, mono=True)]
    for line in node.lines:
        rows += [Row("line", text, 15) for text in wrap(line, wide, 11.5, lines=3)]
    undo = tuple(Row("line", text, 15) for text in wrap(f"↩ {node.undo}", wide, 11.5, lines=2)) if node.undo else ()
    height = 24 + sum(row.height for row in rows) + 8
    if undo:
        height += 6 + sum(row.height for row in undo)
    return Card(tuple(rows), undo, CARD, height)
