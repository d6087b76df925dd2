"""What people say to a run: decide, fact, pause, resume, abort. Signed in their name with the region's face key."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from watchfloor.cli.edge import edge
from watchfloor.cli.options import As, JsonFlag, Reason, Region, Role, RunId
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from watchfloor.client.statements import Sent

PANEL = "Answer and steer"


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(app, decide, PANEL)
    # `-10m` as a value is an instant, not an option
    register(app, fact, PANEL, context_settings={"ignore_unknown_options": True})
    for command in (pause, resume, abort):
        register(app, command, PANEL)


def decide(
    context: typer.Context,
    run: RunId,
    step: Annotated[str, typer.Argument(metavar="STEP", help="Step id or path, as `show` names it.")],
    option: Annotated[str, typer.Argument(metavar="OPTION", help="approve, deny, or an option of the step.")],
    person: As,
    reason: Reason,
    role: Role = None,
    form: Annotated[
        list[str] | None, typer.Option("--form", metavar="NAME=VALUE", help="A field of a task's report; repeatable.")
    ] = None,
    attach: Annotated[
        list[str] | None, typer.Option("--attach", metavar="NAME=FILE", help="A file for an attachment; repeatable.")
    ] = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Answer what waits on a person: a gate, a choice, a task, a handoff, the release of a hold, a failed step.

    "Recorded" means that the run has taken it and nothing can lose it. "Kept" means that no worker
    answered: it is on disk and is delivered until the ledger shows it (`watchfloor inbox list`).

    Examples:
      watchfloor decide inc-4fkq order_doubt clarify \\
        --as counsel-1 --reason "a page is missing"
      watchfloor decide inc-4fkq tell_authority done --as liaison-1 \\
        --form informed_at=now --reason "confirmed by phone"
      watchfloor decide hold-91ab release release \\
        --as counsel-1 --role legal_counsel --reason "order annulled"
    """
    with edge(as_json):
        from watchfloor.cli.faces import at_run
        from watchfloor.client.forms import parse_pairs
        from watchfloor.client.statements import send_decision

        fields = parse_pairs(form or [])
        files = {name: Path(str(path)) for name, path in parse_pairs(attach or [], "--attach").items()}

        sent = at_run(
            context,
            region,
            run,
            send_decision,
            step,
            option,
            person=person,
            role=role,
            reason=reason,
            form=fields,
            attach=files,
        )
        report_sent(sent, f"`{option}` by {person}", as_json, at_step=True)


def fact(
    context: typer.Context,
    run: RunId,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The fact, as the runbook declares it.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="Its value; an instant may be `now` or `-5m`.")],
    source: Annotated[str, typer.Option(help="The system or role that knows it; one the runbook allows.")],
    person: As,
    at: Annotated[
        str | None, typer.Option(help="When it was observed: an instant, `now`, `-5m`. May lie in the past.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Needed when it revises a fact that is already known.")] = "",
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Report a fact: something that happened, when, and who says so. Clocks start and stop by facts.

    Examples:
      watchfloor fact inc-4fkq clarification_received now \\
        --source authority_mailbox --as counsel-1
      watchfloor fact inc-4fkq order_annulled -10m \\
        --source legal_counsel --as counsel-1
    """
    with edge(as_json):
        from watchfloor.cli.faces import at_run
        from watchfloor.client.facts import send_fact

        sent = at_run(
            context,
            region,
            run,
            send_fact,
            name,
            value,
            source=source,
            person=person,
            role=role,
            reason=reason,
            at=at,
        )
        report_sent(sent, f"fact `{name}` from {source}", as_json)


def pause(
    context: typer.Context,
    run: RunId,
    person: As,
    reason: Reason,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Stop starting new steps. What is under way ends; clocks keep running, for no law knows a pause button.

    Example:
      watchfloor pause inc-4fkq --as commander-eu-1 --reason "wrong order, checking"
    """
    _control(context, run, "pause", person, reason, role, region, as_json)


def resume(
    context: typer.Context,
    run: RunId,
    person: As,
    reason: Reason,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Go on after a pause.

    Example:
      watchfloor resume inc-4fkq --as commander-eu-1 --reason "order confirmed"
    """
    _control(context, run, "resume", person, reason, role, region, as_json)


def abort(
    context: typer.Context,
    run: RunId,
    person: As,
    reason: Reason,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """End an incident before its time. Measures stay in force and holds stay placed; clocks get an owner.

    Example:
      watchfloor abort inc-4fkq --as commander-eu-1 --reason "duplicate of inc-9a2c"
    """
    _control(context, run, "abort", person, reason, role, region, as_json)


def _control(
    context: typer.Context,
    run: str,
    verb: Literal["pause", "resume", "abort"],
    person: str,
    reason: str,
    role: str | None,
    region: str | None,
    as_json: bool,
) -> None:
    with edge(as_json):
        from watchfloor.cli.faces import at_run
        from watchfloor.client.statements import send_control

        sent = at_run(context, region, run, send_control, verb, person=person, role=role, reason=reason)
        report_sent(sent, f"`{verb}` by {person}", as_json)


def say_development() -> None:
    """Say, apart from the result, that nobody has proved who they are."""
    from watchfloor.cli.console import console

    console(stderr=True).print("DEVELOPMENT SIGN-IN: nobody proved who they are", style="bold yellow")


def report_sent(sent: "Sent", what: str, as_json: bool, *, at_step: bool = False) -> None:
    """Print what became of a statement, in words that promise no more than is so.

    Args:
        at_step: it answers what a step asks; anything else is said to the run as a whole.
    """
    from watchfloor.cli.console import console, print_json

    if as_json:
        print_json(sent)
        return
    screen = console()
    say_development()
    if sent.state == "kept":
        screen.print(f"kept; not yet with the run: {what} for {sent.workflow}", style="bold yellow", soft_wrap=True)
        screen.print("  on disk, and delivered until the ledger shows it (watchfloor inbox list)", soft_wrap=True)
        screen.print(f"  statement {sent.digest}", style="dim", soft_wrap=True)
        return
    if not sent.recorded:
        screen.print(f"sent, not yet recorded: {what} to {sent.workflow}", style="bold yellow", soft_wrap=True)
        screen.print("  no worker answered; the run will judge it when one is back (watchfloor show)")
        return
    where = f" at {sent.path} of {sent.workflow}" if at_step else f", in {sent.workflow}"
    screen.print(f"recorded: {what}{where}", style="bold green", soft_wrap=True)
    if sent.note:
        screen.print(f"  {sent.note}", style="bold yellow", soft_wrap=True)
    if sent.waiting_for:
        screen.print(f"  still needed: {', '.join(sent.waiting_for)}")
    screen.print(f"  statement {sent.digest}", style="dim", soft_wrap=True)
