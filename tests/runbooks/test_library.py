"""Every shipped runbook is without a finding, and all its scenarios come true on the real engine."""

from pathlib import Path

import pytest

from watchfloor.client.library import compile_runbook, library_folder, library_ids
from watchfloor.language import render_text
from watchfloor.scenarios import run_files
from watchfloor.scenarios.report import render_outcome

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "runbooks"
SHIPPED = [library_folder() / name for name in library_ids()]
TESTED = [folder for folder in (*SHIPPED, *sorted(FIXTURES.iterdir())) if (folder / "scenarios.yaml").exists()]


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_a_shipped_runbook_has_no_finding_at_all(folder: Path) -> None:
    findings = compile_runbook(folder / "runbook.yaml").findings
    assert findings == (), render_text(findings)


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_a_shipped_runbook_says_what_it_does_and_has_scenarios(folder: Path) -> None:
    assert (folder / "README.md").read_text().startswith("# ")
    assert (folder / "scenarios.yaml").exists()


@pytest.mark.parametrize("folder", TESTED, ids=lambda folder: folder.name)
def test_all_scenarios_of_a_runbook_come_true(folder: Path) -> None:
    summary = run_files([folder])
    assert summary.outcomes
    assert summary.ok, "\n".join(render_outcome(one) for one in summary.outcomes if not one.passed)
    if folder in SHIPPED:
        (coverage,) = summary.coverage
        assert coverage.missed == (), (
            "what scenarios do not reach, nobody has seen working before the night it is needed"
        )
