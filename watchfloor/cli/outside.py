"""What people did outside a run, recorded with its real time."""

from typing import Annotated

import typer

from watchfloor.cli.edge import edge
from watchfloor.cli.options import As, JsonFlag, Reason, Region, Role, RunId
from watchfloor.cli.teaching import register

PANEL = "When Watchfloor is down"


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    # `-40m` as a value is an instant, not an option
    register(app, outside, PANEL, context_settings={"ignore_unknown_options": True})


def outside(
    context: typer.Context,
    run: RunId,
    step: Annotated[str, typer.Argument(metavar="STEP", help="Id or path of the action or task that was done.")],
    at: Annotated[str, typer.Option(metavar="INSTANT", help="When it was done: an instant, `now`, `-40m`.")],
    person: As,
    reason: Reason,
    by: Annotated[
        list[str] | None, typer.Option("--by", metavar="PERSON", help="Who did it; repeat. You, when left out.")
    ] = None,
    witnesses: Annotated[
        list[str] | None, typer.Option("--witness", metavar="PERSON", help="Who saw it; repeat.")
    ] = None,
    outputs: Annotated[
        list[str] | None, typer.Option("--output", metavar="NAME=VALUE", help="What the step gave; repeat.")
    ] = None,
    items: Annotated[
        list[str] | None, typer.Option("--item", metavar="N", help="Which item of a loop, from 1, or `all`; repeat.")
    ] = None,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Record that people carried out a step themselves, with its real time: the run counts it and does not do it again.

    An action with two seats, or of a tier above 1, wants a second person, who is asked to confirm; until then the step
    waits. A restriction done by hand is in force since then, and is taken back like any other.

    Examples:
      watchfloor outside inc-4fkq reply --at -10m --output receipt=DE-77 --as commander-eu-1 --reason "by telephone"
      watchfloor outside inc-4fkq disable --item 3 --item 7 --at 2026-11-28T03:10Z --by ops-1 --witness counsel-1 \\
        --as commander-eu-1 --reason "the platform's own tool"
    """
    with edge(as_json):
        from datetime import UTC, datetime

        from watchfloor.cli.console import print_json
        from watchfloor.cli.faces import at_run
        from watchfloor.cli.speaking import report_sent
        from watchfloor.client.forms import parse_pairs
        from watchfloor.client.outside import record_outside

        given = parse_pairs(outputs or [], "--output")
        sent = at_run(
            context,
            region,
            run,
            record_outside,
            step,
            at=at,
            by=by or [person],
            witnesses=witnesses or [],
            outputs=given,
            items=items or [],
            person=person,
            role=role,
            reason=reason,
            now=datetime.now(UTC),
        )
        if as_json:
            print_json(list(sent))
            return
        for one in sent:
            report_sent(one, f"`{step}` done outside, recorded by {person}", as_json=False)
