"""Where findings are gathered while a file is read and checked."""

from collections.abc import Sequence

from watchfloor.language.codes import Code
from watchfloor.language.findings import Finding
from watchfloor.language.nodes import Span

MAX_FINDINGS = 200
"""A file with more mistakes than this is not a runbook; the rest would not help."""


class Report:
    """Findings about one file. One mistake, one finding: a place and code is taken once."""

    def __init__(self, path: str, lines: Sequence[str]) -> None:
        self.path = path
        self.lines = lines
        self._findings: dict[tuple[int, int, str], Finding] = {}

    def add(self, code: Code, span: Span, message: str, *, expected: str = "", found: str = "", help: str = "") -> None:
        key = (span.line, span.column, code.number)
        if key in self._findings or len(self._findings) >= MAX_FINDINGS:
            return
        self._findings[key] = Finding(
            path=self.path,
            line=span.line,
            column=span.column,
            end_column=max(span.end_column, span.column + 1),
            code=code.number,
            severity=code.severity,
            message=message,
            expected=expected,
            found=found,
            help=help,
            source_line=self.line(span.line),
        )

    def line(self, number: int) -> str:
        return self.lines[number - 1].rstrip("\r\n") if 0 < number <= len(self.lines) else ""

    @property
    def failed(self) -> bool:
        return any(finding.is_error for finding in self._findings.values())

    def findings(self) -> tuple[Finding, ...]:
        """In the order of the file."""
        return tuple(sorted(self._findings.values()))
