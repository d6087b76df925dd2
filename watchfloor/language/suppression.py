"""Suppression: only in the line, only of what may be allowed, only with a reason.

    inputs:
      state: {type: string, enum: [SE, NO]}  # wf: allow WF501 because the register spells it so

Only warnings may be allowed. Form, names, safety and time are errors: a runbook that has one has no plan, so there is
nothing to allow. A comment that allows nothing, gives no reason, or names a code that may not be allowed is a finding
itself, and cannot be allowed.

YAML's events carry no comments, so the line's text is read: a `#` begins a comment when a space or the line's start is
before it and no scalar of the tree covers it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from watchfloor.language import codes
from watchfloor.language.codes import TABLE
from watchfloor.language.findings import Finding, nearest
from watchfloor.language.nodes import Mapping, Node, Scalar, Span
from watchfloor.language.nodes import Sequence as Items
from watchfloor.language.report import Report

_MARK = re.compile(r"#\s*wf\s*:")
_SAID = re.compile(
    r"#\s*wf\s*:\s*allow\s+(?P<codes>[A-Za-z0-9]+(?:\s*,\s*[A-Za-z0-9]+)*)(?:\s+because\b(?P<reason>.*))?\s*\Z"
)
SHORTEST_REASON = 8
"""Letters and digits that a reason has at least."""
OWN = frozenset({codes.BAD_SUPPRESSION.number, codes.UNUSED_SUPPRESSION.number, codes.NOT_SUPPRESSIBLE.number})
"""Findings about suppressions themselves."""


@dataclass(frozen=True, slots=True, order=True)
class Suppressed:
    """A finding that a line allows, with the reason it gives."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class _Comment:
    """What one comment allows: each code with its place."""

    line: int
    allowed: tuple[tuple[str, Span], ...]
    reason: str


def may_be_allowed(code: str) -> bool:
    """True for a code that a line may suppress: a warning that is not about a suppression."""
    known = TABLE.get(code)
    return known is not None and known.severity == "warning" and code not in OWN


def apply_suppressions(
    findings: Sequence[Finding], *, path: str, text: str, root: Node | None
) -> tuple[tuple[Finding, ...], tuple[Suppressed, ...]]:
    """Part the findings of a file in what is reported and what its lines allow.

    Args:
        findings: everything that was found.
        path: how findings name the file.
        text: the file's text.
        root: its tree; without one nothing is suppressed, because nothing tells a comment from text.

    Returns:
        The findings that are left, with those about the suppressions themselves, and the suppressed ones; both sorted.
    """
    if root is None or not _MARK.search(text):
        return tuple(findings), ()
    lines = text.split("\n")
    report = Report(path, lines)
    left = list(findings)
    suppressed: list[Suppressed] = []
    complete = not any(finding.is_error for finding in findings)
    for comment in _comments(lines, root, report):
        for code, span in comment.allowed:
            hit = [each for each in left if each.line == comment.line and each.code == code]
            left = [each for each in left if each not in hit]
            suppressed += [Suppressed(each, comment.reason) for each in hit]
            # with errors in the file not every check has run, so nothing can be said to be unused
            if not hit and complete:
                report.add(
                    codes.UNUSED_SUPPRESSION,
                    span,
                    f"this line has no {code}, so there is nothing to allow",
                    help="remove the comment, or put it at the end of the finding's own line",
                )
    return tuple(sorted([*left, *report.findings()])), tuple(sorted(suppressed))


def _comments(lines: Sequence[str], root: Node, report: Report) -> Iterator[_Comment]:
    covered = _covered(root)
    for number, line in enumerate(lines, 1):
        if not _MARK.search(line):
            continue
        start = comment_start(line, covered.get(number, ()))
        mark = _MARK.search(line, start) if start is not None else None
        if mark is not None:
            comment = _read(line, number, mark.start(), report)
            if comment is not None:
                yield comment


def comment_start(line: str, covered: Sequence[tuple[int, int]]) -> int | None:
    """Where the comment of a line begins, or None. `covered` are ranges of the line that belong to scalars."""
    for at, each in enumerate(line):
        if each != "#" or (at > 0 and line[at - 1] not in " \t"):
            continue
        if not any(low <= at < high for low, high in covered):
            return at
    return None


def _read(line: str, number: int, start: int, report: Report) -> _Comment | None:
    said = _SAID.match(line, start)
    span = Span(number, start + 1, len(line.rstrip()) + 1)
    example = "write `# wf: allow WF501 because the register spells it so`"
    if said is None:
        report.add(
            codes.BAD_SUPPRESSION,
            span,
            "not a suppression",
            expected="`allow`, codes, `because`, a reason",
            help=example,
        )
        return None
    reason = (said["reason"] or "").strip()
    if len(re.findall(r"\w", reason)) < SHORTEST_REASON:
        report.add(
            codes.BAD_SUPPRESSION,
            span,
            "a suppression without a reason" if not reason else f"`{reason}` is no reason",
            expected="`because` and why it is right here",
            help=example,
        )
        return None
    allowed: list[tuple[str, Span]] = []
    for word in re.finditer(r"[A-Za-z0-9]+", line[said.start("codes") : said.end("codes")]):
        code = word.group().upper()
        place = Span(number, said.start("codes") + word.start() + 1, said.start("codes") + word.end() + 1)
        if code not in TABLE:
            near = nearest(code, TABLE)
            report.add(
                codes.BAD_SUPPRESSION,
                place,
                f"there is no finding `{word.group()}`",
                help=f"did you mean `{near}`?" if near else "codes stand in every finding",
            )
        elif not may_be_allowed(code):
            report.add(
                codes.NOT_SUPPRESSIBLE,
                place,
                f"{code} cannot be allowed: {TABLE[code].title}",
                expected="a warning",
                help="mend what it says",
            )
        else:
            allowed.append((code, place))
    return _Comment(number, tuple(allowed), reason)


def _covered(root: Node) -> dict[int, list[tuple[int, int]]]:
    """For each line the ranges of columns, from 0, that belong to the text of a scalar."""
    found: dict[int, list[tuple[int, int]]] = {}
    for scalar in _scalars(root):
        pieces = scalar.raw.split("\n")
        block = scalar.style in {"literal", "folded"}
        if not block:
            start = scalar.span.column - 1
            found.setdefault(scalar.span.line, []).append((start, start + len(pieces[0])))
        for offset, piece in enumerate(pieces[1:], 1):
            found.setdefault(scalar.span.line + offset, []).append((0, len(piece)))
    return found


def _scalars(node: Node) -> Iterator[Scalar]:
    """Every scalar of a tree, keys included."""
    todo: list[Node] = [node]
    while todo:
        current = todo.pop()
        if isinstance(current, Scalar):
            yield current
        elif isinstance(current, Items):
            todo.extend(current.items)
        elif isinstance(current, Mapping):
            for key, value in current.entries:
                todo += [key, value]
