"""Being paged: acknowledge, give a status, try a channel."""

from typing import Annotated

import typer

from watchfloor.cli.edge import Exit, edge
from watchfloor.cli.options import As, JsonFlag, Region, Role, RunId
from watchfloor.cli.teaching import register

PANEL = "Answer and steer"


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(app, ack, PANEL)
    register(app, status, PANEL)
    group = typer.Typer(no_args_is_help=True, help="Try the channels by which people are told.")
    register(group, try_destination, "This machine", name="test")
    app.add_typer(group, name="notify", rich_help_panel="This machine")


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
        from watchfloor.cli.faces import at_run
        from watchfloor.client.pages import send_ack

        sent, pages = at_run(context, region, run, send_ack, what, person=person, role=role, note=note)
        if as_json:
            from watchfloor.cli.console import print_json

            print_json({"sent": sent, "pages": pages})
            return
        from watchfloor.cli.speaking import report_sent

        report_sent(sent, f"{', '.join(page['step'] or page['path'] for page in pages)} taken by {person}", as_json)


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
        from watchfloor.cli.faces import at_run
        from watchfloor.client.pages import send_status

        sent = at_run(context, region, run, send_status, text, person=person, role=role)
        from watchfloor.cli.speaking import report_sent

        report_sent(sent, f"status by {person}", as_json)


def try_destination(
    context: typer.Context,
    destination: Annotated[str, typer.Argument(metavar="DESTINATION", help="A channel of the region's bindings.")],
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Send a harmless message to a channel and say what came back. An alert that it opens is closed again.

    The secrets have to be within reach of this command as they are of the worker. Without --region every region in
    reach that has such a channel is tried.

    Examples:
      watchfloor notify test chat_room --region eu
      watchfloor notify test oncall_pager --json
    """
    with edge(as_json):
        import asyncio

        from watchfloor.cli.console import console, print_json
        from watchfloor.cli.faces import settings_here
        from watchfloor.runtime.trying import try_channel

        tried = [asyncio.run(try_channel(one, destination)) for one in settings_here(context.obj, region).values()]
        if as_json:
            print_json({"tried": tried})
        else:
            for one in tried:
                if one.took_at is not None:
                    more = "; the alert it opened is closed again" if one.closed else ""
                    console().print(f"{one.region}: {one.destination} ({one.kind}) took it{more}", style="bold green")
                else:
                    console().print(f"{one.region}: {one.destination} ({one.kind}) did not take it", style="bold red")
                    console().print(f"  {one.type}: {one.failed}", soft_wrap=True)
        if any(one.took_at is None for one in tried):
            raise typer.Exit(Exit.REFUSED)
