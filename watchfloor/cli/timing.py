"""`watchfloor timing`: does the work fit the clock, and what takes the time."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from watchfloor.cli.edge import edge
from watchfloor.cli.options import JsonFlag, runbook_ids

if TYPE_CHECKING:
    from watchfloor.language.proof.timing import ClockTiming

FAILED_STEPS = (
    "A step that fails for good and says nothing about it asks the commander; that time, and time in a queue while no"
    " worker runs, is not in the table."
)


def timing(
    runbook: Annotated[
        str,
        typer.Argument(metavar="RUNBOOK", help="Id of the library or path of a runbook.", autocompletion=runbook_ids),
    ],
    as_json: JsonFlag = False,
) -> None:
    """Show the worst case of each clock: what the engine, people and the law take, and what is left.

    Every action succeeds at its last attempt, every person answers at the end of the ladder, every loop needs all its
    rounds. Waits for a fact that restarts the clock are shown apart: they do not run against it.

    Examples:
      watchfloor timing eu-tco-removal-order
      watchfloor timing runbooks/eu-tco-removal-order/runbook.yaml --json
    """
    from watchfloor.cli.console import print_json
    from watchfloor.client.library import plan_for_start
    from watchfloor.language.proof.timing import measure

    with edge(as_json):
        plan, digest = plan_for_start(runbook)
        clocks = measure(plan)
        if as_json:
            print_json({"runbook": plan["id"], "plan": digest, "clocks": [_as_dict(clock) for clock in clocks]})
            return
        typer.echo(f"{plan['title']}\n")
        for clock in clocks:
            _print(clock)
        typer.echo(FAILED_STEPS if clocks else "no clock of this runbook is ever due")


def _as_dict(clock: "ClockTiming") -> dict[str, Any]:
    way = clock.way
    return {
        "clock": clock.clock,
        "law": clock.law,
        "start": clock.start,
        "stop": clock.stop,
        "length": clock.length,
        "engine": way.total("engine") if way else None,
        "people": way.total("people") if way else None,
        "worst_case": way.counted if way else None,
        "slack": clock.slack,
        "fits": clock.fits,
        "exact_start": clock.exact,
        "contributions": [_row(part) for part in way.parts] if way else [],
        "legal_pauses": [_row(part) for part in clock.pauses],
        "not_measured": list(way.unknown) if way else [],
    }


def _row(part: Any) -> dict[str, Any]:
    return {"step": part.step, "who": part.who, "seconds": part.seconds, "why": part.why}


def _print(clock: "ClockTiming") -> None:
    from rich import box
    from rich.table import Table

    from watchfloor.cli.console import console
    from watchfloor.language.proof.durations import in_words

    length = in_words(clock.length) if clock.length is not None else "no number in law"
    typer.echo(f"{clock.clock}: {clock.law}, {length}; from {clock.start} to {clock.stop or 'nothing'}")
    if clock.way is None:
        typer.echo("  no step stops it: the plan does not say how long that takes\n")
        return
    table = Table(box=box.SIMPLE, pad_edge=False, show_edge=False)
    for name in ("step", "engine", "people", "why"):
        table.add_column(name, justify="right" if name in {"engine", "people"} else "left", overflow="fold")
    for part in clock.way.parts:
        time = in_words(part.seconds)
        if part.counts:
            engine, people = (time, "") if part.who == "engine" else ("", time)
            table.add_row(part.step, engine, people, part.why)
    engine, people = in_words(clock.way.total("engine")), in_words(clock.way.total("people"))
    table.add_section()
    table.add_row("worst case", engine, people, f"together {in_words(clock.way.counted)}")
    console().print(table)
    for part in clock.pauses:
        typer.echo(f"  legal pause: {part.step}, up to {in_words(part.seconds)}: {part.why}")
    for remark in clock.way.unknown:
        typer.echo(f"  not measured: {remark}")
    if not clock.exact:
        typer.echo("  the start comes from outside; measured from the earliest instant it may have")
    typer.echo(f"  {_verdict(clock)}\n")


def _verdict(clock: "ClockTiming") -> str:
    from watchfloor.language.proof.durations import in_words

    if clock.slack is None:
        return "there is no length to hold it against"
    if clock.slack < 0:
        return f"does not fit: {in_words(-clock.slack)} too long"
    return f"fits: {in_words(clock.slack)} left"
