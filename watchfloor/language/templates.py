"""Texts with `${{ }}` in them, taken apart."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a template: literal text, or an expression at an offset of the scalar."""

    text: str
    start: int
    is_expression: bool


class Unclosed(Exception):
    """`${{` without its `}}`; `start` is where it stands."""

    def __init__(self, start: int) -> None:
        super().__init__(start)
        self.start = start


def split(value: str) -> Iterator[Part]:
    """The pieces of a text, in order.

    Raises:
        Unclosed: an opening has no close.
    """
    at = 0
    while at < len(value):
        opening = value.find("${{", at)
        if opening < 0:
            yield Part(value[at:], at, False)
            return
        if opening > at:
            yield Part(value[at:opening], at, False)
        closing = _close(value, opening + 3)
        inner = value[opening + 3 : closing]
        lead = len(inner) - len(inner.lstrip())
        yield Part(inner.strip(), opening + 3 + lead, True)
        at = closing + 2


def _close(value: str, start: int) -> int:
    """Where the `}}` stands that closes a template: outside quotes and braces of the expression."""
    quote, depth, at = "", 0, start
    while at < len(value):
        each = value[at]
        if quote:
            at += each == "\\"
            quote = "" if each == quote else quote
        elif each in "\"'":
            quote = each
        elif each == "{":
            depth += 1
        elif each == "}":
            if depth == 0 and value[at : at + 2] == "}}":
                return at
            depth -= 1
        at += 1
    raise Unclosed(start - 3)
