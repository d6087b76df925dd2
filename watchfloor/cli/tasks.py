"""Tasks: take one, tick what is done of it, give it back."""

from typing import Annotated

import typer

from watchfloor.cli.edge import edge
from watchfloor.cli.options import As, JsonFlag, Region, Role, RunId
from watchfloor.cli.speaking import PANEL, report_sent
from watchfloor.cli.teaching import register

Step = Annotated[str, typer.Argument(metavar="STEP", help="Id or path of the task, as `show` names it.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(app, claim, PANEL)
    register(app, hand_back, PANEL, name="hand-back")
    register(app, tick, PANEL)


def claim(
    context: typer.Context,
    run: RunId,
    step: Step,
    person: As,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Take a task: the others see who has it and until when. Claim it again to keep it longer.

    Example:
      watchfloor claim inc-4fkq tell_authority --as liaison-1
    """
    with edge(as_json):
        from watchfloor.cli.faces import at_run
        from watchfloor.client.tasks import claim_task

        sent = at_run(context, region, run, claim_task, step, person=person, role=role)
        report_sent(sent, f"`{step}` claimed by {person}", as_json)


def hand_back(
    context: typer.Context,
    run: RunId,
    step: Step,
    person: As,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Give a task back. Nobody asks why: the others are asked at once, the record says "reassigned" and no more.

    The incident commander and the wellness officer may hand back what somebody else has.

    Example:
      watchfloor hand-back inc-4fkq tell_authority --as liaison-1
    """
    with edge(as_json):
        from watchfloor.cli.faces import at_run
        from watchfloor.client.tasks import hand_back_task

        sent = at_run(context, region, run, hand_back_task, step, person=person, role=role)
        report_sent(sent, f"`{step}` handed back", as_json)


def tick(
    context: typer.Context,
    run: RunId,
    step: Step,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="Id of the item, as `show` names it.")],
    person: As,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Tick an item of a task's checklist: who did it and when is kept. The task is done when all that is needed is.

    Example:
      watchfloor tick inc-4fkq tell_authority number_checked --as liaison-1
    """
    with edge(as_json):
        from watchfloor.cli.faces import at_run
        from watchfloor.client.tasks import tick_item

        sent = at_run(context, region, run, tick_item, step, item, person=person, role=role)
        report_sent(sent, f"`{item}` of `{step}` ticked by {person}", as_json)
