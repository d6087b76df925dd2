"""The located tree: what the parser gives and everything after it reads. Nothing downstream sees a dict."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Style: TypeAlias = Literal["plain", "single", "double", "literal", "folded"]

_INT = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_OCTAL_OR_HEX = re.compile(r"0(o[0-7]+|x[0-9a-fA-F]+)\Z")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of one line; columns count from 1, `end_column` is exclusive."""

    line: int
    column: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """Text, and the YAML 1.2 core value it stands for.

    `raw` is the piece of the file it was read from, `span` its first line.
    """

    value: str
    style: Style
    raw: str
    span: Span
    in_flow: bool = False

    @property
    def core(self) -> str | int | float | bool | None:
        """The value under the core schema (YAML 1.2.2, 10.3.2), narrowed: decimal ints without a leading zero, floats,
        true, false, null. Everything else, and everything quoted, is text: `NO`, `on`, `12:30`, `010`, dates."""
        if self.style != "plain":
            return self.value
        text = self.value
        if text in {"", "~", "null", "Null", "NULL"}:
            return None
        if text in {"true", "True", "TRUE"}:
            return True
        if text in {"false", "False", "FALSE"}:
            return False
        if _INT.match(text):
            digits = text.lstrip("+-")
            return text if (len(digits) > 1 and digits[0] == "0") or len(digits) > 18 else int(text)
        if _FLOAT.match(text) and not _OCTAL_OR_HEX.match(text):
            return text if re.match(r"[-+]?0[0-9]", text) or len(text) > 40 else float(text)
        return text

    def part(self, start: int, end: int) -> Span:
        """Where the code points `start` to `end` of the value stand in the file."""
        places = _places(self)
        if places is None:
            return self.span
        start, end = min(start, len(self.value)), min(max(end, start + 1), len(self.value))
        line, column = places[start]
        last_line, last_column = places[end]
        if last_line != line or last_column <= column:
            last_column = column + 1
        return Span(line, column, last_column)


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple["Node", ...]
    span: Span
    in_flow: bool = False


@dataclass(frozen=True, slots=True)
class Mapping:
    entries: tuple[tuple[Scalar, "Node"], ...]
    span: Span
    in_flow: bool = False

    def get(self, key: str) -> "Node | None":
        for name, node in self.entries:
            if name.value == key:
                return node
        return None


Node: TypeAlias = Scalar | Sequence | Mapping


def kind_of(node: Node) -> str:
    """What a node is, in the words of a message."""
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node, Mapping):
        return "a mapping"
    match node.core:
        case None:
            return "nothing"
        case bool():
            return f"`{node.value}` (true or false)"
        case int() | float():
            return f"the number `{node.value}`"
    return f"the text `{shorten(node.value)}`"


def shorten(text: str, limit: int = 40) -> str:
    first = text.split("\n", 1)[0]
    return first if len(first) <= limit and first == text else first[: limit - 1] + "…"


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, in the order of the file; keys are not among them."""
    yield node
    if isinstance(node, Sequence):
        for item in node.items:
            yield from walk(item)
    elif isinstance(node, Mapping):
        for _, value in node.entries:
            yield from walk(value)


_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.S)


def _places(scalar: Scalar) -> list[tuple[int, int]] | None:
    """Line and column of each code point of the value and of its end; None when folding makes that unclear."""
    line, column, raw, value = scalar.span.line, scalar.span.column, scalar.raw, scalar.value
    if scalar.style == "literal":
        return _literal_places(scalar)
    if "\n" in raw:
        return None
    places: list[tuple[int, int]] = []
    if scalar.style == "plain":
        return [(line, column + at) for at in range(len(value) + 1)] if raw == value else None
    at = 1
    while len(places) < len(value):
        places.append((line, column + at))
        if scalar.style == "single":
            at += 2 if raw[at : at + 2] == "''" else 1
        else:
            match = _ESCAPE.match(raw, at)
            at = match.end() if match else at + 1
    places.append((line, column + at))
    return places


def _literal_places(scalar: Scalar) -> list[tuple[int, int]] | None:
    written = scalar.raw.split("\n")[1:]
    places: list[tuple[int, int]] = []
    for number, text in enumerate(scalar.value.split("\n")):
        if number >= len(written) or not written[number].endswith(text):
            return places + [places[-1]] * (len(scalar.value) + 1 - len(places)) if places else None
        indent = len(written[number]) - len(text)
        line = scalar.span.line + 1 + number
        places += [(line, indent + 1 + at) for at in range(len(text) + 1)]
    return places
