"""lint, explain and graph work without a stack and start at once."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from typer.testing import CliRunner

from watchfloor.cli.main import app

RUNBOOK = "eu-tco-removal-order"
BROKEN = """\
runbook: broken
version: 1
title: A broken one
owners: [ts-eu]
harm: none
severity: {default: S3}
regions: {command: eu, allowed: [eu]}
phases:
  - triage:
      - {id: one, action: no.such_action}
"""


def run(*words: str) -> tuple[int, str, str]:
    answer = CliRunner().invoke(app, [*words])
    return answer.exit_code, answer.stdout, answer.stderr


def test_the_shipped_library_has_no_errors() -> None:
    code, out, _ = run("lint")
    assert code == 0
    assert "0 errors" in out or "nothing to say" in out


def test_a_broken_runbook_is_exit_code_one_with_a_place(tmp_path: Path) -> None:
    (tmp_path / "runbook.yaml").write_text(BROKEN)
    code, out, _ = run("lint", str(tmp_path))
    assert code == 1
    assert "runbook.yaml:10" in out
    code, out, _ = run("lint", "--json", str(tmp_path))
    assert code == 1
    assert any(finding["line"] == 10 and finding["severity"] == "error" for finding in json.loads(out))


def test_a_broken_runbook_is_not_drawn(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN)
    code, _, err = run("graph", str(path))
    assert code == 1
    assert "broken.yaml:10" in err


@pytest.mark.parametrize("words", [[RUNBOOK], [f"runbooks/{RUNBOOK}/runbook.yaml"], [f"runbooks/{RUNBOOK}"]])
def test_a_runbook_is_named_by_id_folder_or_path(words: list[str]) -> None:
    code, out, _ = run("graph", *words)
    assert code == 0
    assert "containment" in out


def test_a_mistyped_id_gets_the_nearest() -> None:
    code, _, err = run("graph", "eu-tco-removal-ordr")
    assert code == 2
    assert f"did you mean `{RUNBOOK}`" in " ".join(err.split())


def test_an_svg_is_well_formed(tmp_path: Path) -> None:
    out = tmp_path / "order.svg"
    code, _, _ = run("graph", RUNBOOK, "-o", str(out))
    assert code == 0
    assert ET.parse(out).getroot().tag.endswith("svg")


def test_mermaid_and_json() -> None:
    code, out, _ = run("graph", RUNBOOK, "--mermaid", "--json")
    assert code == 0
    document = json.loads(out)
    assert document["runbook"] == RUNBOOK
    assert document["graph"].startswith("flowchart")


def test_a_finding_is_explained() -> None:
    code, out, _ = run("explain", "wf204")
    assert code == 0
    assert "roblematic" in out


@pytest.mark.parametrize("words", [["--help"], ["lint", "--help"], ["lint"]])
def test_neither_temporal_nor_http_is_loaded(words: list[str]) -> None:
    script = (
        "import sys\nfrom watchfloor.cli.main import app\n"
        f"try: app({words!r})\nexcept SystemExit: pass\n"
        "loaded = [name for name in ('temporalio', 'fastapi', 'httpx2', 'uvicorn') if name in sys.modules]\n"
        "print('LOADED', loaded, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "LOADED []" in done.stderr
