"""Reading the heads of blocks: branches, loops, cases. How steps are read is told by who reads steps."""

from typing import Literal

from watchfloor.language import codes
from watchfloor.language import document as doc
from watchfloor.language.document import Course, Step
from watchfloor.language.gate_reader import ReadCourse
from watchfloor.language.nodes import Node, Scalar
from watchfloor.language.reading import (
    Reader,
    duration,
    expression,
    free_name,
    integer,
    name,
    one_of,
    open_mapping,
    pairs_of,
)
from watchfloor.language.recovery_reader import ReadSteps
from watchfloor.language.report import Report

MAX_AT_ONCE = 200
MAX_ROUNDS = 1_000
MAX_BRANCHES = 50


def read_parallel(some_steps: ReadSteps) -> Reader[doc.Parallel]:
    """Named branches at once."""

    def read(node: Node, report: Report) -> doc.Parallel | None:
        keys = open_mapping(node, report, "`parallel`", "parallel: {branches: {police: [...], platform: [...]}}")
        if keys is None:
            return None
        branches = keys.take("branches", pairs_of(name, some_steps, "branches", at_least=2), required=True)
        join = keys.take("join", one_of("all", "any"))
        if branches is not None and len(branches) > MAX_BRANCHES:
            report.add(codes.TOO_WIDE, node.span, f"{len(branches)} branches", expected=f"at most {MAX_BRANCHES}")
            return None
        return doc.Parallel(branches, join or "all") if keys.close() and branches is not None else None

    return read


Head = tuple[Scalar, Scalar, int | None, Literal["fail", "collect"]]


def read_for_each(node: Node, report: Report) -> Head | None:
    """A loop's item, its list, how many at once, and what a failing item does."""
    keys = open_mapping(node, report, "`for_each`", "for_each: {item: url, in: inputs.urls}")
    if keys is None:
        return None
    item = keys.take("item", free_name, required=True)
    in_ = keys.take("in", expression, required=True)
    at_once = keys.take("at_once", integer(1, MAX_AT_ONCE, codes.TOO_WIDE))
    on_error = keys.take("on_item_error", one_of("fail", "collect"))
    if not keys.close() or item is None or in_ is None:
        return None
    return item, in_, at_once, on_error or "fail"


def read_case(read_steps: ReadSteps) -> Reader[tuple[Scalar | None, tuple[Step, ...]]]:
    """A condition and its steps; no condition where it is the case for all others."""

    def read(node: Node, report: Report) -> tuple[Scalar | None, tuple[Step, ...]] | None:
        keys = open_mapping(node, report, "this case", "- {when: inputs.count > 3, steps: [...]}")
        if keys is None:
            return None
        if keys.has("otherwise"):
            steps = keys.take("otherwise", read_steps, required=True)
            return (None, steps) if keys.close() and steps is not None else None
        when = keys.take("when", expression, required=True, hint="a condition, or `otherwise: [...]` as the last case")
        steps = keys.take("steps", read_steps, required=True)
        keys.known.append("otherwise")
        return (when, steps) if keys.close() and when is not None and steps is not None else None

    return read


def read_repeat(read_exhausted: ReadCourse) -> Reader[tuple[doc.Time, int, Scalar, Course]]:
    """A loop's pause, rounds and end, and what follows when the rounds are used up."""

    def read(node: Node, report: Report) -> tuple[doc.Time, int, Scalar, Course] | None:
        keys = open_mapping(node, report, "`repeat`", "repeat: {every: 1m, times: 15, until: ..., on_exhausted: fail}")
        if keys is None:
            return None
        every = keys.take("every", duration(shares=True), required=True)
        times = keys.take("times", integer(1, MAX_ROUNDS, codes.TOO_WIDE), required=True, hint="a bound: `times: 15`")
        until = keys.take("until", expression, required=True)
        exhausted = keys.take(
            "on_exhausted", read_exhausted, required=True, hint="what happens when the rounds are used up"
        )
        if not keys.close() or every is None or times is None or until is None or exhausted is None:
            return None
        return every, times, until, exhausted

    return read
