"""`watchfloor hold renew`: a renewal that was received, stated to the hold."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from watchfloor.cli.edge import edge
from watchfloor.cli.options import As, JsonFlag, Reason, Region, Role, RunId
from watchfloor.cli.speaking import PANEL, report_sent
from watchfloor.cli.teaching import register

hold_app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Legal holds.")


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(hold_app, renew, PANEL, name="renew")
    app.add_typer(hold_app, name="hold", rich_help_panel=PANEL)


def renew(
    context: typer.Context,
    run: RunId,
    received: Annotated[
        str,
        typer.Option("--received", metavar="INSTANT", help="When the renewal was received: an instant, `now`, `-3h`."),
    ],
    person: As,
    reason: Reason,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """State that a hold was renewed. What counts is when the renewal was received, not when it is stated.

    A renewal that was received before the period ended counts, also when the period has ended meanwhile, as long as the
    hold's release is not decided. How much it adds, and how often, is the law's.

    Example:
      watchfloor hold renew hold-7q2m --received -3h --as counsel-1 --reason "renewed request 26-114"
    """
    with edge(as_json):
        from watchfloor.cli.faces import at_run
        from watchfloor.client.holds import renew_hold
        from watchfloor.client.inputs import validate_value
        from watchfloor.signing import parse_instant

        now = datetime.now(UTC)
        at = parse_instant(
            str(validate_value({"type": "timestamp"}, received, field="received", now=now, relative=True))
        )

        sent = at_run(context, region, run, renew_hold, received_at=at, person=person, role=role, reason=reason)
        report_sent(sent, "renewal", as_json)
