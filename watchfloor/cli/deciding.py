"""What people say at an ask besides answering it: they abstain, take an answer back, give their seat to somebody,
approve less, ask back."""

from typing import Annotated, cast

import typer

from schemas.json_value import Json
from watchfloor.cli.edge import edge
from watchfloor.cli.options import As, JsonFlag, Reason, Region, Role, RunId
from watchfloor.cli.teaching import register

PANEL = "Answer and steer"
Step = Annotated[str, typer.Argument(metavar="STEP", help="Step id or path, as `show` names it.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    for command in (abstain, withdraw, delegate, narrow, ask, answer):
        register(app, command, PANEL)


def abstain(
    context: typer.Context,
    run: RunId,
    step: Step,
    person: As,
    reason: Reason,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Say that you will not decide this: a conflict of interest, too close to the case, too tired.

    You fill no seat here any more. When nobody is left who could, the next of the ladder is paged at once.

    Example:
      watchfloor abstain inc-4fkq order_doubt --as counsel-1 --reason "I wrote the first order"
    """
    _say(context, run, step, "abstain", person, reason, role, region, as_json)


def withdraw(
    context: typer.Context,
    run: RunId,
    step: Step,
    person: As,
    reason: Reason,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Take your own answer back, while it waits on others or before what was approved has begun.

    The step then waits on, within its old deadline, and you may answer anew. Once the action has been handed to a
    worker it is too late; then say no at its review, or have it undone.

    Example:
      watchfloor withdraw inc-4fkq disable --as counsel-1 --reason "wrong account, looking again"
    """
    _say(context, run, step, "withdraw", person, reason, role, region, as_json)


def delegate(
    context: typer.Context,
    run: RunId,
    step: Step,
    to: Annotated[str, typer.Argument(metavar="TO", help="Who gets your seat, an id of the people directory.")],
    person: As,
    reason: Reason,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Give your seat at this step to one named person, who then decides in your role and on your behalf.

    They need not hold the role. They cannot give the seat on, and you decide here no more, unless you take it back
    (withdraw) before they have answered. Nobody pages them: tell them.

    Example:
      watchfloor delegate inc-4fkq order_doubt counsel-2 --as counsel-1 --reason "off shift in ten minutes"
    """
    _say(context, run, step, "delegate", person, reason, role, region, as_json, {"to": to})


def narrow(
    context: typer.Context,
    run: RunId,
    step: Step,
    person: As,
    reason: Reason,
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to", metavar="INPUT=VALUE", help="What is left: a smaller scope, or an item; repeat for a list."
        ),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option("--leave-out", metavar="VALUE", help="An item of a list that is left out; repeat."),
    ] = None,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Approve less than was asked: fewer items of a list, or a smaller territory.

    The gate then asks everybody anew about what is left, within its old deadline; earlier answers are void, and you
    approve like the others. What can be narrowed stands at the ask (`show`). Nothing is ever added or changed.

    Example:
      watchfloor narrow inc-4fkq disable --to scope=DE --as counsel-1 --reason "the order is a German one"
    """
    about: dict[str, Json] = {"to": cast(Json, _read_left(to or [])), "leave_out": cast(Json, leave_out or [])}
    _say(context, run, step, "narrow", person, reason, role, region, as_json, about)


def _read_left(given: list[str]) -> dict[str, list[str]]:
    """`INPUT=VALUE` as typed, an input given several times with all its values."""
    left: dict[str, list[str]] = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign or not name:
            raise typer.BadParameter(f"found `{one}`, expected INPUT=VALUE, such as scope=DE", param_hint="--to")
        left.setdefault(name, []).append(value)
    return left


def ask(
    context: typer.Context,
    run: RunId,
    step: Step,
    text: Annotated[str, typer.Argument(metavar="QUESTION", help="What you must know before you decide.")],
    person: As,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Ask back before you decide. The deadline stays; who commands is told, and answers with `answer`.

    The text stays in the region's evidence store; only its digest travels.

    Example:
      watchfloor ask inc-4fkq order_doubt "Which page is missing?" --as counsel-1
    """
    _say(context, run, step, "question", person, text, role, region, as_json)


def answer(
    context: typer.Context,
    run: RunId,
    step: Step,
    text: Annotated[str, typer.Argument(metavar="ANSWER", help="The answer.")],
    person: As,
    to: Annotated[
        int | None, typer.Option("--to", metavar="N", help="Which question, as `show` counts them; if several wait.")
    ] = None,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Answer a question that somebody asked back. For who commands, and for who asked for the thing.

    It decides nothing; who asked and who has answered already are told.

    Example:
      watchfloor answer inc-4fkq order_doubt "The signature page" --as commander-eu-1
    """
    _say(context, run, step, "answer", person, text, role, region, as_json, {} if to is None else {"question": to})


def _say(
    context: typer.Context,
    run: str,
    step: str,
    verb: str,
    person: str,
    reason: str,
    role: str | None,
    region: str | None,
    as_json: bool,
    about: dict[str, Json] | None = None,
) -> None:
    with edge(as_json):
        from watchfloor.cli.faces import at_run
        from watchfloor.cli.speaking import report_sent
        from watchfloor.client.motions import send_motion

        sent = at_run(
            context, region, run, send_motion, step, verb, person=person, role=role, reason=reason, about=about
        )
        report_sent(sent, f"`{verb}` by {person}", as_json, at_step=True)
