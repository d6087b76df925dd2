"""Findings for other programs: GitHub's annotations and SARIF."""

import json
import re
from dataclasses import replace
from typing import Any

from tests.language.embedding import compile_piece
from watchfloor.language import Finding
from watchfloor.language.render_github import render_github
from watchfloor.language.render_sarif import FINGERPRINT, render_sarif

PIECE = (
    "inputs:\n  received_at: timestamp\n  state: {type: string, enum: [SE, NO]}\n"
    "phases:\n  - main:\n      - {id: a, action: no.such, if: 'inputs.sate == \"SE\"'}\n"
)
FINDINGS = compile_piece(PIECE).findings


def log(*findings: Finding) -> dict[str, Any]:
    document = json.loads(render_sarif(findings))
    assert isinstance(document, dict)
    return document


def test_an_annotation_stands_at_the_place_with_its_title() -> None:
    first, *_ = render_github(FINDINGS).split("\n")
    assert re.match(r"::error file=runbook\.yaml,line=\d+,col=\d+,endColumn=\d+,title=WF\d{3} [^:]+::", first)


def test_errors_are_annotated_before_warnings() -> None:
    kinds = [line.split(" ")[0] for line in render_github(FINDINGS).split("\n")]
    assert kinds == ["::error", "::error", "::warning"]


def test_what_would_end_an_annotation_is_escaped() -> None:
    nasty = replace(FINDINGS[0], path="a,b:c%.yaml", message="100% of\r\nit::x", expected="", help="")
    (line,) = render_github([nasty]).splitlines()
    assert "file=a%2Cb%3Ac%25.yaml," in line
    assert line.endswith(f"::100%25 of%0D%0Ait::x%0Awatchfloor explain {nasty.code}")


def test_no_findings_are_no_annotations_and_an_empty_run() -> None:
    assert render_github([]) == ""
    (run,) = log()["runs"]
    assert run["results"] == []
    assert run["tool"]["driver"]["rules"] == []


def test_a_result_points_at_its_rule_and_its_letters() -> None:
    document = log(*FINDINGS)
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["columnKind"] == "unicodeCodePoints"
    for finding, result in zip(FINDINGS, run["results"], strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == finding.code
        assert result["level"] == finding.severity
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"] == {"uri": "runbook.yaml", "uriBaseId": "%SRCROOT%"}
        assert place["region"]["startLine"] == finding.line
        assert 0 < place["region"]["startColumn"] < place["region"]["endColumn"]
        assert place["region"]["snippet"]["text"] == finding.source_line


def test_every_rule_brings_its_page() -> None:
    for rule in log(*FINDINGS)["runs"][0]["tool"]["driver"]["rules"]:
        assert "## Correct" in rule["help"]["markdown"]
        assert rule["fullDescription"]["text"]
        assert rule["name"].isalnum()


def test_a_fingerprint_survives_lines_above_it_and_tells_equal_lines_apart() -> None:
    def prints(*findings: Finding) -> list[str]:
        return [each["partialFingerprints"][FINGERPRINT] for each in log(*findings)["runs"][0]["results"]]

    first = FINDINGS[0]
    assert prints(replace(first, line=first.line + 40)) == prints(first)
    twice = prints(first, replace(first, line=first.line + 1))
    assert len(set(twice)) == 2
    assert prints(first)[0] == twice[0]


def test_a_suppressed_finding_is_in_the_log_with_its_reason() -> None:
    piece = PIECE.replace("NO]}", "NO]}  # wf: allow WF501 because the register spells it so").replace(
        "no.such", "page"
    )
    piece = piece.replace("sate", "state").replace("action: page", "action: page, with: {role: deputy, about: x}")
    compiled = compile_piece(piece)
    assert compiled.findings == ()
    (result,) = json.loads(render_sarif(compiled.findings, compiled.suppressed))["runs"][0]["results"]
    assert result["suppressions"] == [
        {"kind": "inSource", "status": "accepted", "justification": "the register spells it so"}
    ]


def test_an_absolute_path_is_a_file_address() -> None:
    (result,) = log(replace(FINDINGS[0], path="/srv/run books/a.yaml"))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "file:///srv/run%20books/a.yaml"}


def test_the_log_has_only_what_the_standard_names() -> None:
    """SARIF closes its objects: a property that the standard does not name makes a log invalid."""
    document = log(*FINDINGS)
    (run,) = document["runs"]
    driver = run["tool"]["driver"]
    assert set(document) == {"$schema", "version", "runs"}
    assert set(run) == {"tool", "columnKind", "results"}
    assert set(driver) == {"name", "semanticVersion", "rules"}
    for rule in driver["rules"]:
        assert set(rule) == {
            *("id", "name", "shortDescription", "fullDescription", "help", "defaultConfiguration", "properties"),
        }
        assert set(rule["properties"]) == {"tags"}
        assert rule["defaultConfiguration"]["level"] in {"none", "note", "warning", "error"}
    for result in run["results"]:
        assert set(result) == {"ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"}
        assert set(result["message"]) == {"text"}
        (location,) = result["locations"]
        assert set(location) == {"physicalLocation"}
        assert set(location["physicalLocation"]) == {"artifactLocation", "region"}
        assert set(location["physicalLocation"]["region"]) <= {"startLine", "startColumn", "endColumn", "snippet"}
