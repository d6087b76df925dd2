"""Who stands aside from an incident."""

from typing import Annotated, Literal

import typer

from watchfloor.cli.edge import edge
from watchfloor.cli.options import As, JsonFlag, Reason, Region, Role, RunId
from watchfloor.cli.speaking import PANEL, report_sent
from watchfloor.cli.teaching import register

About = Annotated[str, typer.Argument(metavar="PERSON", help="Who stands aside, an id of the directory of people.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(app, recuse, PANEL)
    register(app, unrecuse, PANEL)


def recuse(
    context: typer.Context,
    run: RunId,
    about: About,
    person: As,
    reason: Reason,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Have a person stand aside from an incident (or hold, offer, review): they are a party to it, or too close.

    They decide, steer and take nothing there any more, what they had answered to open questions is void and
    asked again, and they are not told of it. The commander or counsel says so.

    Example:
      watchfloor recuse inc-4fkq ops-1 --as counsel-1 --reason "party to the case"
    """
    _send(context, run, "recuse", about, person, reason, role, region, as_json, f"{about} stands aside")


def unrecuse(
    context: typer.Context,
    run: RunId,
    about: About,
    person: As,
    reason: Reason,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Let a person who stands aside back in. Counsel alone, or two people who may command, one after the other.

    Example:
      watchfloor unrecuse inc-4fkq ops-1 --as counsel-1 --reason "mixed up"
    """
    what = f"{about} need not stand aside (counsel's word counts alone, any other needs a second person)"
    _send(context, run, "unrecuse", about, person, reason, role, region, as_json, what)


def _send(
    context: typer.Context,
    run: str,
    verb: Literal["recuse", "unrecuse"],
    about: str,
    person: str,
    reason: str,
    role: str | None,
    region: str | None,
    as_json: bool,
    what: str,
) -> None:
    with edge(as_json):
        from watchfloor.cli.faces import at_run
        from watchfloor.client.recusal import send_recusal

        sent = at_run(context, region, run, send_recusal, verb, about, person=person, role=role, reason=reason)
        report_sent(sent, what, as_json)
