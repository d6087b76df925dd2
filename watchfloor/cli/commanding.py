"""Who commands an incident: take it, offer it to somebody, accept, decline, withdraw."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from watchfloor.cli.edge import edge
from watchfloor.cli.options import As, JsonFlag, Reason, Region, Role, RunId
from watchfloor.cli.speaking import PANEL, report_sent
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from watchfloor.client.command import CommandVerb

command_app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Who commands an incident.")


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    for command in (take, offer, accept, decline, withdraw_offer):
        register(command_app, command, PANEL, name=command.__name__.removesuffix("_offer"))
    app.add_typer(command_app, name="command", rich_help_panel=PANEL)


def take(
    context: typer.Context,
    run: RunId,
    person: As,
    reason: Reason,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Take command of an incident that nobody has taken yet. Who merely asked for the run does not count.

    Example:
      watchfloor command take inc-4fkq --as commander-eu-1 --reason "on call"
    """
    _send(context, run, "take_command", person, role, reason, region, as_json, f"{person} commands")


def offer(
    context: typer.Context,
    run: RunId,
    to: Annotated[str, typer.Option("--to", metavar="PERSON", help="Who is to take it.")],
    person: As,
    reason: Reason,
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=1440, help="How long the offer stands.")] = 30,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Offer command to somebody. You stay accountable until they accept; silence leaves command with you.

    Who commands offers it. The deputy or the executive sponsor may offer it in a silent commander's place:
    then it can be accepted ten minutes later, unless the commander withdraws the offer before.

    Example:
      watchfloor command offer inc-4fkq --to commander-us-1 \\
        --as commander-eu-1 --reason "end of shift"
    """
    within = timedelta(minutes=minutes)
    _send(context, run, "offer_command", person, role, reason, region, as_json, f"command offered to {to}", to, within)


def accept(
    context: typer.Context,
    run: RunId,
    person: As,
    reason: Annotated[str, typer.Option(help="A word for the record.")] = "accepted",
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Accept command that was offered to you. From then on you are accountable.

    Example:
      watchfloor command accept inc-4fkq --as commander-us-1
    """
    _send(context, run, "accept_command", person, role, reason, region, as_json, f"{person} commands")


def decline(
    context: typer.Context,
    run: RunId,
    person: As,
    reason: Reason,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Decline command that was offered to you; it stays where it is.

    Example:
      watchfloor command decline inc-4fkq --as commander-us-1 --reason "in another"
    """
    _send(context, run, "decline_command", person, role, reason, region, as_json, "offer declined")


def withdraw_offer(
    context: typer.Context,
    run: RunId,
    person: As,
    reason: Reason,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Take an offer of command back, before it is accepted: your own, or one made in your place while you command.

    Example:
      watchfloor command withdraw inc-4fkq --as commander-eu-1 --reason "I am here"
    """
    _send(context, run, "withdraw_offer", person, role, reason, region, as_json, "offer withdrawn")


def _send(
    context: typer.Context,
    run: str,
    verb: "CommandVerb",
    person: str,
    role: str | None,
    reason: str,
    region: str | None,
    as_json: bool,
    what: str,
    to: str = "",
    within: timedelta = timedelta(minutes=30),
) -> None:
    with edge(as_json):
        from watchfloor.cli.faces import at_run
        from watchfloor.client.command import send_command

        sent = at_run(
            context, region, run, send_command, verb, person=person, role=role, reason=reason, to=to, within=within
        )
        report_sent(sent, what, as_json)
