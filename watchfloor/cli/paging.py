"""Being paged: acknowledge, give a status, try a channel."""

from typing import TYPE_CHECKING, Annotated

import typer

from watchfloor.cli.edge import edge
from watchfloor.cli.options import As, JsonFlag, Region, Role, RunId
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from schemas.paging import Page
    from watchfloor.client.statements import Sent

PANEL = "Answer and steer"


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(app, ack, PANEL)
    register(app, status, PANEL)


def ack(
    context: typer.Context,
    run: RunId,
    person: As,
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[WHAT]", help="Step, path or id of a page; left out: all that went to you.", show_default=False
        ),
    ] = None,
    note: Annotated[str, typer.Option(help="A word for the record; kept in the region's evidence store.")] = "",
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Acknowledge a page: you have it, it climbs no further. It decides nothing: answer what waits with `decide`.

    Examples:
      watchfloor ack inc-4fkq --as counsel-1
      watchfloor ack inc-4fkq order_doubt --as counsel-1 --note "on it"
    """
    with edge(as_json):
        from watchfloor.cli.faces import Here, with_faces
        from watchfloor.client.pages import send_ack

        async def go(here: Here) -> "tuple[Sent, list[Page]]":
            face, found = await here.locate(run)
            return await send_ack(face, found, what, person=person, role=role, note=note)

        sent, pages = with_faces(context.obj, region, go)
        if as_json:
            from watchfloor.cli.console import print_json

            print_json({"sent": sent, "pages": pages})
            return
        from watchfloor.cli.speaking import report_sent

        report_sent(sent, f"{person} has {', '.join(page['step'] or page['path'] for page in pages)}", as_json)


def status(
    context: typer.Context,
    run: RunId,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Where it stands, in a few sentences.")],
    person: As,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Note a status of an incident: the next one is due after the time its severity gives.

    The text stays in the region's evidence store; the ledger has its reference.

    Example:
      watchfloor status inc-4fkq "All links are down in the EU; waiting for the probe." --as comms-1
    """
    with edge(as_json):
        from watchfloor.cli.faces import Here, with_faces
        from watchfloor.client.pages import send_status

        async def go(here: Here) -> "Sent":
            face, found = await here.locate(run)
            return await send_status(face, found, text, person=person, role=role)

        from watchfloor.cli.speaking import report_sent

        report_sent(with_faces(context.obj, region, go), f"status by {person}", as_json)
