"""Start incidents, list them, look at one, watch one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchfloor.cli.edge import edge
from watchfloor.cli.options import JsonFlag, Looking, MaybeRunId, Region, runbook_ids
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from watchfloor.client.runs import RunSummary

PANEL = "Incidents"


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(app, start, PANEL)
    register(app, list_runs, PANEL, name="list")
    register(app, show, PANEL)
    register(app, watch, PANEL)


def start(
    context: typer.Context,
    runbook: Annotated[
        str,
        typer.Argument(metavar="RUNBOOK", help="Id of the library or path of a runbook.", autocompletion=runbook_ids),
    ],
    order: Annotated[
        Path | None,
        typer.Option("--input", "-i", metavar="FILE", help="Order file: source, key and inputs, or just the inputs."),
    ] = None,
    trigger: Annotated[
        str | None, typer.Option("--trigger", metavar="SOURCE", help="Start it by this trigger of the runbook.")
    ] = None,
    event: Annotated[
        Path | None, typer.Option("--event", metavar="FILE", help="With --trigger: the event, as its sender posts it.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="The sender's own key; the same key never starts a second run.")
    ] = None,
    requester: Annotated[
        str | None,
        typer.Option(
            "--as",
            envvar="WATCHFLOOR_PERSON",
            metavar="PERSON",
            help="Who asks for it; they may not approve it. Left out for a machine's trigger.",
        ),
    ] = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Start the run of an order, exactly once for each sender's key.

    The runbook is compiled and the order's inputs are checked first; with one bad field nothing is started. The file is
    what a gateway would deliver, {"source", "key", "received_at", "requester", "inputs": {…}}, or the inputs alone.
    Timestamps in a file may be relative: "-40m". With --trigger the runbook's own trigger maps the event (webhook) or
    what you give with --input (manual) to inputs and key.

    Examples:
      watchfloor start eu-tco-removal-order --input runbooks/demo/order.json
      watchfloor start eu-tco-removal-order --trigger authority_portal --event runbooks/demo/event.json
      watchfloor start ./my-runbook.yaml -i order.json --key DE-2026-17 --json
    """
    from dataclasses import replace
    from datetime import UTC, datetime

    from watchfloor.cli.orders import choose_order
    from watchfloor.client.library import plan_for_start

    with edge(as_json):
        plan, digest = plan_for_start(runbook)
        now = datetime.now(UTC)
        asked = choose_order(plan, order, trigger, event, now=now, requester=requester or "")
        if key is not None:
            asked = asked.rekeyed(key)
        if requester is not None:
            asked = replace(asked, requester=requester)

        from watchfloor.cli.board_view import short_id
        from watchfloor.cli.console import console, print_json
        from watchfloor.cli.faces import Here, with_faces
        from watchfloor.client.permission import about_plan, require_permission
        from watchfloor.client.runs import Started, start_incident
        from watchfloor.client.statements import admit_person

        async def go(here: Here) -> Started:
            face = here.face(region or plan["command"])
            # whether by `--as` or by the file: who asks commands it at first, so it is somebody who may
            if asked.requester or requester is not None:
                someone = admit_person(face, asked.requester)
                require_permission(face, someone, "start", about_plan(plan, asked.requester))
            return await start_incident(face, plan, digest, asked, now=now, relative=True)

        started = with_faces(context.obj, region, go)
        if as_json:
            print_json(started)
            return
        screen = console()
        verb = "was started before by this key" if started.already else "started"
        if started.merged:
            verb = "is over the same content and has taken this in; no second run was started"
        screen.print(f"{started.incident} {verb} in {started.region}", soft_wrap=True)
        for other in started.linked:
            screen.print(f"  over the same account: {other}", soft_wrap=True)
        if started.forgotten:
            screen.print("  it closed; the engine no longer has it, the ledger does")
            return
        screen.print(f"  watchfloor watch {short_id(started.incident)}", style="cyan")


