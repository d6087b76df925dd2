"""The embedded stack: start it, look after it, see it carry an incident."""

from typing import TYPE_CHECKING, Annotated

import typer

from watchfloor.cli.edge import Exit, edge
from watchfloor.cli.options import JsonFlag
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from watchfloor.runtime.stackfile import StackRecord

PANEL = "This machine"


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    for command in (demo, up, doctor):
        register(app, command, PANEL)


def demo(
    context: typer.Context,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the stack running afterwards, until Ctrl-C.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Carry a real incident through triage, containment, legal hold, handoff and review on a real engine.

    Starts the embedded stack (or uses the one that runs), seeds the sandbox platform with forty items of which one
    fails twice while it is being disabled, feeds it a removal order that is already forty minutes old, and lets the
    people of `runbooks/demo/people.yaml` answer. What it prints comes from the boards and ledgers of both regions while
    they run. At the end it checks what happened; exit code 1 when a check fails.

    Examples:
      watchfloor demo
      watchfloor demo --keep
    """
    with edge(as_json):
        from watchfloor.cli.demo import run_demo
        from watchfloor.runtime.interrupts import heed_interrupts

        heed_interrupts()
        passed = run_demo(context.obj, keep=keep, as_json=as_json)
    if not passed:
        raise typer.Exit(Exit.REFUSED)


def up(
    context: typer.Context,
    power_safe: Annotated[
        bool,
        typer.Option(
            "--power-safe", help="Flush Temporal's database at every commit: slower, and a power cut loses nothing."
        ),
    ] = False,
    free_ports: Annotated[
        bool, typer.Option("--free-ports", help="Take free ports instead of the usual ones.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Start the embedded stack and stay until Ctrl-C: Temporal, the sandbox platform, two regions.

    Everything lies in `.watchfloor/`; the next `watchfloor up` finds yesterday's incidents again. Everything listens on
    this machine only. In the background, SIGINT or SIGTERM to its process stops it.

    Examples:
      watchfloor up
      watchfloor --home /srv/watchfloor up --power-safe
    """
    with edge(as_json):
        import asyncio

        from watchfloor.cli.console import console, print_json
        from watchfloor.runtime.interrupts import heed_interrupts
        from watchfloor.runtime.stack import EmbeddedStack

        heed_interrupts()
        screen = console()

        def progress(part: str, state: str, detail: str) -> None:
            if state in {"died", "restarting"} or (not as_json and state in {"ready", "stopped"}):
                style = "bold red" if state == "died" else "dim"
                console(stderr=as_json).print(f"  {part} {state} {detail}".rstrip(), style=style, soft_wrap=True)

        async def go() -> None:
            stack = EmbeddedStack(context.obj, power_safe=power_safe, usual_ports=not free_ports)
            await stack.start(progress)
            if as_json:
                print_json(stack.record.model_dump())
            else:
                for line in where_to_look(stack.record):
                    screen.print(line, soft_wrap=True)
                screen.print("Ctrl-C stops it; the incidents stay.", style="bold")
            await stack.wait()

        asyncio.run(go())


def where_to_look(record: "StackRecord") -> list[str]:
    """Addresses of a running stack, in words."""
    regions = [
        line
        for name, region in sorted(record.regions.items())
        for line in (
            f"  console {name}    {region.gateway_url}/console/",
            f"  API {name}        {region.gateway_url}/api/v1/",
        )
    ]
    return [
        "Watchfloor is up, on this machine only.",
        f"  Temporal UI   {record.temporal.ui_url}",
        f"  Temporal      {record.temporal.address} (namespaces {', '.join(sorted(record.regions))})",
        f"  sandbox       {record.sandbox.url} (stands for the company's own systems)",
        *regions,
        "Try in another terminal:",
        "  watchfloor start eu-tco-removal-order --input runbooks/demo/order.json --key first",
        "  watchfloor list",
        "  watchfloor watch",
    ]


def doctor(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Check this installation: versions, server binary, home directory, ports, keys, settings, connection.

    Each line says what was found, what was expected and how to fix it. Exit code 3 when something would not work.

    Example:
      watchfloor doctor
    """
    with edge(as_json):
        from watchfloor.cli.checkup import run_checkup

        healthy = run_checkup(context.obj, as_json=as_json)
    if not healthy:
        raise typer.Exit(Exit.ENGINE)
