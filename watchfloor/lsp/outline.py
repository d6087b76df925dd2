"""A tree of a runbook that is only half typed.

The compiler's reader refuses what is not YAML; an editor has to help exactly then. This reader never fails: it takes
the indentation and the brackets as far as they go, closes what was left open, and keeps the place of every key and
value. It knows no anchors, tags or multi-line keys, which runbooks do not have. Lines and columns count from 0, in code
points.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

_KEY = re.compile(r"""(?P<key>"[^"]*"|'[^']*'|[^\s:#,\[\]{}"'&*!|>%@`-][^:#]*?|-[^\s:#][^:#]*?)\s*:(?=\s|$)""")
_FLOW_KEY_END = re.compile(r":(?=[\s,\]}]|$)")
MAX_DEPTH = 80
"""Deeper pieces are taken as text; runbooks are refused at 64."""


@dataclass(slots=True)
class Piece:
    """A mapping, a list, or a text, as far as it was typed."""

    kind: Literal["mapping", "list", "text"]
    line: int
    column: int
    text: str = ""
    entries: list["Entry"] = field(default_factory=list)
    items: list["Piece"] = field(default_factory=list)
    in_flow: bool = False

    def get(self, key: str) -> "Piece | None":
        """The value of a key of a mapping."""
        return next((entry.value for entry in self.entries if entry.key == key), None)

    def entry(self, key: str) -> "Entry | None":
        return next((entry for entry in self.entries if entry.key == key), None)

    @property
    def keys(self) -> list[str]:
        return [entry.key for entry in self.entries]


@dataclass(slots=True)
class Entry:
    """A key and what stands behind it; without a colon yet, `typed` is False."""

    key: str
    line: int
    column: int
    value: Piece | None = None
    typed: bool = True


def read(text: str) -> Piece:
    """The tree of a text, whatever its state."""
    return _Reader(text.split("\n")).document()


def walk(piece: Piece, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Piece]]:
    """Every piece with the keys and indexes that lead to it, parents first."""
    yield path, piece
    for entry in piece.entries:
        if entry.value is not None:
            yield from walk(entry.value, (*path, entry.key))
    for index, item in enumerate(piece.items):
        yield from walk(item, (*path, index))


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        self.lines = [line.rstrip("\r") for line in lines]
        self.at = 0
        self.depth = 0

    def document(self) -> Piece:
        whole = Piece("mapping", 0, 0)
        while self._skip():
            before = self.at
            found = self._block(self._indent(self.at))
            whole.entries += found.entries
            whole.items += found.items
            if found.kind == "text":
                whole.entries.append(Entry(found.text, found.line, found.column, None, typed=False))
            if self.at == before:
                self.at += 1
        return whole

    def _skip(self) -> bool:
        """Go to the next line that says something."""
        while self.at < len(self.lines):
            stripped = self.lines[self.at].strip()
            if stripped and not stripped.startswith("#") and stripped != "---":
                return True
            self.at += 1
        return False

    def _indent(self, number: int) -> int:
        line = self.lines[number]
        return len(line) - len(line.lstrip(" \t"))

    def _block(self, indent: int) -> Piece:
        self.depth += 1
        try:
            rest = self.lines[self.at][indent:]
            if self.depth > MAX_DEPTH:
                return self._text(self.at, indent, indent - 1)
            if rest == "-" or rest.startswith("- "):
                return self._list(indent)
            if rest[:1] in "[{":
                return self._flow_line(indent, indent - 1)
            if _KEY.match(rest):
                return self._mapping(indent)
            return self._text(self.at, indent, indent - 1)
        finally:
            self.depth -= 1

    def _list(self, indent: int) -> Piece:
        made = Piece("list", self.at, indent)
        while self._skip() and self._indent(self.at) == indent:
            line = self.lines[self.at]
            if not (line[indent:] == "-" or line[indent:].startswith("- ")):
                break
            rest = line[indent + 1 :]
            if not rest.strip() or rest.strip().startswith("#"):
                number = self.at
                self.at += 1
                if self._skip() and self._indent(self.at) > indent:
                    made.items.append(self._block(self._indent(self.at)))
                else:
                    made.items.append(Piece("text", number, len(line)))
                continue
            # the item stands where its first letter does; the dash is as good as a space
            self.lines[self.at] = line[:indent] + " " + rest
            made.items.append(self._block(self._indent(self.at)))
        return made

    def _mapping(self, indent: int) -> Piece:
        made = Piece("mapping", self.at, indent)
        while self._skip():
            here = self._indent(self.at)
            line = self.lines[self.at]
            if here < indent:
                break
            if here > indent:
                # deeper than its neighbours: it belongs to the key above if that has nothing yet
                last = made.entries[-1] if made.entries else None
                before = self.at
                found = self._block(here)
                if last is not None and last.value is None:
                    last.value = found
                self.at = max(self.at, before + 1)
                continue
            rest = line[indent:]
            match = _KEY.match(rest)
            if match is None:
                if rest == "-" or rest.startswith("- "):
                    break
                made.entries.append(Entry(_cut(rest).strip(), self.at, indent, None, typed=False))
                self.at += 1
                continue
            key = match["key"].strip("\"'")
            entry = Entry(key, self.at, indent)
            made.entries.append(entry)
            start = indent + match.end()
            value = line[start:]
            gap = len(value) - len(value.lstrip(" \t"))
            entry.value = self._value(start + gap, indent)
        return made

    def _value(self, column: int, indent: int) -> Piece | None:
        """What stands behind a key: on its line, or below it."""
        line = self.lines[self.at]
        rest = line[column:]
        if rest[:1] in {"|", ">"} and not rest.startswith(">="):
            return self._literal(column, indent)
        if rest[:1] in {"[", "{"}:
            return self._flow_line(column, indent)
        if rest and not rest.startswith("#"):
            return self._text(self.at, column, indent)
        self.at += 1
        if not self._skip():
            return None
        below = self._indent(self.at)
        dashed = self.lines[self.at][below:] == "-" or self.lines[self.at][below:].startswith("- ")
        if below > indent or (below == indent and dashed):
            return self._block(below)
        return None

    def _literal(self, column: int, indent: int) -> Piece:
        made = Piece("text", self.at, column)
        self.at += 1
        taken: list[str] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.strip() and self._indent(self.at) <= indent:
                break
            taken.append(line.strip())
            self.at += 1
        made.text = "\n".join(taken)
        return made

    def _text(self, number: int, column: int, indent: int) -> Piece:
        made = Piece("text", number, column, _cut(self.lines[number][column:]).strip())
        self.at = number + 1
        while self.at < len(self.lines):
            line = self.lines[self.at]
            here = self._indent(self.at)
            body = line[here:]
            if not body or here <= indent or body.startswith(("#", "- ")) or body == "-" or _KEY.match(body):
                break
            made.text += f" {_cut(body).strip()}"
            self.at += 1
        return made

    def _flow_line(self, column: int, indent: int) -> Piece:
        flow = _Flow(self.lines, self.at, column, indent)
        made = flow.value(0)
        self.at = flow.line + 1
        return made


