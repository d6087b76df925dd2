"""Taking in what was done by hand while Watchfloor was down."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchfloor.cli.edge import edge
from watchfloor.cli.options import As, JsonFlag, Region, Role
from watchfloor.cli.speaking import say_development
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from watchfloor.client.by_hand import Reading, TakenIn

PANEL = "When Watchfloor is down"


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(app, import_by_hand, PANEL, name="import-by-hand")


def import_by_hand(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The record: `watchfloor print --record RUNBOOK`.")],
    person: As,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and say what would be written.")] = False,
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Take in what was done by hand, with its real times: facts, what was carried out, what was decided on paper.

    It starts an incident that knows all this before its first step, or joins one that goes on. What is recorded as
    done is not done again; a decision on paper is a record and fills no seat. Everything is checked before anything is
    sent, and the same file taken in twice changes nothing.

    Examples:
      watchfloor import-by-hand record.yaml --as commander-eu-1 --dry-run
      watchfloor import-by-hand record.yaml --as commander-eu-1
    """
    with edge(as_json):
        from datetime import UTC, datetime

        from watchfloor.cli.console import print_json
        from watchfloor.cli.faces import Here, with_faces
        from watchfloor.client.by_hand import read_by_hand, take_in
        from watchfloor.client.library import plan_for_start
        from watchfloor.paper.record import read_record

        now = datetime.now(UTC)
        record = read_record(file, now=now)
        plan, digest = plan_for_start(record.document.runbook)

        async def go(here: Here) -> "tuple[Reading, list[TakenIn] | None]":
            face = here.face(region or plan["command"])
            reading = await read_by_hand(face, record, plan, digest, person=person, role=role, now=now)
            return reading, None if dry_run else await take_in(face, reading, now=now)

        reading, taken = with_faces(context.obj, region, go)
        if as_json:
            print_json(as_dict(reading, taken))
        else:
            report(reading, taken)


def as_dict(reading: "Reading", taken: "list[TakenIn] | None") -> dict[str, object]:
    """What was read and what became of it, as JSON has it."""
    states = [one.state for one in taken] if taken is not None else []
    return {
        "incident": reading.incident,
        "region": reading.region,
        "starts": reading.new,
        "dry_run": taken is None,
        "lines": [
            {
                "where": line.where,
                "says": line.words,
                "state": states[nth] if taken is not None else "known" if line.known else "new",
            }
            for nth, line in enumerate(reading.lines)
        ],
    }


def report(reading: "Reading", taken: "list[TakenIn] | None") -> None:
    """Print each line with what becomes of it, then what is left to do."""
    from rich.text import Text

    from watchfloor.cli.board_view import short_id
    from watchfloor.cli.console import console
    from watchfloor.drawing import show_controls

    screen = console()
    if taken is not None:
        say_development()
    new = sum(not line.known for line in reading.lines)
    if reading.opening:
        screen.print(Text(f"{'would ' if taken is None else ''}{reading.opening}", style="bold"), soft_wrap=True)
    for nth, line in enumerate(reading.lines, 1):
        mark = "known already" if line.known else "new" if taken is None else "recorded"
        text = Text(f"{nth:>3}. ").append(mark, style="dim" if line.known else "bold green")
        screen.print(text.append(f"  {show_controls(line.words)}"), soft_wrap=True)
    if taken is None:
        screen.print(f"nothing was sent; {new} of {len(reading.lines)} would be new", style="bold yellow")
        return
    screen.print(f"{new} recorded, {len(reading.lines) - new} known already", style="bold")
    if any("second person" in line.words and not line.known for line in reading.lines):
        screen.print(
            "a second person confirms what is marked; until then those steps wait and do nothing", style="yellow"
        )
    screen.print(f"  watchfloor show {short_id(reading.incident)}", style="cyan")
