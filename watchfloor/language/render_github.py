"""Findings as annotations of GitHub Actions: one workflow command a line, shown at the line of a pull request.

Source: docs.github.com, "Workflow commands for GitHub Actions". A message may not hold a line break or a bare `%`; a
property may hold no `:` or `,` either. GitHub shows ten annotations of a kind for each step and drops the rest, so
errors come before warnings.
"""

from collections.abc import Iterable

from watchfloor.language.codes import TABLE
from watchfloor.language.findings import Finding


def render_github(findings: Iterable[Finding]) -> str:
    """One `::error …` or `::warning …` for each finding, errors first; empty when there are none."""
    ordered = sorted(findings, key=lambda finding: (not finding.is_error, finding))
    return "\n".join(_annotation(finding) for finding in ordered)


def _annotation(finding: Finding) -> str:
    properties = {
        "file": finding.path,
        "line": str(finding.line),
        "col": str(finding.column),
        # GitHub's last column is inclusive
        "endColumn": str(max(finding.column, finding.end_column - 1)),
        "title": f"{finding.code} {TABLE[finding.code].title}",
    }
    said = [finding.message, finding.expected and f"expected: {finding.expected}", finding.help]
    message = "\n".join([*(each for each in said if each), f"watchfloor explain {finding.code}"])
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{finding.severity} {written}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