class _Flow:
    """What stands in brackets, over as many lines as it takes, and not beyond the block it stands in."""

    def __init__(self, lines: list[str], line: int, column: int, indent: int) -> None:
        self.lines = lines
        self.line = line
        self.column = column
        self.indent = indent

    def value(self, depth: int) -> Piece:
        sign = self.lines[self.line][self.column : self.column + 1]
        if depth > MAX_DEPTH or sign not in {"{", "["}:
            return self._text()
        made = Piece("mapping" if sign == "{" else "list", self.line, self.column, in_flow=True)
        self.column += 1
        closing = "}" if sign == "{" else "]"
        while self._space():
            sign = self.lines[self.line][self.column]
            if sign in "]}":
                if sign == closing:
                    self.column += 1
                break
            if sign == ",":
                self.column += 1
                continue
            if made.kind == "mapping":
                made.entries.append(self._entry(depth))
            else:
                before = (self.line, self.column)
                made.items.append(self.value(depth + 1))
                if (self.line, self.column) == before:
                    self.column += 1
        return made

    def _entry(self, depth: int) -> Entry:
        line, column = self.line, self.column
        text = self.lines[line]
        end = column
        quote = ""
        while end < len(text):
            each = text[end]
            if quote:
                quote = "" if each == quote else quote
            elif each in "\"'" and end == column:
                quote = each
            elif each in ",}]" or _FLOW_KEY_END.match(text, end):
                break
            end += 1
        key = text[column:end].strip().strip("\"'")
        entry = Entry(key, line, column, typed=end < len(text) and text[end] == ":")
        self.column = max(end, column + 1) if not entry.typed else end + 1
        if entry.typed:
            rest = self.lines[self.line][self.column :]
            gap = len(rest) - len(rest.lstrip(" "))
            if rest[gap : gap + 1] not in {",", "}", "]", ""}:
                self.column += gap
                entry.value = self.value(depth + 1)
        return entry

    def _text(self) -> Piece:
        """Text up to the comma or bracket that ends it; a template is one piece, quoted or not."""
        line, start = self.line, self.column
        text = self.lines[line]
        at, quote, round_ = start, "", 0
        while at < len(text):
            each = text[at]
            if quote:
                quote = "" if each == quote else quote
            elif each in "\"'" and at == start:
                quote = each
            elif text.startswith("${{", at):
                closed = text.find("}}", at)
                at = len(text) if closed < 0 else closed + 1
            elif each == "(":
                round_ += 1
            elif each == ")":
                round_ -= 1
            elif each in "]}" or (each == "," and round_ <= 0):
                break
            at += 1
        self.column = at
        return Piece("text", line, start, text[start:at].strip(), in_flow=True)

    def _space(self) -> bool:
        """Go to the next letter, over lines that are indented deeper than the block; False when there is none."""
        while True:
            text = self.lines[self.line]
            while self.column < len(text) and text[self.column] in " \t":
                self.column += 1
            if self.column < len(text) and text[self.column] != "#":
                return True
            following = self.line + 1
            if following >= len(self.lines):
                return False
            next_line = self.lines[following]
            indent = len(next_line) - len(next_line.lstrip(" \t"))
            begins = next_line[indent:]
            if next_line.strip() and (indent <= self.indent or begins.startswith("- ")):
                return False
            self.line, self.column = following, 0


def _cut(text: str) -> str:
    """Text without a comment, as far as quotes allow to tell."""
    quote = ""
    for at, each in enumerate(text):
        if quote:
            quote = "" if each == quote else quote
        elif each in "\"'" and at == 0:
            quote = each
        elif each == "#" and at and text[at - 1] == " ":
            return text[:at]
    return text