def list_runs(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Closed ones too.")] = False,
    person: Looking = "",
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """List incidents, the most urgent first: how bad, where they stand, whom they wait on.

    Examples:
      watchfloor list
      watchfloor list --all --region eu --json
    """
    with edge(as_json):
        from watchfloor.cli.console import print_json
        from watchfloor.cli.faces import Here, with_faces

        async def go(here: Here) -> "list[RunSummary]":
            return await here.list()

        found = with_faces(context.obj, region, go, person=person)
        runs = [run for run in found if everything or run.closed_at is None or run.lost]
        # what must be done first comes first, open before ended; among equals the latest
        runs.sort(key=lambda run: run.priority or "P9")
        if as_json:
            print_json(runs)
            return
        _print_list(runs, everything)


def show(
    context: typer.Context,
    run: MaybeRunId = None,
    person: Looking = "",
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Show one incident (or hold, handoff, review) on one screen: what waits on whom, clocks, measures, facts.

    Each thing that waits comes with the exact command that answers it.

    Examples:
      watchfloor show
      watchfloor show inc-4fkq
      watchfloor show inc-4fkq --json
    """
    with edge(as_json):
        from watchfloor.cli.board_view import View, render_view
        from watchfloor.cli.console import console, print_json
        from watchfloor.cli.faces import Here, with_faces
        from watchfloor.cli.views import read_view, view_as_json

        async def go(here: Here) -> View:
            face, found = await here.locate(run)
            return await read_view(here, face, found)

        view = with_faces(context.obj, region, go, person=person)
        if as_json:
            print_json(view_as_json(view))
        else:
            console().print(render_view(view))


def watch(
    context: typer.Context,
    run: MaybeRunId = None,
    every: Annotated[float, typer.Option(min=0.2, max=60, help="Seconds between two looks.")] = 1.0,
    person: Looking = "",
    gateway: Annotated[
        str,
        typer.Option(
            "--gateway",
            envvar="WATCHFLOOR_GATEWAY",
            metavar="URL",
            help="Sign in at the gateway of a region, https://HOST[:PORT]; nothing else of it is needed here.",
            show_default=False,
        ),
    ] = "",
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """The console on a terminal, full screen: my watch, board, incident, decide. Keyboard only, ? shows the keys.

    With --gateway it works from any machine: it shows a code, you type that in the console in your browser, on the page
    Terminals, and it speaks for you for eight hours at most. What needs your security key stays in the browser.

    With an ID it watches that one incident until it closes: on a terminal the screen of `show`, live; elsewhere one
    line per change. Not on a terminal and without an ID it watches the latest. With --json one document per change,
    each on its own line. Leaving stops watching, never the incident.

    --as is development sign-in and works against this machine's stack alone: for a developer, a rehearsal, a floor of
    one machine. Elsewhere people sign in with --gateway.

    Examples:
      watchfloor watch --gateway https://watchfloor-eu.example.com
      watchfloor watch --as counsel-1
      watchfloor watch inc-4fkq --every 5
    """
    from watchfloor.cli.console import console

    if _goes_to_gateway(context, gateway):
        _watch_gateway(gateway, every)
        return
    full_screen = run is None and not as_json and console().is_terminal
    if full_screen:
        from watchfloor.terminal.opening import silence_engine

        silence_engine()
    with edge(as_json):
        from watchfloor.cli.faces import Here, with_faces
        from watchfloor.cli.watching import watch_run

        async def go(here: Here) -> None:
            if full_screen:
                from watchfloor.terminal.opening import open_console

                await open_console(here, every=every)
                return
            face, found = await here.locate(run)
            await watch_run(here, face, found, every=every, as_json=as_json)

        with_faces(context.obj, region, go, person=person)


def _goes_to_gateway(context: typer.Context, gateway: str) -> bool:
    """Whether this is about a gateway. What stands on the command line counts before what stands in the environment.

    Raises:
        typer.BadParameter: both ways are named on the command line.
    """

    def typed(name: str) -> bool:
        source = context.get_parameter_source(name)
        return source is not None and source.name == "COMMANDLINE"

    others = [
        word
        for name, word in (("run", "an ID"), ("person", "--as"), ("region", "--region"), ("as_json", "--json"))
        if typed(name)
    ]
    if gateway and typed("gateway") and others:
        raise typer.BadParameter(
            f"with --gateway you sign in as yourself and see all your incidents; leave out {others[0]}"
        )
    return bool(gateway) and not others


def _watch_gateway(gateway: str, every: float) -> None:
    from watchfloor.cli.console import console

    with edge():
        import asyncio

        from watchfloor.terminal.gateway import AddressRefused, read_address
        from watchfloor.terminal.opening import open_gateway_console

        try:
            address = read_address(gateway)
        except AddressRefused as error:
            raise typer.BadParameter(str(error), param_hint="--gateway") from error
        if not console().is_terminal:
            raise typer.BadParameter(
                "this is no terminal; --gateway opens a full-screen console", param_hint="--gateway"
            )
        asyncio.run(open_gateway_console(address, every=every))


def _print_list(runs: "list[RunSummary]", everything: bool) -> None:
    from datetime import UTC, datetime

    from rich.table import Table
    from rich.text import Text

    from watchfloor.cli.board_view import short_id
    from watchfloor.cli.console import console
    from watchfloor.cli.instants import span

    screen = console()
    if not runs:
        hint = "watchfloor start, or watchfloor demo" if everything else "watchfloor list --all shows closed ones"
        screen.print(f"no incident{'' if everything else ' is open'} ({hint})")
        return
    table = Table(box=None, pad_edge=False, show_edge=False)
    for column in ("ID", "PRI", "SEV", "RUNBOOK", "PHASE", "STATE", "NEXT DUE", "WAITS ON"):
        table.add_column(column, no_wrap=column in {"ID", "PRI", "SEV"}, overflow="fold")
    now = datetime.now(UTC)
    for run in runs:
        state = f"LOST ({run.status})" if run.lost else run.state or run.status
        due = ""
        if run.due_at is not None and run.closed_at is None:
            seconds = (run.due_at - now).total_seconds()
            due = f"{span(seconds)}" if seconds >= 0 else f"{span(-seconds)} over"
        style = "bold red" if run.lost or due.endswith("over") else ""
        table.add_row(
            short_id(run.incident),
            Text(run.priority, style="bold red" if run.priority == "P0" else ""),
            run.severity,
            Text(run.runbook),
            run.phase,
            Text(state, style=style),
            Text(due, style=style),
            ", ".join(run.waiting),
        )
    screen.print(table)
