"""`lint` writes for people, programs, pull requests and scanners, and lists what lines allow."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from watchfloor.cli.main import app

RUNBOOK = """\
runbook: sample
version: 1
title: A sample
owners: [ts-eu]
severity: {default: S3}
regions: {command: eu, allowed: [eu]}
inputs:
  state: {type: string, enum: [SE, NO]}%s
phases:
  - triage:
      - {id: one, action: page, with: {role: deputy, about: started}}
"""
ALLOWED = "  # wf: allow WF501 because the register spells it so"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "runbook.yaml"
    path.write_text(RUNBOOK % "")
    return path


def run(*words: object) -> tuple[int, str]:
    answer = CliRunner().invoke(app, ["lint", *map(str, words)])
    return answer.exit_code, answer.output


@pytest.mark.parametrize(
    ("form", "begins"), [("text", "warning[WF501]"), ("json", "["), ("github", "::warning file="), ("sarif", "{")]
)
def test_each_format(file: Path, form: str, begins: str) -> None:
    code, out = run(file, "--format", form)
    assert code == 0
    assert out.startswith(begins)
    assert run(file, "--format", form, "--strict")[0] == 1


def test_json_is_short_for_its_format(file: Path) -> None:
    assert run(file, "--json") == run(file, "--format", "json")


def test_what_a_line_allows_is_counted_and_listed_with_its_reason(file: Path) -> None:
    file.write_text(RUNBOOK % ALLOWED)
    code, out = run(file, "--strict")
    assert (code, out) == (0, "1 runbook: nothing to say, 1 allowed by a line (--summary lists them)\n")
    code, out = run(file, "--summary")
    assert code == 0
    assert "WF501         0        1" in out
    assert "runbook.yaml:8:36 WF501" in out
    assert "because the register spells it so" in out
    summary = json.loads(run(file, "--summary", "--json")[1])
    assert summary["counts"] == [
        {
            "code": "WF501",
            "severity": "warning",
            "title": "text that other YAML readers take for something else",
            "reported": 0,
            "allowed": 1,
        }
    ]
    assert [each["reason"] for each in summary["suppressions"]] == ["the register spells it so"]


def test_a_summary_of_nothing_says_so(file: Path) -> None:
    file.write_text((RUNBOOK % "").replace(", NO", ""))
    assert "allowed by a line: nothing" in run(file, "--summary")[1]


def test_a_summary_has_no_form_for_scanners(file: Path) -> None:
    assert run(file, "--summary", "--format", "sarif")[0] == 2
