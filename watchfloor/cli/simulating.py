"""`watchfloor simulate`: a rehearsal without a scenario file. Asks on a terminal, assumes elsewhere."""

import json
import re
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchfloor.cli.edge import Exit, edge
from watchfloor.cli.options import JsonFlag, runbook_ids

if TYPE_CHECKING:
    from schemas.json_value import Json
    from schemas.plan import Plan
    from watchfloor.client.orders import Order
    from watchfloor.scenarios.model import Assumptions
    from watchfloor.scenarios.rehearsal import Rehearsal, Undecided, Wish

_SPAN = re.compile(r"(\d{1,6})(s|m|h|d)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SILENCE = "silence"
_MOST_ASKS = 50
"""Questions put on a terminal in one rehearsal; more than that is a loop."""


def simulate(
    runbook: Annotated[
        str,
        typer.Argument(metavar="RUNBOOK", help="Id of the library or path of a runbook.", autocompletion=runbook_ids),
    ],
    order: Annotated[
        Path, typer.Option("--input", "-i", metavar="FILE", help="Order file: a trigger, or just its inputs, as JSON.")
    ],
    assume: Annotated[
        list[str] | None, typer.Option("--assume", metavar="STEP=OPTION", help="People choose this there.")
    ] = None,
    silence: Annotated[
        list[str] | None, typer.Option("--silence", metavar="STEP", help="Nobody answers there.")
    ] = None,
    fact: Annotated[
        list[str] | None,
        typer.Option("--fact", metavar="NAME=WHEN", help="It becomes known then: 20m. Or NAME=VALUE@WHEN."),
    ] = None,
    fail: Annotated[
        list[str] | None,
        typer.Option("--fail", metavar="ACTION[=HOW]", help="It fails: unreachable (if left out), refused, …"),
    ] = None,
    output: Annotated[
        list[str] | None,
        typer.Option("--output", metavar="ACTION.NAME=VALUE", help="It gives this; VALUE is JSON, or text."),
    ] = None,
    after: Annotated[str, typer.Option(metavar="DURATION", help="How long people take to answer.")] = "1m",
    usual: Annotated[
        bool, typer.Option("--usual", help="On a terminal too: assume the usual answers instead of asking.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Rehearse a runbook: the real engine, skipped time, and nothing outside touched.

    Prints the predicted timeline, how the clocks stand, who is asked, and what would have been done. Actions give what
    their contracts promise. An ask that nothing is assumed about is put to you on a terminal; elsewhere a gate is
    approved, a task done, a handoff accepted, and a choice takes its first option. A failed step finds nobody unless
    you say so: --assume disable!failed=retry.

    Examples:
      watchfloor simulate eu-tco-removal-order --input runbooks/demo/order.json
      watchfloor simulate eu-tco-removal-order -i runbooks/demo/order.json --output order.authenticate.complete=false \\
        --assume order_doubt=clarify --fact clarification_received=3h
      watchfloor simulate eu-tco-removal-order -i runbooks/demo/order.json --fail content.disable --silence leftover
    """
    from datetime import UTC, datetime

    from watchfloor.client.library import plan_for_start
    from watchfloor.client.orders import read_order_file

    with edge(as_json):
        wish = _read_wish(fact, fail, output)
        asks = sys.stdin.isatty() and sys.stdout.isatty() and not usual and not as_json
        plan, digest = plan_for_start(runbook)
        now = datetime.now(UTC)
        trigger = read_order_file(order, now=now)

        from watchfloor.scenarios.model import Assumptions
        from watchfloor.scenarios.rehearsal import check_order, usual_choices

        check_order(plan, trigger, now=now)
        assumed = Assumptions(
            choices=dict(_pairs(assume, "--assume", "STEP=OPTION")),
            silent=frozenset(silence or ()),
            usual=None if asks else usual_choices(plan),
            after=_read_span(after, "--after"),
        )
        rehearsal = _hold(plan, digest, trigger, assumed, wish)
        if as_json:
            from watchfloor.cli.console import print_json
            from watchfloor.scenarios.rehearsal_report import as_document

            print_json(as_document(rehearsal))
        else:
            from watchfloor.scenarios.rehearsal_report import render_rehearsal

            typer.echo(render_rehearsal(rehearsal))
            for step, option in rehearsal.assume.choices.items():
                typer.echo(f"assumed: {step}={option}")
            for step in sorted(rehearsal.assume.silent):
                typer.echo(f"assumed: nobody answers {step}")
    if rehearsal.unsaid:
        raise typer.Exit(Exit.REFUSED)


def _hold(plan: "Plan", digest: str, order: "Order", assume: "Assumptions", wish: "Wish") -> "Rehearsal":
    """Rehearse; at each ask that nothing is assumed about, put it to the terminal and rehearse again from the start.

    One that begins anew cannot run into the engine's timeouts while somebody thinks, and takes a second or so.
    """
    from dataclasses import replace

    from watchfloor.client.errors import NotFound
    from watchfloor.scenarios.rehearsal import rehearse

    for _ in range(_MOST_ASKS):
        try:
            rehearsal = rehearse(plan, digest, order, assume, wish)
        except FileNotFoundError as error:
            raise NotFound(f"the time-skipping server is not installed ({error}); run `make setup`") from error
        undecided = rehearsal.undecided
        if undecided is None:
            return rehearsal
        name, option = _ask(undecided)
        if option == _SILENCE:
            assume = replace(assume, silent=assume.silent | {name})
        else:
            assume = replace(assume, choices={**assume.choices, name: option})
    raise NotFound(f"{_MOST_ASKS} asks and no end; name what to assume with --assume or --silence")


def _ask(undecided: "Undecided") -> tuple[str, str]:
    from watchfloor.scenarios.report import elapsed

    name = re.sub(r"\[\d+\]", "", undecided.name)
    typer.echo(f"{elapsed(undecided.at)}  {name}: {undecided.title}")
    options = [*undecided.options, _SILENCE]
    while True:
        given = typer.prompt(f"  {' / '.join(options)}", default=options[0])
        if given in options:
            return name, given
        typer.echo(f"  one of {', '.join(options)}")


def _read_wish(facts: list[str] | None, failing: list[str] | None, outputs: list[str] | None) -> "Wish":
    from watchfloor.scenarios.rehearsal import Wish

    known: dict[str, tuple[timedelta, Json]] = {}
    for name, text in _pairs(facts, "--fact", "NAME=WHEN"):
        value, at, when = text.rpartition("@")
        known[name] = (_read_span(when, "--fact"), _read_value(value) if at else "now")
    given: dict[str, dict[str, Json]] = {}
    for name, text in _pairs(outputs, "--output", "ACTION.NAME=VALUE"):
        action, dot, field = name.rpartition(".")
        if not dot:
            raise typer.BadParameter(f"`{name}` is not ACTION.NAME", param_hint="--output")
        given.setdefault(action, {})[field] = _read_value(text)
    ways = {name: how or "unreachable" for name, _, how in (each.partition("=") for each in failing or ())}
    return Wish(known, ways, given)


def _pairs(given: list[str] | None, option: str, form: str) -> Iterable[tuple[str, str]]:
    for pair in given or ():
        name, equals, value = pair.partition("=")
        if not equals or not name or not value:
            raise typer.BadParameter(f"`{pair}` is not {form}", param_hint=option)
        yield name, value


def _read_span(text: str, option: str) -> timedelta:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"`{text}` is no duration such as 30s, 20m, 3h or 2d", param_hint=option)
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def _read_value(text: str) -> "Json":
    try:
        value: Json = json.loads(text)
    except ValueError:
        return text
    return value
