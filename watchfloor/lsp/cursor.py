"""Where the cursor stands: in which mapping, behind which key, in which word.

A mark is put at the cursor before the text is read; the piece that holds the mark afterwards is where the cursor is, be
the line empty, half typed or whole.
"""

import re
from dataclasses import dataclass
from typing import Literal

from watchfloor.lsp.outline import Entry, Piece, read

MARK = "\ue000"
"""A letter of Unicode's private area; runbooks may not hold control characters, so it cannot be mistaken for text."""
_WORD = re.compile(r"[A-Za-z0-9_][\w.\-]*")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a half-typed document.

    Attributes:
        path: keys and indexes down to the piece the cursor is in: to the mapping for a key, to the value for a value.
        role: whether a key or a value stands there.
        before: the text of the key or value up to the cursor.
        around: the mappings on the way, outermost first; the last is the nearest.
        line, column: from 0, in code points.
    """

    path: tuple[str | int, ...]
    role: Literal["key", "value"]
    before: str
    around: tuple[Piece, ...]
    line: int
    column: int
    root: Piece

    @property
    def key(self) -> str:
        """The nearest key on the way."""
        return next((part for part in reversed(self.path) if isinstance(part, str)), "")

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys on the way, without indexes."""
        return tuple(part for part in self.path if isinstance(part, str))

    @property
    def siblings(self) -> list[str]:
        """The keys of the mapping the cursor is in."""
        return [key for key in self.around[-1].keys if MARK not in key] if self.around else []


def locate(text: str, line: int, column: int) -> Cursor | None:
    """The cursor's place; None when it stands in a comment or beyond the text."""
    lines = text.split("\n")
    if line >= len(lines):
        return None
    row = lines[line].rstrip("\r")
    column = min(column, len(row))
    lines[line] = row[:column] + MARK + row[column:]
    root = read("\n".join(lines))
    return _find(root, (), (), line, column, root)


def word_at(text: str, line: int, column: int) -> tuple[str, int, int] | None:
    """The dotted word at a place, with its first and last column; None when there is none."""
    lines = text.split("\n")
    if line >= len(lines):
        return None
    for match in _WORD.finditer(lines[line]):
        if match.start() <= column <= match.end():
            word = match.group().rstrip(".-")
            return word, match.start(), match.start() + len(word)
    return None


def _find(
    piece: Piece, path: tuple[str | int, ...], around: tuple[Piece, ...], line: int, column: int, root: Piece
) -> Cursor | None:
    if piece.kind == "text":
        if MARK not in piece.text:
            return None
        return Cursor(path, "value", piece.text.partition(MARK)[0], around, line, column, root)
    inner = (*around, piece) if piece.kind == "mapping" else around
    for entry in piece.entries:
        if MARK in entry.key:
            return Cursor(path, "key", entry.key.partition(MARK)[0], inner, line, column, root)
        found = _below(entry, path, inner, line, column, root)
        if found is not None:
            return found
    for index, item in enumerate(piece.items):
        found = _find(item, (*path, index), inner, line, column, root)
        if found is not None:
            return found
    return None


def _below(
    entry: Entry, path: tuple[str | int, ...], around: tuple[Piece, ...], line: int, column: int, root: Piece
) -> Cursor | None:
    if entry.value is None:
        return None
    return _find(entry.value, (*path, entry.key), around, line, column, root)
