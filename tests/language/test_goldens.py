"""What findings look like and what a plan is, byte for byte. `WATCHFLOOR_GOLDEN=write` writes them anew."""

import json
import os
from pathlib import Path

import pytest

from tests.language.embedding import compile_whole, findings_of
from tests.language.test_pages import examples
from watchfloor.language import TABLE, load_register, render_json, render_text
from watchfloor.signing import digest

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "language"
EXAMPLE = Path(__file__).with_name("example.yaml")


def compare(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("WATCHFLOOR_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("code", sorted(TABLE))
def test_a_finding_looks_as_it_did(code: str) -> None:
    found = findings_of(*examples(code)["Problematic"])
    compare(f"{code}.txt", render_text(found) + "\n")


def test_the_drawing_is_the_house_drawing() -> None:
    """style.md, "How a finding looks"."""
    text = (
        "runbook: example\nversion: 1\ntitle: Example\nowners: [ts]\nseverity: S1\n"
        "regions: {command: eu, allowed: [eu]}\nphases:\n  - main:\n"
        "      - {id: check, action: order.authenticate, with: {order_id: A-1, issuing_state: DE}}\n"
        "      - id: told\n        if: steps.check.autentic\n        stop: {outcome: told}\n"
    )
    assert render_text(compile_whole(text).findings) == (
        "error[WF204]: unknown output `autentic` of step `check`\n"
        "  --> runbook.yaml:11:25\n"
        "   |\n"
        "11 |         if: steps.check.autentic\n"
        "   |                         ^^^^^^^^ `order.authenticate` gives: at, authentic, complete, failures, ok, "
        "status\n"
        "   = help: did you mean `authentic`?\n"
        "   = docs: watchfloor explain WF204"
    )


def test_colours_only_when_asked() -> None:
    found = findings_of(*examples("WF204")["Problematic"])
    assert "\x1b" not in render_text(found)
    coloured = render_text(found, colour=True)
    assert "\x1b[1;31merror[WF204]" in coloured
    for escape in ("\x1b[1;31m", "\x1b[1;34m", "\x1b[1m", "\x1b[0m"):
        coloured = coloured.replace(escape, "")
    assert coloured == render_text(found)


def test_json_has_every_fact_of_a_finding() -> None:
    (finding,) = json.loads(render_json(findings_of(*examples("WF204")["Problematic"])))
    assert finding["code"] == "WF204"
    assert finding["severity"] == "error"
    assert set(finding) == {
        *("path", "line", "column", "end_column", "code", "severity", "message", "expected", "found", "help"),
    }


def test_the_example_of_the_language_compiles_to_this_plan() -> None:
    compiled = compile_whole(EXAMPLE.read_bytes())
    assert [finding.code for finding in compiled.findings] == ["WF503", "WF405", "WF411", "WF410"]
    assert compiled.plan is not None
    compare("example.plan.json", json.dumps(compiled.plan, indent=1, ensure_ascii=False) + "\n")
    assert compiled.digest == digest(json.loads((GOLDEN / "example.plan.json").read_text()))


def test_a_comment_changes_the_source_digest_and_not_what_the_run_does() -> None:
    once, twice = (compile_whole(EXAMPLE.read_bytes() + tail) for tail in (b"", b"# the same\n"))
    assert once.plan is not None
    assert twice.plan is not None
    assert once.plan["source_digest"] != twice.plan["source_digest"]
    assert {**once.plan, "source_digest": ""} == {**twice.plan, "source_digest": ""}


def test_the_shipped_register_is_well_formed() -> None:
    register = load_register(Path(__file__).resolve().parents[2] / "runbooks" / "clocks.yaml")
    assert register["eu.tco.removal"]["duration"] == 3600
    assert register["eu.tco.preserve"]["months"] == 6
    assert register["eu.tco.preserve"]["basis"] == "T"
    assert register["ours.postmortem"]["business_days"] == 10
    assert all(law["owner"] and law["review_after"] for law in register.values())
