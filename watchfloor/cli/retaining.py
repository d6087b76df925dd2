"""What may become of a preserved copy: the conflict order, asked about a case without doing anything."""

from pathlib import Path
from typing import Annotated

import typer

from watchfloor.cli.edge import edge
from watchfloor.cli.options import JsonFlag, Looking, Region, RunId
from watchfloor.cli.teaching import register

PANEL = "Records"

retention_app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="What may become of a preserved copy.")

_WORDS = {
    "destroy": "destroy this copy now; keep its hash and the receipt",
    "keep": "keep",
    "erase_outside": "keep this copy; erase everything else that the erasure names",
    "restore": "show it again",
    "erase": "erase this copy",
    "wait": "wait: destroy nothing",
}


CHANGED = "ruling_changed"
"""Why of a destruction that was refused because what is in force is not what was approved."""


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(retention_app, explain, PANEL, name="explain")
    register(retention_app, list_rulings, PANEL, name="rulings")
    app.add_typer(retention_app, name="retention", rich_help_panel=PANEL)


def explain(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="YAML: the copy, and every claim on it.")],
    at: Annotated[
        str | None, typer.Option("--at", metavar="INSTANT", help="Decide as of this instant; now when left out.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """What the conflict order says about one copy: the ruling, which claim decided it, and every reason in sentences.
    Reads one file and changes nothing.

    Examples:
      watchfloor retention explain case.yaml
      watchfloor retention explain case.yaml --at 2027-02-01T00:00:00Z
    """
    with edge(as_json):
        from datetime import UTC, datetime

        from watchfloor.cli.console import print_json
        from watchfloor.client.errors import NotFound
        from watchfloor.client.library import clock_register
        from watchfloor.client.retention import read_case
        from watchfloor.retention import decide
        from watchfloor.signing import parse_instant, render_instant

        try:
            now = parse_instant(at) if at is not None else datetime.now(UTC)
        except ValueError as error:
            raise NotFound(f"--at: `{at}` is no instant with an offset; write 2026-11-22T03:10:00Z") from error
        found = read_case(case, clock_register())
        ruling = decide(found.copy, found.claims, now)
        if as_json:
            print_json(
                {
                    "copy": found.copy.id,
                    "at": render_instant(ruling.at),
                    "ruling": ruling.action,
                    "step": ruling.step,
                    "by": ruling.decided_by,
                    "restore_in": ruling.restore_in,
                    "awaits": ruling.awaits,
                    "next": {"at": render_instant(ruling.next.at), "ruling": ruling.next.action}
                    if ruling.next
                    else None,
                    "tell": ruling.tell,
                    "reasoning": ruling.reasoning,
                }
            )
            return
        typer.echo(f"{found.copy.id}: {_WORDS[ruling.action]}")
        if ruling.decided_by:
            step = f"step {ruling.step}, " if ruling.step else ""
            typer.echo(f"decided by {step}{', '.join(ruling.decided_by)}")
        typer.echo("")
        for line in ruling.reasoning:
            typer.echo(line)
        if ruling.tell:
            typer.echo(f"\nTell the person: {ruling.tell}")


def list_rulings(
    context: typer.Context, run: RunId, person: Looking = "", region: Region = None, as_json: JsonFlag = False
) -> None:
    """What the conflict order said before each deletion of a run, from the ledger: why one was refused, in sentences.
    No engine is needed.

    Example:
      watchfloor retention rulings inc-4fkq
    """
    with edge(as_json):
        from schemas.ledger import EntryKind
        from watchfloor.cli.console import print_json
        from watchfloor.cli.sight import Sight
        from watchfloor.cli.stores import find_chain, region_stores

        sight = Sight(context.obj, person) if person else None
        store, chain = find_chain(region_stores(context.obj, region), run, sight)
        with store.ledger() as ledger:
            rulings = [
                entry
                for entry in ledger.read(chain)
                if entry["kind"] == EntryKind.RETENTION
                or (entry["kind"] == EntryKind.FAILED and entry["data"].get("why") == CHANGED)
            ]
        if as_json:
            print_json(rulings)
            return
        for entry in rulings:
            data = entry["data"]
            if entry["kind"] == EntryKind.FAILED:
                held = ", ".join(map(str, data.get("held", []))) or "no hold"
                typer.echo(
                    f"{entry['at']}  {entry['path']}: refused, {'the rest is' if data['possible'] else 'all is'} kept"
                )
                typer.echo(
                    f"  What is in force is not what people approved. In force then: {held}. Rule and ask again."
                )
                continue
            typer.echo(f"{entry['at']}  {entry['path']}: {_WORDS[str(data['ruling'])]}")
            for line in data["reasoning"] if isinstance(data["reasoning"], list) else ():
                typer.echo(f"  {line}")
        if not rulings:
            typer.echo("no deletion was asked for")
