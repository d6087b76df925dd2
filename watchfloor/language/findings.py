"""Findings: what is wrong, where, what was expected, how to put it right; and how they look."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from watchfloor.language.codes import TABLE, Code, Severity

PAGES = Path(__file__).resolve().parents[2] / "docs" / "findings"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One mistake. Ordered by place, then by code. Lines and columns count from 1; `end_column` is exclusive.

    Attributes:
        message: lower case, names in backticks, no final stop.
        expected, found, help: may be empty. `help` may hold a corrected line.
        source_line: the line of the file, for the reader; empty when there is none.
    """

    path: str
    line: int
    column: int
    end_column: int
    code: str
    severity: Severity = field(compare=False)
    message: str
    expected: str = field(default="", compare=False)
    found: str = field(default="", compare=False)
    help: str = field(default="", compare=False)
    source_line: str = field(default="", compare=False)

    @property
    def is_error(self) -> bool:
        return self.severity == "error"


def render_text(findings: Iterable[Finding], *, colour: bool = False) -> str:
    """Findings for people, one drawing each, separated by a blank line; empty when there are none."""
    return "\n\n".join(_draw(finding, _COLOURS if colour else _PLAIN) for finding in findings)


def render_json(findings: Iterable[Finding]) -> str:
    """Findings for programs: a JSON array in the given order, one object each, keys as the fields."""
    return json.dumps([as_dict(finding) for finding in findings], indent=2, ensure_ascii=False)


def as_dict(finding: Finding) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in Finding.__dataclass_fields__ if name != "source_line"}


def explain(code: str) -> str:
    """The page of a finding, in Markdown.

    Raises:
        KeyError: there is no such code; the message names the nearest.
    """
    known = TABLE.get(code.upper())
    if known is None:
        near = nearest(code.upper(), TABLE)
        raise KeyError(f"there is no finding `{code}`" + (f"; did you mean `{near}`?" if near else ""))
    return (PAGES / f"{known.number}.md").read_text(encoding="utf-8")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant; None when nothing is near."""
    from difflib import get_close_matches

    words = list(known)
    folded = {each.lower().replace("-", "_"): each for each in words}
    exact = folded.get(word.lower().replace("-", "_"))
    if exact is not None and exact != word:
        return exact
    found = get_close_matches(word, words, 1, 0.6)
    return found[0] if found else None


def listing(words: Sequence[str], limit: int = 12) -> str:
    """`a, b, c` for a message, cut when there are too many."""
    shown = ", ".join(words[:limit])
    return f"{shown} … ({len(words)} in all)" if len(words) > limit else shown


@dataclass(frozen=True, slots=True)
class _Palette:
    error: str
    warning: str
    frame: str
    bold: str
    end: str


_PLAIN = _Palette("", "", "", "", "")
_COLOURS = _Palette("\x1b[1;31m", "\x1b[1;33m", "\x1b[1;34m", "\x1b[1m", "\x1b[0m")


def _draw(finding: Finding, ink: _Palette) -> str:
    head = ink.error if finding.is_error else ink.warning
    margin = " " * len(str(finding.line))
    bar = f"{ink.frame}{margin} |{ink.end}"
    lines = [
        f"{head}{finding.severity}[{finding.code}]{ink.end}: {ink.bold}{_visible(finding.message)}{ink.end}",
        f"{ink.frame}{margin}-->{ink.end} {_visible(finding.path)}:{finding.line}:{finding.column}",
    ]
    if finding.source_line:
        source, shift = _window(finding.source_line, finding.column)
        width = max(1, min(finding.end_column - finding.column, len(source) - shift))
        label = finding.expected and f" {_visible(finding.expected)}"
        lines += [
            bar,
            f"{ink.frame}{finding.line} |{ink.end} {_visible(source)}",
            f"{bar} {' ' * shift}{head}{'^' * width}{label}{ink.end}",
        ]
    elif finding.expected:
        lines += [f"{bar}", f"{margin} {ink.frame}={ink.end} expected: {_visible(finding.expected)}"]
    for text in finding.help.splitlines()[:1]:
        lines.append(f"{margin} {ink.frame}={ink.end} help: {_visible(text)}")
    lines += [f"{margin}         {_visible(text)}" for text in finding.help.splitlines()[1:]]
    lines.append(f"{margin} {ink.frame}={ink.end} docs: watchfloor explain {finding.code}")
    return "\n".join(lines)


_WIDEST = 160


def _window(source: str, column: int) -> tuple[str, int]:
    """The part of a line that is drawn, and where the column is in it; a long line is cut around the place."""
    if len(source) <= _WIDEST:
        return source, min(column - 1, len(source))
    start = max(0, min(column - 1 - _WIDEST // 2, len(source) - _WIDEST))
    return source[start : start + _WIDEST], column - 1 - start


def _visible(text: str) -> str:
    """Text that cannot move the cursor or turn the direction of a terminal; one cell for one character."""
    return "".join(each if each.isprintable() or each == " " else "\N{REPLACEMENT CHARACTER}" for each in text)


__all__ = [
    "Code",
    "Finding",
    "as_dict",
    "explain",
    "listing",
    "nearest",
    "render_json",
    "render_text",
]
