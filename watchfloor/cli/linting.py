"""`watchfloor lint`: findings for people, programs, pull requests and code scanners; and what lines allow."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watchfloor.cli.clock_register import read_day, register_findings
from watchfloor.cli.edge import Exit, edge
from watchfloor.cli.options import JsonFlag
from watchfloor.cli.runbook_files import runbook_files, shown

if TYPE_CHECKING:
    from schemas.plan import Plan
    from watchfloor.language import Finding
    from watchfloor.language.suppression import Suppressed

Paths = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[PATHS]...", help="Runbook files, folders, or ids of the library.", show_default=False),
]


class Format(StrEnum):
    """How findings are written."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"


def lint(
    paths: Paths = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    format_: Annotated[
        Format, typer.Option("--format", help="text; json; github: annotations of a pull request; sarif: 2.1.0.")
    ] = Format.TEXT,
    summary: Annotated[
        bool, typer.Option("--summary", help="Count findings by code; list what lines allow, and why.")
    ] = False,
    as_of: Annotated[
        str,
        typer.Option("--as-of", metavar="DAY", help="Judge the register's reviews as of this day; left out: today."),
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """Check runbooks and say where each mistake is and how to fix it.

    Left without paths it checks `runbooks/` here, or the shipped library. Exit code 1 when there are errors. A line may
    allow a warning: `# wf: allow WF501 because …`; `--summary` lists those. Rows of the clock register that are past
    their review are warned of: those that the runbooks use, all of them when no path is given.

    Examples:
      watchfloor lint
      watchfloor lint runbooks/eu-tco-removal-order/runbook.yaml
      watchfloor lint --strict --format sarif runbooks > findings.sarif
      watchfloor lint --summary
    """
    from watchfloor.client.library import compile_runbook

    kind = Format.JSON if as_json else format_
    if summary and kind in {Format.GITHUB, Format.SARIF}:
        raise typer.BadParameter("--summary is written as text or JSON")
    with edge(kind is Format.JSON):
        today = read_day(as_of)
        files = runbook_files(paths)
        findings: list[Finding] = []
        suppressed: list[Suppressed] = []
        used: set[str] = set()
        for file in files:
            compiled = compile_runbook(file, shown_as=shown(file))
            findings += compiled.findings
            suppressed += compiled.suppressed
            used |= _laws_of(compiled.plan)
        findings += register_findings(today, used if paths else None)
        if summary:
            _summarise(len(files), findings, suppressed, kind)
        else:
            _WRITERS[kind](len(files), findings, suppressed)
            if not paths and kind is Format.TEXT:
                _tell_cards(today)
    if any(finding.is_error for finding in findings) or (strict and findings):
        raise typer.Exit(Exit.REFUSED)


def _laws_of(plan: "Plan | None") -> set[str]:
    """The rows of the register that a plan, with the runbooks that it starts, stands on."""
    from watchfloor.language.proof.walk import steps_of

    if plan is None:
        return set()
    laws = {clock["law"]["id"] for clock in plan["clocks"].values()}
    return laws | {step["law"]["id"] for step in steps_of(plan) if step["kind"] == "hold"}


def _text(files: int, findings: "Sequence[Finding]", suppressed: "Sequence[Suppressed]") -> None:
    from watchfloor.language import render_text

    if findings:
        typer.echo(render_text(findings))
    typer.echo(_verdict(files, findings, suppressed))


def _tell_cards(today: date) -> None:
    """What the shipped register of authorities still wants from its owners; a home's own numbers are `doctor`'s."""
    from watchfloor.client.library import library_folder
    from watchfloor.identity.authorities import FILE, load_authorities
    from watchfloor.paper.authority import list_unfilled

    register = load_authorities(library_folder() / FILE)
    unfilled = [row.id for row in list_unfilled(register, None)]
    overdue = [f"{row.id} ({row.owner})" for row in register if row.review_after < today]
    if unfilled:
        typer.echo(f"{FILE}: to be filled by Legal, in contacts.yaml of each home: {', '.join(unfilled)}")
    if overdue:
        typer.echo(f"{FILE}: past their review: {', '.join(overdue)}")


def _verdict(files: int, findings: "Sequence[Finding]", suppressed: "Sequence[Suppressed]") -> str:
    counted = f"{files} {'runbook' if files == 1 else 'runbooks'}"
    errors = sum(finding.is_error for finding in findings)
    counts = ((errors, "error"), (len(findings) - errors, "warning"))
    said = ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts)
    verdict = said if findings else "nothing to say"
    allowed = f", {len(suppressed)} allowed by a line (--summary lists them)" if suppressed else ""
    return f"{counted}: {verdict}{allowed}"


def _json(files: int, findings: "Sequence[Finding]", suppressed: "Sequence[Suppressed]") -> None:
    from watchfloor.language import render_json

    typer.echo(render_json(findings))


def _github(files: int, findings: "Sequence[Finding]", suppressed: "Sequence[Suppressed]") -> None:
    from watchfloor.language.render_github import render_github

    if findings:
        typer.echo(render_github(findings))
    typer.echo(_verdict(files, findings, suppressed))


def _sarif(files: int, findings: "Sequence[Finding]", suppressed: "Sequence[Suppressed]") -> None:
    from watchfloor.language.render_sarif import render_sarif

    typer.echo(render_sarif(findings, suppressed))


_WRITERS: "dict[Format, Callable[[int, Sequence[Finding], Sequence[Suppressed]], None]]" = {
    Format.TEXT: _text,
    Format.JSON: _json,
    Format.GITHUB: _github,
    Format.SARIF: _sarif,
}


def _summarise(files: int, findings: "Sequence[Finding]", suppressed: "Sequence[Suppressed]", kind: Format) -> None:
    from watchfloor.cli.console import print_json
    from watchfloor.language import TABLE

    reported = Counter(finding.code for finding in findings)
    allowed = Counter(each.finding.code for each in suppressed)
    counts: list[dict[str, Any]] = [
        {
            "code": code,
            "severity": TABLE[code].severity,
            "title": TABLE[code].title,
            "reported": reported[code],
            "allowed": allowed[code],
        }
        for code in sorted(reported.keys() | allowed.keys())
    ]
    if kind is Format.JSON:
        rows = [
            {
                "path": each.finding.path,
                "line": each.finding.line,
                "code": each.finding.code,
                "message": each.finding.message,
                "reason": each.reason,
            }
            for each in suppressed
        ]
        print_json({"runbooks": files, "counts": counts, "suppressions": rows})
        return
    typer.echo(f"{files} {'runbook' if files == 1 else 'runbooks'}")
    if counts:
        typer.echo("\n  code   reported  allowed")
        for row in counts:
            typer.echo(f"  {row['code']}  {row['reported']:8}  {row['allowed']:7}  {row['severity']}: {row['title']}")
    typer.echo("\nallowed by a line:" if suppressed else "\nallowed by a line: nothing")
    for each in suppressed:
        place = f"{each.finding.path}:{each.finding.line}:{each.finding.column}"
        typer.echo(f"  {place} {each.finding.code}: {each.finding.message}\n      because {each.reason}")
