"""What is on record: the ledger and the review. Read from the stores; no engine is needed."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from watchfloor.cli.edge import Exit, edge
from watchfloor.cli.options import JsonFlag, Looking, Region
from watchfloor.cli.teaching import register

PANEL = "Records"

ledger_app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Verify and export the ledger, offline.")


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(ledger_app, verify_ledger, PANEL, name="verify")
    register(ledger_app, export_ledger, PANEL, name="export")
    app.add_typer(ledger_app, name="ledger", rich_help_panel=PANEL)
    register(app, postmortem, PANEL)


def verify_ledger(
    context: typer.Context,
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[FILE|ID]", help="An exported file, or a run; left out: every chain here.", show_default=False
        ),
    ] = None,
    anchors: Annotated[
        list[Path] | None,
        typer.Option("--anchor", help="File with signed checkpoints kept elsewhere; repeatable.", show_default=False),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(
            "--keys", help="Public keys of the region that wrote it; left out: the regions here.", show_default=False
        ),
    ] = None,
    person: Looking = "",
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Prove that nothing in the ledger was edited, cut, reordered or forked; say what could not be checked.

    An edit inside a chain shows by itself. A cut tail or a chain written anew shows only against an anchor: a signed
    checkpoint that was kept where the ledger does not live. Exit code 1 when something was tampered with.

    Examples:
      watchfloor ledger verify
      watchfloor ledger verify inc-4fkq --anchor from-us.json
      watchfloor ledger verify incident.jsonl \\
        --keys eu.public.json --anchor anchors.jsonl
    """
    with edge(as_json):
        from watchfloor.cli.console import print_json
        from watchfloor.cli.sight import Sight
        from watchfloor.cli.verification import verify

        reports = verify(context.obj, region, what, anchors or [], keys, Sight(context.obj, person))
        if as_json:
            print_json([{"region": name, "ok": report.ok, **asdict(report)} for name, report in reports])
        else:
            for name, report in reports:
                typer.echo("\n".join([f"{name}: {report.lines()[0]}", *report.lines()[1:]]))
    if not all(report.ok for _, report in reports):
        raise typer.Exit(Exit.REFUSED)


def export_ledger(
    context: typer.Context,
    run: Annotated[str, typer.Argument(metavar="ID", help="Run whose chain is exported, or its beginning.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="File; left out: ID.jsonl here.")] = None,
    person: Looking = "",
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Write one chain as JSON lines, as the offline verifier (anybody's) reads it.

    With --as the policies are asked: who may not see the run does not find it, and an export is for who keeps records,
    commands, counsels or leads the review.

    Examples:
      watchfloor ledger export inc-4fkq -o incident.jsonl
      watchfloor ledger export inc-4fkq --as counsel-1
    """
    with edge(as_json):
        from watchfloor.cli.console import print_json
        from watchfloor.cli.sight import Sight
        from watchfloor.cli.stores import find_chain, region_stores

        sight = Sight(context.obj, person)
        store, chain = find_chain(region_stores(context.obj, region), run, sight if person else None)
        sight.require(store, chain, "export")
        file = out or Path(f"{chain}.jsonl")
        with store.ledger() as ledger:
            lines = ledger.export(chain, file)
        if as_json:
            print_json({"chain": chain, "region": store.region, "file": file, "entries": lines})
        else:
            typer.echo(f"{file}: {lines} entries of {chain} ({store.region})")


def postmortem(
    context: typer.Context,
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]", help="Incident or review, or its beginning; left out: the latest.", show_default=False
        ),
    ] = None,
    where: Annotated[bool, typer.Option("--path", help="Print the folder instead of the text.")] = False,
    person: Looking = "",
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Read the review that was drafted from the ledger; every sentence names the entry it rests on.

    Examples:
      watchfloor postmortem
      watchfloor postmortem inc-4fkq --path
      watchfloor postmortem --as counsel-1
    """
    with edge(as_json):
        from watchfloor.cli.console import console, print_json
        from watchfloor.cli.reviews import find_review
        from watchfloor.cli.sight import Sight

        review = find_review(context.obj, region, run, Sight(context.obj, person))
        if as_json:
            print_json({**asdict(review), "text": review.markdown.read_text(encoding="utf-8")})
            return
        if where:
            typer.echo(str(review.folder))
            return
        text = review.markdown.read_text(encoding="utf-8")
        screen = console()
        if screen.is_terminal:
            from rich.markdown import Markdown

            screen.print(Markdown(text))
            screen.print(f"with pictures: {review.html}", style="dim")
        else:
            typer.echo(text)
