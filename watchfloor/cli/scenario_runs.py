"""`watchfloor test`: play scenarios and say how each ended."""

import time
from pathlib import Path

import typer

from watchfloor.cli.console import console, print_json
from watchfloor.client.errors import NotFound
from watchfloor.language.findings import as_dict, render_text
from watchfloor.scenarios.files import Summary, run_files
from watchfloor.scenarios.junit import render_junit
from watchfloor.scenarios.outcome import Outcome
from watchfloor.scenarios.report import render_outcome

KINDS = {
    "step": "steps",
    "branch": "branches",
    "option": "options",
    "approval": "outcomes of approvals",
    "silence": "kinds of silence",
}


def run_scenarios(paths: list[Path], only: str | None, *, junit: Path | None, at_once: int, as_json: bool) -> bool:
    """Play the scenarios of files and print the result; true when all is well.

    Raises:
        NotFound: a path is not there, no scenario has that name, or the time-skipping server is not installed.
    """

    began, played = time.monotonic(), 0

    def told(outcome: Outcome) -> None:
        nonlocal played
        played += 1
        if not as_json:
            text = f"{played:>4}  {render_outcome(outcome)}"
            console().print(text, style=None if outcome.passed else "red", soft_wrap=True)

    try:
        summary = run_files(paths, match=only, progress=told, at_once=at_once)
    except FileNotFoundError as error:
        raise NotFound(f"the time-skipping server is not installed ({error}); run `make setup`") from error
    if only is not None and not summary.outcomes and not summary.findings:
        raise NotFound(f"no scenario's name contains `{only}`")
    if junit is not None:
        _write(junit, render_junit(summary.outcomes))
    if as_json:
        print_json(_as_document(summary))
    else:
        _print_summary(summary, time.monotonic() - began)
    return summary.ok


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NotFound(f"cannot write `{path}`: {error.strerror}; check the path") from error


def _print_summary(summary: Summary, seconds: float) -> None:
    if summary.findings:
        typer.echo(render_text(summary.findings))
    for coverage in summary.coverage:
        counts = [(words, *coverage.count(kind)) for kind, words in KINDS.items()]
        told = ", ".join(f"{covered} of {every} {words}" for words, covered, every in counts if every)
        typer.echo(f"{coverage.runbook}: covered {told}")
        for mark in coverage.missed:
            typer.echo(f"  not covered: {mark}")
    typer.echo(f"{summary.passed} passed, {summary.failed} failed, {seconds:.1f} s")


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
