"""The inbox: statements that no worker has taken yet, and what became of those that were kept."""

from typing import TYPE_CHECKING, Annotated

import typer

from watchfloor.cli.edge import edge
from watchfloor.cli.options import JsonFlag, Looking, Region
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from watchfloor.client.inbox import Kept

PANEL = "Answer and steer"

inbox_app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="What was kept while no worker answered.")


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(inbox_app, list_kept, PANEL, name="list")
    register(inbox_app, deliver_kept, PANEL, name="deliver")
    app.add_typer(inbox_app, name="inbox", rich_help_panel=PANEL)


def list_kept(
    context: typer.Context,
    pending: Annotated[bool, typer.Option("--pending", help="Only what still waits.")] = False,
    person: Looking = "",
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """What was kept, and what became of each: kept, recorded, or refused and why. No engine is needed.

    Example:
      watchfloor inbox list --pending
    """
    with edge(as_json):
        from watchfloor.cli.sight import Sight
        from watchfloor.cli.stores import region_stores
        from watchfloor.client.inbox import StatementInbox

        sight = Sight(context.obj, person)
        found: list[Kept] = []
        for store in region_stores(context.obj, region):
            kept = _listed(StatementInbox(store.inbox_path), pending)
            shown = set(sight.pick(store, sorted({one.workflow for one in kept})))
            found += [one for one in kept if one.workflow in shown]
        _print(found, as_json)


def deliver_kept(context: typer.Context, region: Region = None, as_json: JsonFlag = False) -> None:
    """Send once more what still waits, and see in the ledger what became of it. The gateway does this by itself.

    Example:
      watchfloor inbox deliver
    """
    with edge(as_json):
        from watchfloor.cli.faces import Here, with_faces
        from watchfloor.client.errors import EngineUnavailable
        from watchfloor.client.inbox import InboxUnavailable, deliver
        from watchfloor.ledger import SqliteLedger

        async def go(here: Here) -> "list[Kept]":
            found: list[Kept] = []
            for name, face in here.faces.items():
                if face.inbox is None:
                    continue
                with SqliteLedger(here.settings[name].ledger_path) as ledger:
                    try:
                        settled = await deliver(face, face.inbox, ledger)
                        found += [*settled, *face.inbox.statements(pending=True)]
                    except InboxUnavailable as error:
                        raise EngineUnavailable(str(error)) from error
            return found

        _print(with_faces(context.obj, region, go), as_json)


def _listed(inbox: object, pending: bool) -> "list[Kept]":
    from watchfloor.client.errors import EngineUnavailable
    from watchfloor.client.inbox import InboxUnavailable, StatementInbox

    assert isinstance(inbox, StatementInbox)
    try:
        return inbox.statements(pending=pending)
    except InboxUnavailable as error:
        raise EngineUnavailable(str(error)) from error


def _print(found: "list[Kept]", as_json: bool) -> None:
    from watchfloor.cli.console import print_json

    if as_json:
        print_json(found)
        return
    for one in found:
        typer.echo(f"{one.kept_at}  {one.person}  {one.workflow}  {one.path}  {one.in_words}")
    if not found:
        typer.echo("nothing is kept")
