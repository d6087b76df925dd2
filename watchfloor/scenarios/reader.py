"""Reading a located tree into plain values, with a finding for everything that does not fit."""

import re
from collections.abc import Collection
from datetime import timedelta

from schemas.json_value import Json
from watchfloor.language.codes import (
    BAD_DURATION,
    BAD_VALUE,
    MISSING_KEY,
    UNKNOWN_KEY,
    WRONG_SHAPE,
    Code,
)
from watchfloor.language.findings import listing, nearest
from watchfloor.language.nodes import Mapping, Node, Scalar, Sequence, Span, kind_of
from watchfloor.language.report import Report

_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)(s|m|h|d)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Misfit(Exception):
    """A node does not fit; the finding has been noted already."""


class Reader:
    """Reads nodes of one file. Methods that need a value raise `Misfit` after noting why it is not there."""

    def __init__(self, path: str, lines: list[str]) -> None:
        self.path = path
        self.report = Report(path, lines)

    def note(
        self, code: Code, span: Span, message: str, *, expected: str = "", found: str = "", help: str = ""
    ) -> None:
        self.report.add(code, span, message, expected=expected, found=found, help=help)

    def wrong(self, node: Node, what: str, expected: str) -> Misfit:
        found = kind_of(node)
        self.note(WRONG_SHAPE, node.span, f"{what} must be {expected}, found {found}", expected=expected, found=found)
        return Misfit()

    def fields(self, node: Node, what: str, *, known: Collection[str], needed: Collection[str] = ()) -> dict[str, Node]:
        """The entries of a mapping; unknown and missing keys are noted, a mapping of another shape is a `Misfit`."""
        entries = self.mapping(node, what)
        for key, value in list(entries.items()):
            if key not in known:
                self.unknown(key, self.key_span(node, key) or value.span, what, known)
                del entries[key]
        for key in needed:
            if key not in entries:
                self.note(MISSING_KEY, node.span, f"{what} needs `{key}`", expected=f"`{key}:`")
        return entries

    def unknown(self, key: str, span: Span, what: str, known: Collection[str]) -> None:
        near = nearest(key, known)
        self.note(
            UNKNOWN_KEY,
            span,
            f"unknown key `{key}` in {what}",
            expected=f"one of {listing(sorted(known))}",
            found=key,
            help=f"did you mean `{near}`?" if near else "",
        )

    def key_span(self, node: Node, key: str) -> Span | None:
        if isinstance(node, Mapping):
            for name, _ in node.entries:
                if name.value == key:
                    return name.span
        return None

    def mapping(self, node: Node, what: str) -> dict[str, Node]:
        if not isinstance(node, Mapping):
            raise self.wrong(node, what, "a mapping")
        return {name.value: value for name, value in node.entries}

    def items(self, node: Node, what: str) -> tuple[Node, ...]:
        if not isinstance(node, Sequence):
            raise self.wrong(node, what, "a list")
        return node.items

    def text(self, node: Node, what: str) -> str:
        if not isinstance(node, Scalar) or not isinstance(node.core, str) or not node.value.strip():
            raise self.wrong(node, what, "text")
        return node.value

    def words(self, node: Node, what: str, known: Collection[str] | None = None) -> tuple[str, ...]:
        """A list of words; a word outside `known` is noted."""
        return tuple(self.word(item, what, known) for item in self.items(node, what))

    def word(self, node: Node, what: str, known: Collection[str] | None = None) -> str:
        value = self.text(node, what)
        if known is not None and value not in known:
            near = nearest(value, known)
            self.note(
                BAD_VALUE,
                node.span,
                f"{what} cannot be `{value}`",
                expected=f"one of {listing(sorted(known))}" if known else "nothing of that kind is in the runbook",
                found=value,
                help=f"did you mean `{near}`?" if near else "",
            )
            raise Misfit
        return value

    def whole(self, node: Node, what: str, *, least: int = 0) -> int:
        value = node.core if isinstance(node, Scalar) else None
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.wrong(node, what, f"a whole number of at least {least}")
        return value

    def duration(self, node: Node, what: str) -> timedelta:
        match = _DURATION.fullmatch(node.value) if isinstance(node, Scalar) else None
        if match is None:
            self.note(
                BAD_DURATION,
                node.span,
                f"{what} must be a duration, found {kind_of(node)}",
                expected="a duration such as 30s, 15m, 4h, 7d",
            )
            raise Misfit
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])


def plain(node: Node) -> Json:
    """The plain value of a node, scalars read by the YAML 1.2 core schema."""
    if isinstance(node, Scalar):
        return node.core
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {name.value: plain(value) for name, value in node.entries}
