"""What a runbook's author uses: lint, explain, graph, test, simulate. None of it needs a stack."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchfloor.cli.edge import Exit, edge
from watchfloor.cli.linting import Paths, lint
from watchfloor.cli.options import JsonFlag, finding_codes, runbook_ids
from watchfloor.cli.runbook_files import default_folder
from watchfloor.cli.simulating import simulate
from watchfloor.cli.teaching import register
from watchfloor.cli.timing import timing

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.plan import Plan

PANEL = "For authors"


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(app, lint, PANEL)
    register(app, explain, PANEL)
    register(app, graph, PANEL)
    register(app, timing, PANEL)
    register(app, run_tests, PANEL, name="test")
    register(app, simulate, PANEL)


def explain(
    code: Annotated[
        str, typer.Argument(metavar="CODE", help="Code of a finding, for example WF204.", autocompletion=finding_codes)
    ],
    as_json: JsonFlag = False,
) -> None:
    """Explain a finding: why it matters, a runbook that has it, the same runbook put right.

    Example:
      watchfloor explain WF204
    """
    from watchfloor.cli.console import console, print_json
    from watchfloor.client.errors import NotFound
    from watchfloor.language.findings import explain as read_page

    with edge(as_json):
        try:
            page = read_page(code)
        except KeyError as error:
            raise NotFound(f"{error.args[0]}; codes look like WF204 and stand in every finding") from error
        if as_json:
            print_json({"code": code.upper(), "page": page})
            return
        screen = console()
        if screen.is_terminal:
            from rich.markdown import Markdown

            screen.print(Markdown(page))
        else:
            typer.echo(page)


class Picture(StrEnum):
    """How a graph is drawn."""

    TEXT = "text"
    MERMAID = "mermaid"
    SVG = "svg"


def graph(
    runbook: Annotated[
        str,
        typer.Argument(metavar="RUNBOOK", help="Id of the library or path of a runbook.", autocompletion=runbook_ids),
    ],
    mermaid: Annotated[
        bool, typer.Option("--mermaid", help="Print Mermaid source, for a page that renders it.")
    ] = False,
    svg: Annotated[bool, typer.Option("--svg", help="Draw an SVG; needs -o on a terminal.")] = False,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write to this file.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Draw a runbook: phases, steps, gates, clocks. As a tree of text, as Mermaid or as SVG.

    Examples:
      watchfloor graph eu-tco-removal-order
      watchfloor graph eu-tco-removal-order --svg -o order.svg
      watchfloor graph runbooks/eu-tco-removal-order/runbook.yaml --mermaid
    """
    from watchfloor.cli.console import console, print_json
    from watchfloor.client.library import plan_for_start

    if mermaid and svg:
        raise typer.BadParameter("choose --mermaid or --svg")
    kind = Picture.MERMAID if mermaid else Picture.SVG if svg or (out and out.suffix == ".svg") else Picture.TEXT
    if kind is Picture.SVG and out is None and console().is_terminal:
        raise typer.BadParameter("an SVG is not for a terminal; give -o FILE")
    with edge(as_json):
        plan, digest = plan_for_start(runbook)
        drawn = _draw(kind)(plan)
        if out is not None:
            out.write_text(drawn, encoding="utf-8")
        if as_json:
            print_json({"runbook": plan["id"], "plan": digest, "kind": kind.value, "file": out, "graph": drawn})
        elif out is not None:
            typer.echo(f"{out}: {plan['title']}")
        else:
            typer.echo(drawn)


def run_tests(
    paths: Paths = None,
    only: Annotated[
        str | None, typer.Option("-k", metavar="TEXT", help="Only scenarios whose name contains this.")
    ] = None,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML to this file.")] = None,
    at_once: Annotated[
        int, typer.Option("--at-once", min=1, max=16, help="Scenarios in play at the same time, each on its server.")
    ] = 2,
    as_json: JsonFlag = False,
) -> None:
    """Run the scenarios of runbooks on the real engine with time skipped.

    A scenario is a test that an author writes: what actions give, who answers when, what must come of it.

    Examples:
      watchfloor test
      watchfloor test runbooks/eu-tco-removal-order -k incomplete
      watchfloor test runbooks --junit results.xml
    """
    from watchfloor.cli.scenario_runs import run_scenarios

    with edge(as_json):
        good = run_scenarios(_scenario_files(paths), only, junit=junit, at_once=at_once, as_json=as_json)
    if not good:
        raise typer.Exit(Exit.REFUSED)


def _draw(kind: Picture) -> "Callable[[Plan], str]":
    if kind is Picture.SVG:
        from watchfloor.language.graph_svg import render_svg

        return render_svg
    if kind is Picture.MERMAID:
        from watchfloor.language.graph_mermaid import render_mermaid

        return render_mermaid
    from watchfloor.language.graph_text import render_text

    return render_text


def _scenario_files(paths: list[Path] | None) -> list[Path]:
    from watchfloor.client.errors import NotFound
    from watchfloor.client.library import find_runbook

    files: list[Path] = []
    for path in paths or [default_folder()]:
        if path.is_dir():
            files += sorted(path.rglob("scenarios.yaml"))
        elif path.is_file():
            files.append(path if path.name != "runbook.yaml" else path.with_name("scenarios.yaml"))
        else:
            files.append(find_runbook(str(path)).with_name("scenarios.yaml"))
    missing = [file for file in files if not file.is_file()]
    if missing or not files:
        where = ", ".join(f"`{file}`" for file in missing) or "a scenarios.yaml there"
        raise NotFound(f"no scenarios: {where} does not exist; an author writes them beside the runbook")
    return list(dict.fromkeys(files))
