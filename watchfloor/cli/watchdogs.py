"""What the watchdog sees: runs that died, hang or fell behind."""

import typer

from watchfloor.cli.edge import Exit, edge
from watchfloor.cli.options import JsonFlag, Looking, Region
from watchfloor.cli.teaching import register


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(app, watchdog, "This machine")


def watchdog(context: typer.Context, person: Looking = "", region: Region = None, as_json: JsonFlag = False) -> None:
    """Look for runs that cannot say themselves what is wrong: ended from outside, stuck, behind their clocks.

    The gateway looks every minute and pages the commander and the engineers on call, once for each finding; this
    command only shows what it sees, and exits with 1 when there is something.

    Example:
      watchfloor watchdog --region eu
    """
    with edge(as_json):
        from datetime import UTC, datetime

        from watchfloor.cli.console import console, print_json
        from watchfloor.cli.faces import Here, with_faces
        from watchfloor.cli.sight import Sight
        from watchfloor.cli.stores import RegionStore
        from watchfloor.intake.watchdog import Finding, find_trouble

        sight = Sight(context.obj, person)

        async def go(here: Here) -> list[tuple[str, Finding]]:
            now = datetime.now(UTC)
            # a run that hangs says nothing of itself, so the record says who may see it
            return [
                (name, one)
                for name, face in here.faces.items()
                for one in await find_trouble(face, now=now)
                if sight.shows(RegionStore(name, here.settings[name].directory), one.workflow)
            ]

        found = with_faces(context.obj, region, go)
        if as_json:
            print_json({"findings": [{"region": name, "finding": one} for name, one in found]})
        for name, one in [] if as_json else found:
            console().print(f"{name}: {one.kind} {one.workflow} ({one.severity}): {one.detail}", soft_wrap=True)
        if not found and not as_json:
            console().print("every run goes on or has ended by itself", style="green")
        if found:
            raise typer.Exit(Exit.REFUSED)
