"""Runbooks on paper. Needs no engine, no stack and no network: this is for the hour when they do not answer."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchfloor.cli.edge import Exit, edge
from watchfloor.cli.options import JsonFlag, Region, runbook_ids
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from watchfloor.identity.contact_list import ContactList
    from watchfloor.identity.people import Directory
    from watchfloor.identity.rotas import Rotas
    from watchfloor.paper.sheet import Sheet

PANEL = "When Watchfloor is down"


class Paper(StrEnum):
    """How a checklist is written."""

    MARKDOWN = "md"
    HTML = "html"


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(app, print_sheet, PANEL, name="print")


def print_sheet(
    context: typer.Context,
    runbook: Annotated[
        str | None,
        typer.Argument(metavar="[RUNBOOK]", help="Id of the library or path of a runbook.", autocompletion=runbook_ids),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE|DIR", help="Write here; a folder with --all.")
    ] = None,
    kind: Annotated[
        Paper | None, typer.Option("--format", help="md or html; by the file's name, else md.", show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every runbook of the library, both formats.")] = False,
    record: Annotated[
        bool, typer.Option("--record", help="The empty form for what was done by hand, to be taken in afterwards.")
    ] = False,
    contacts: Annotated[
        Path | None,
        typer.Option("--contacts", metavar="FILE", help="Edge contact list; `contacts.yaml` of the home if left out."),
    ] = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Print a runbook as a checklist: phase by phase, who decides, what takes it back, clocks with room for real times.

    For the hour when Watchfloor itself is down, so it needs none of it: print them today, and again when a runbook, a
    rota or a number changes. HTML is one file that any browser prints on A4.

    Examples:
      watchfloor print eu-tco-removal-order
      watchfloor print eu-tco-removal-order --out order.html
      watchfloor print --all --out checklists
      watchfloor print --record eu-tco-removal-order --out record.yaml
    """
    if record and (everything or kind is not None):
        raise typer.BadParameter("a record is YAML for one runbook; no --all, no --format", param_hint="--record")
    if everything == (runbook is not None):
        raise typer.BadParameter("name one runbook, or --all", param_hint="RUNBOOK")
    if everything and out is None:
        raise typer.BadParameter("--all needs a folder: --out DIR", param_hint="--out")
    from watchfloor.client.library import library_ids

    names = library_ids() if runbook is None else [runbook]
    if record:
        _print_form(names[0], out, as_json)
        return
    with edge(as_json):
        from watchfloor.cli.console import print_json
        from watchfloor.client.errors import RunbookRefused

        pages: list[tuple[Sheet, dict[Paper, str]]] = []
        refused: dict[str, RunbookRefused] = {}
        for name in names:
            try:
                pages.append(_make(context.obj, name, contacts, region))
            except RunbookRefused as error:
                if not everything:
                    raise
                # a mistake in one runbook leaves nobody without the paper of the others
                refused[name] = error
        written: list[tuple[str, str, Path | None]] = []
        for sheet, rendered in pages:
            for paper in [Paper.HTML, Paper.MARKDOWN] if everything else [_choose(kind, out)]:
                place = out / f"{sheet.runbook}.{paper}" if everything and out is not None else out
                if place is not None:
                    _write(place, rendered[paper])
                elif not as_json:
                    typer.echo(rendered[paper], nl=False)
                written.append((sheet.runbook, sheet.digest, place))
        if as_json:
            print_json(
                [
                    {
                        "runbook": name,
                        "plan": digest,
                        "file": place,
                        "text": None if place else pages[0][1][Paper.MARKDOWN],
                    }
                    for name, digest, place in written
                ]
                + [
                    {"runbook": name, "plan": None, "file": None, "text": None, "refused": str(error)}
                    for name, error in refused.items()
                ]
            )
        elif out is not None:
            for _, digest, place in written:
                typer.echo(f"{place}: plan {digest[:19]}…")
        for name, why in refused.items():
            typer.echo(
                f"NOT PRINTED: {name}: {why}; `watchfloor lint` shows what is wrong; a sheet of it that lies there "
                "is of an earlier version",
                err=True,
            )
    if refused:
        raise typer.Exit(Exit.REFUSED)


def _print_form(name: str, out: Path | None, as_json: bool) -> None:
    """The empty form of a record for one runbook."""
    with edge(as_json):
        from watchfloor.cli.console import print_json
        from watchfloor.client.library import plan_for_start
        from watchfloor.paper.form import render_form

        plan, digest = plan_for_start(name)
        form = render_form(plan, digest)
        if out is not None:
            _write(out, form)
        if as_json:
            print_json({"runbook": plan["id"], "plan": digest, "file": out, "text": None if out else form})
        else:
            typer.echo(form if out is None else f"{out}: plan {digest[:19]}…", nl=out is not None)


def _choose(kind: Paper | None, out: Path | None) -> Paper:
    if kind is not None:
        return kind
    return Paper.HTML if out is not None and out.suffix in {".html", ".htm"} else Paper.MARKDOWN


def _make(home: Path | None, name: str, contacts: Path | None, region: str | None) -> "tuple[Sheet, dict[Paper, str]]":
    from datetime import UTC, datetime

    from activities.catalog import CATALOG
    from watchfloor.client.library import plan_for_start
    from watchfloor.paper.markdown import render_markdown
    from watchfloor.paper.page import render_page
    from watchfloor.paper.reach import list_reach
    from watchfloor.paper.sheet import make_sheet

    plan, digest = plan_for_start(name)
    at = datetime.now(UTC)
    sheet = make_sheet(plan, digest, CATALOG, printed_at=at)
    people, rotas, known = _read_people(home, region, contacts)
    reached = list_reach(sheet.roles, region or plan["command"], at, people=people, rotas=rotas, known=known)
    return sheet, {Paper.MARKDOWN: render_markdown(sheet, reached), Paper.HTML: render_page(sheet, reached)}


def _read_people(
    home: Path | None, region: str | None, contacts: Path | None
) -> "tuple[Directory, Rotas, ContactList | None]":
    """What there is of directory, rotas and contact list: a sheet without them is better than no sheet.

    Raises:
        PeopleRefused: a file is there and does not load; a wrong number on paper is worse than none.
    """
    from watchfloor.cli.oncall import people_file, rotas_file
    from watchfloor.identity.contact_list import FILE_NAME, load_contacts
    from watchfloor.identity.people import Directory, load_people
    from watchfloor.identity.rota_file import load_rotas
    from watchfloor.identity.rotas import Rotas
    from watchfloor.runtime.settings import find_home

    place, turns = people_file(home, region), rotas_file(home, region)
    listed = contacts or find_home(home) / FILE_NAME
    return (
        load_people(place) if place.exists() else Directory({}),
        load_rotas(turns) if turns.exists() else Rotas(()),
        load_contacts(listed) if contacts is not None or listed.exists() else None,
    )


def _write(file: Path, text: str) -> None:
    """Write one sheet whole; a folder that is missing is made.

    Raises:
        NotFound: it cannot be written.
    """
    from watchfloor.cli.oncall import write
    from watchfloor.client.errors import NotFound

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotFound(f"{file.parent} cannot be made: {error.strerror}") from error
    write(file, text.encode())
