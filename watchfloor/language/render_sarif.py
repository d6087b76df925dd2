"""Findings as SARIF 2.1.0 (OASIS standard), the form that code hosts and editors take from any checker.

Every rule of the run carries its page as help. Columns count code points. A result has a fingerprint that does not
change when lines above it are added or removed: of code, path, the text of the line and which of the equal ones it is.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from watchfloor.language.codes import TABLE
from watchfloor.language.findings import Finding, explain
from watchfloor.language.suppression import Suppressed

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "watchfloorFinding/v1"


def render_sarif(findings: Iterable[Finding], suppressed: Iterable[Suppressed] = ()) -> str:
    """One log with one run. A suppressed finding is a result with its justification, which viewers do not show."""
    reported = [(finding, None) for finding in findings]
    allowed = [(each.finding, each.reason) for each in suppressed]
    everything: list[tuple[Finding, str | None]] = sorted([*reported, *allowed], key=lambda pair: pair[0])
    codes = sorted({finding.code for finding, _ in everything})
    places = {code: number for number, code in enumerate(codes)}
    seen: Counter[str] = Counter()
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "watchfloor",
                        "semanticVersion": _version(),
                        "rules": [_rule(code) for code in codes],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, reason, places, seen) for finding, reason in everything],
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False)


def _version() -> str:
    try:
        return version("watchfloor")
    except PackageNotFoundError:
        return "0.0.0"


def _rule(code: str) -> dict[str, Any]:
    known = TABLE[code]
    page = explain(code)
    return {
        "id": code,
        "name": re.sub(r"[^A-Za-z0-9]+", "", known.title.title()),
        "shortDescription": {"text": known.title},
        "fullDescription": {"text": _purpose(page) or known.title},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": known.severity},
        "properties": {"tags": [_area(code)]},
    }


def _purpose(page: str) -> str:
    """The first paragraph of a page that is neither its title nor its severity."""
    for paragraph in page.split("\n\n"):
        if not paragraph.startswith(("#", "Severity:", "```")):
            return " ".join(paragraph.split())
    return ""


def _area(code: str) -> str:
    return {"1": "form", "2": "names", "3": "safety", "4": "time", "5": "style"}.get(code[2], "other")


def _result(finding: Finding, reason: str | None, places: Mapping[str, int], seen: Counter[str]) -> dict[str, Any]:
    said = [finding.message, finding.expected and f"expected: {finding.expected}", finding.help]
    region: dict[str, Any] = {
        "startLine": finding.line,
        "startColumn": finding.column,
        "endColumn": finding.end_column,
    }
    if finding.source_line:
        region["snippet"] = {"text": finding.source_line}
    made: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": places[finding.code],
        "level": finding.severity,
        "message": {"text": "\n".join(each for each in said if each)},
        "locations": [{"physicalLocation": {"artifactLocation": _artifact(finding.path), "region": region}}],
        "partialFingerprints": {FINGERPRINT: _fingerprint(finding, seen)},
    }
    if reason is not None:
        made["suppressions"] = [{"kind": "inSource", "status": "accepted", "justification": reason}]
    return made


def _artifact(path: str) -> dict[str, str]:
    place = PurePath(path)
    if place.is_absolute():
        return {"uri": place.as_uri()}
    return {"uri": quote(place.as_posix()), "uriBaseId": "%SRCROOT%"}


def _fingerprint(finding: Finding, seen: Counter[str]) -> str:
    line = " ".join(finding.source_line.split())
    text = "\n".join([finding.code, PurePath(finding.path).as_posix(), line, finding.message])
    seen[text] += 1
    return hashlib.sha256(f"{text}\n{seen[text]}".encode()).hexdigest()[:32]
