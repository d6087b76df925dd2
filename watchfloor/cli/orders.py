"""From the options of `start` to the order they mean."""

from datetime import datetime
from pathlib import Path

import typer

from schemas.plan import Plan
from watchfloor.client.errors import Refused
from watchfloor.client.orders import Order, read_object, read_order_file, read_small_file
from watchfloor.client.triggers import find_trigger, order_of
from watchfloor.signing import render_instant


def choose_order(
    plan: Plan, order: Path | None, trigger: str | None, event: Path | None, *, now: datetime, requester: str
) -> Order:
    """The order of an order file, or the one that a trigger of the runbook makes of an event.

    Raises:
        typer.BadParameter: the options do not go together.
        NotFound: the runbook has no such trigger.
        InputsRefused: a file cannot be read, or the event does not fit.
        Refused: the trigger's condition does not hold for this event.
    """
    if trigger is None:
        if event is not None:
            raise typer.BadParameter("an event is mapped by a trigger: give --trigger SOURCE too", param_hint="--event")
        if order is None:
            raise typer.BadParameter("give an order file, or --trigger with --event", param_hint="--input")
        return read_order_file(order, now=now)
    spec = find_trigger(plan, trigger)
    if spec["kind"] == "manual":
        if event is not None:
            message = f"`{trigger}` is started by hand; give what it does not map with --input"
            raise typer.BadParameter(message, param_hint="--event")
        filled = {} if order is None else read_object(read_small_file(order), name=order.name)
        made = order_of(plan, spec, {}, now=now, filled=filled, requester=requester)
    elif order is not None:
        message = f"the `{spec['kind']}` trigger gives all inputs itself; give the event with --event"
        raise typer.BadParameter(message, param_hint="--input")
    elif spec["kind"] == "schedule":
        made = order_of(plan, spec, {"at": render_instant(now)}, now=now, requester=requester)
    elif event is None:
        raise typer.BadParameter(f"`{trigger}` maps an event: give it with --event FILE", param_hint="--event")
    else:
        given = read_object(read_small_file(event), name=event.name)
        made = order_of(plan, spec, given, now=now, requester=requester)
    if made is None:
        condition = spec["where"]["src"] if spec["where"] is not None else ""
        message = f"nothing was started: `where` of the trigger `{trigger}` does not hold for this event: {condition}"
        raise Refused("ignored", message)
    return made
