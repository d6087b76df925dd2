"""`watchfloor test`: play scenarios and say how each ended."""

from pathlib import Path

import typer

from watchfloor.cli.console import console, print_json
from watchfloor.client.errors import NotFound
from watchfloor.language.findings import as_dict, render_text
from watchfloor.scenarios.files import Summary, run_files
from watchfloor.scenarios.outcome import Outcome
from watchfloor.scenarios.report import render_outcome

KINDS = ("step", "option", "branch", "silence")


def run_scenarios(paths: list[Path], only: str | None, *, as_json: bool) -> bool:
    """Play the scenarios of files and print the result; true when all is well.

    Raises:
        NotFound: a path is not there, no scenario has that name, or the time-skipping server is not installed.
    """

    def told(outcome: Outcome) -> None:
        if not as_json:
            console().print(render_outcome(outcome), style=None if outcome.passed else "red", soft_wrap=True)

    try:
        summary = run_files(paths, match=only, progress=told)
    except FileNotFoundError as error:
        raise NotFound(f"the time-skipping server is not installed ({error}); run `make setup`") from error
    if only is not None and not summary.outcomes and not summary.findings:
        raise NotFound(f"no scenario's name contains `{only}`")
    if as_json:
        print_json(_as_document(summary))
    else:
        _print_summary(summary)
    return summary.ok


def _print_summary(summary: Summary) -> None:
    if summary.findings:
        typer.echo(render_text(summary.findings))
    for coverage in summary.coverage:
        counts = [(kind, *coverage.count(kind)) for kind in KINDS]
        told = ", ".join(f"{covered} of {every} {kind}s" for kind, covered, every in counts if every)
        typer.echo(f"{coverage.runbook}: covered {told}")
        for mark in coverage.missed:
            typer.echo(f"  not covered: {mark}")
    typer.echo(f"{summary.passed} passed, {summary.failed} failed")


def _as_document(summary: Summary) -> dict[str, object]:
    return {
        "ok": summary.ok,
        "passed": summary.passed,
        "failed": summary.failed,
        "findings": [as_dict(finding) for finding in summary.findings],
        "scenarios": [
            {
                "name": outcome.scenario.name,
                "runbook": outcome.scenario.runbook,
                "file": outcome.scenario.path,
                "line": outcome.scenario.line,
                "passed": outcome.passed,
                "seconds": round(outcome.seconds, 3),
                "outcome": outcome.ending.outcome if outcome.ending else None,
                "deviations": [deviation.message for deviation in outcome.deviations],
                "findings": [as_dict(finding) for finding in outcome.findings],
            }
            for outcome in summary.outcomes
        ],
        "coverage": [
            {"runbook": each.runbook, "covered": sorted(each.covered), "missed": list(each.missed)}
            for each in summary.coverage
        ],
    }
