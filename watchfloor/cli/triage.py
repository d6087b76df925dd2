"""Severity and what becomes of the incident itself: raise, lower, dismiss, declare."""

from typing import TYPE_CHECKING, Annotated

import typer

from watchfloor.cli.edge import edge
from watchfloor.cli.options import As, JsonFlag, Reason, Region, Role, RunId
from watchfloor.cli.speaking import PANEL, report_sent
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from watchfloor.client.triage import Said


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    for command in (severity, dismiss, declare):
        register(app, command, PANEL)


def severity(
    context: typer.Context,
    run: RunId,
    level: Annotated[str, typer.Argument(metavar="LEVEL", help="S0 (most severe) to S4.")],
    person: As,
    reason: Reason,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Raise severity, or propose to lower it.

    Anybody with a role raises it, alone and at once. Lowering is a proposal: the incident commander and one other
    person agree; where a life-safety floor holds, the commander and counsel. Silence and a no keep it as it is.

    Examples:
      watchfloor severity inc-4fkq S0 --as ops-1 --reason "the stream is live"
      watchfloor severity inc-4fkq S3 --as commander-eu-1 --reason "a known hoax"
    """
    with edge(as_json):
        from watchfloor.cli.faces import at_run
        from watchfloor.client.triage import set_severity

        said = at_run(context, region, run, set_severity, level, person=person, role=role, reason=reason)
        what = f"lowering from {said.before} to {level} proposed" if said.proposed else f"raised to {level}"
        _report(said, f"{what} by {person}", "severity lower|keep", as_json)


def dismiss(
    context: typer.Context,
    run: RunId,
    person: As,
    reason: Reason,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Dismiss an incident that is none: a false alarm, a duplicate, nothing to act on.

    S0 and S1 need two people (with a life-safety floor the commander and counsel), below that the commander or the
    deputy alone. The run ends as `dismissed`: clocks get an owner, measures stay in force, the ledger names them.

    Example:
      watchfloor dismiss inc-4fkq --as commander-eu-1 --reason "test traffic"
    """
    with edge(as_json):
        from watchfloor.cli.faces import at_run
        from watchfloor.client.triage import propose_dismissal

        said = at_run(context, region, run, propose_dismissal, person=person, role=role, reason=reason)
        what = f"dismissal of this {said.before} proposed" if said.proposed else "dismissed"
        _report(said, f"{what} by {person}", "dismissal dismiss|keep", as_json)


def declare(
    context: typer.Context,
    run: RunId,
    person: As,
    reason: Reason,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Declare that a case is an incident. It stays one.

    Example:
      watchfloor declare inc-4fkq --as ops-1 --reason "three linked accounts"
    """
    with edge(as_json):
        from watchfloor.cli.faces import at_run
        from watchfloor.client.triage import declare_incident

        sent = at_run(context, region, run, declare_incident, person=person, role=role, reason=reason)
        _report(sent, f"declared an incident by {person}", "", as_json)


def _report(said: "Said", what: str, answered_by: str, as_json: bool) -> None:
    from watchfloor.cli.board_view import short_id
    from watchfloor.cli.console import console, print_json

    if as_json:
        print_json(said)
        return
    report_sent(said.sent, what, as_json=False)
    if said.proposed:
        step, _, options = answered_by.partition(" ")
        screen = console()
        screen.print("  nothing has changed yet: others must agree (watchfloor show says who)")
        line = f'  watchfloor decide {short_id(said.sent.workflow)} {step} "{options}" --as PERSON --reason "…"'
        screen.print(line, style="cyan", soft_wrap=True, markup=False)
