"""Where findings are gathered while a file is read and checked."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from schemas.plan import CARRIED_OUT
from watchfloor.language.codes import Code
from watchfloor.language.document import Use
from watchfloor.language.findings import Finding
from watchfloor.language.nodes import Node, Span, walk

MAX_FINDINGS = 200
"""A file with more mistakes than this is not a runbook; the rest would not help."""


class Report:
    """Findings about one file. One mistake, one finding: a place and code is taken once.

    Attributes:
        carried_out: constructs that the engine carries out (`schemas.plan.CONSTRUCTS`); the rest is refused by name.
    """

    def __init__(self, path: str, lines: Sequence[str], carried_out: Collection[str] = CARRIED_OUT) -> None:
        self.path = path
        self.lines = lines
        self.carried_out = carried_out
        self._findings: dict[tuple[int, int, str], Finding] = {}
        self._inside: list[Use] = []
        self._uses: dict[int, tuple[Node, Use]] = {}
        self._lines: dict[int, Use] = {}
        self._muted = 0

    def note_use(self, node: Node, use: Use) -> None:
        """This step was written in a fragment and stands here because of that use."""
        self._uses[id(node)] = (node, use)
        for inner in walk(node):
            self._lines.setdefault(inner.span.line, use)

    def use_of(self, node: Node) -> Use | None:
        """The use that a step's node came of; None for a step that stands where it was written."""
        found = self._uses.get(id(node))
        return found[1] if found is not None else None

    @contextmanager
    def inside_use(self, use: Use | None) -> Iterator[None]:
        """Findings made meanwhile point at the fragment's line and name the step that uses it."""
        if use is None:
            yield
            return
        self._inside.append(use)
        try:
            yield
        finally:
            self._inside.pop()

    @contextmanager
    def muted(self) -> Iterator[None]:
        """Findings made meanwhile would only repeat one that was made already."""
        self._muted += 1
        try:
            yield
        finally:
            self._muted -= 1

    def add(self, code: Code, span: Span, message: str, *, expected: str = "", found: str = "", help: str = "") -> None:
        key = (span.line, span.column, code.number)
        if self._muted or key in self._findings or len(self._findings) >= MAX_FINDINGS:
            return
        self._findings[key] = Finding(
            path=self.path,
            line=span.line,
            column=span.column,
            end_column=max(span.end_column, span.column + 1),
            code=code.number,
            severity=code.severity,
            message=message + self._origin(span),
            expected=expected,
            found=found,
            help=help,
            source_line=self.line(span.line),
        )

    def _origin(self, span: Span) -> str:
        """The line of the step that uses the fragment in which this place stands."""
        use = self._inside[-1] if self._inside else self._lines.get(span.line)
        if use is None or use.line == span.line:
            return ""
        return f" (fragment `{use.fragment}`, used by `{use.id}` on line {use.line})"

    def line(self, number: int) -> str:
        return self.lines[number - 1].rstrip("\r\n") if 0 < number <= len(self.lines) else ""

    @property
    def failed(self) -> bool:
        return any(finding.is_error for finding in self._findings.values())

    def findings(self) -> tuple[Finding, ...]:
        """In the order of the file."""
        return tuple(sorted(self._findings.values()))
