"""Keys of systems that use the HTTP API."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from watchfloor.cli.edge import Exit, edge
from watchfloor.cli.options import JsonFlag, Region
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from pathlib import Path

    from watchfloor.identity.machines import Machine, Machines

PANEL = "People and permission"
_SEES_LITTLE = "no incident of a compartment, and most runbooks of the library run in one (--clearance)"

machines_app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Keys of systems that use the HTTP API.")


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(machines_app, make_machine, PANEL, name="make")
    register(machines_app, list_machines, PANEL, name="list")
    register(machines_app, revoke_machine, PANEL, name="revoke")
    app.add_typer(machines_app, name="machines", rich_help_panel=PANEL)


def make_machine(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The source that its orders and facts will have.")],
    scope: Annotated[
        list[str],
        typer.Option("--scope", help="incidents:start, facts:send, incidents:read, runbooks:read or ledger:export."),
    ],
    region: Annotated[str, typer.Option("--region", help="The region that lets it in.")],
    days: Annotated[int, typer.Option("--days", min=1, max=400, help="For how long.")] = 90,
    clearance: Annotated[
        list[str] | None, typer.Option("--clearance", help="Compartment it may see; repeatable.", show_default=False)
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a key. It is shown this once; only its hash is kept.

    Examples:
      watchfloor machines make mod_queue --region eu \\
        --scope incidents:start --scope incidents:read
    """
    with edge(as_json):
        from watchfloor.cli.console import print_json
        from watchfloor.client.errors import Refused
        from watchfloor.identity.machines import MachineRefused

        _want_compartments(context.obj, region, clearance or [])
        try:
            machine, token = _store(context.obj, region).make(
                name, scope, valid_for=timedelta(days=days), clearances=clearance or []
            )
        except MachineRefused as error:
            raise Refused("machine", str(error)) from error
        if as_json:
            print_json({**_line(machine), "key": token})
            return
        typer.echo(token)
        sees = f"incidents of {', '.join(machine.clearances)} too" if machine.clearances else _SEES_LITTLE
        typer.echo(
            f"key {machine.id} of {machine.name} in {region}: {', '.join(machine.scopes)}; until "
            f"{machine.expires_at:%Y-%m-%d}; it sees {sees}; keep it where secrets are kept, it is not shown again",
            err=True,
        )


def list_machines(context: typer.Context, region: Region = None, as_json: JsonFlag = False) -> None:
    """Every key that was made: what it may do, until when, when it was last used.

    Example:
      watchfloor machines list --region eu
    """
    with edge(as_json):
        from watchfloor.cli.console import console, print_json
        from watchfloor.cli.stores import region_stores

        found = [
            (store.region, machine)
            for store in region_stores(context.obj, region)
            for machine in _open(store.folder).list()
        ]
        if as_json:
            print_json([{"region": name, **_line(machine)} for name, machine in found])
            return
        if not found:
            typer.echo("no machine has a key; make one with `watchfloor machines make`")
            return
        from rich.table import Table

        table = Table("REGION", "KEY", "NAME", "STATE", "MAY", "CLEARED FOR", "UNTIL", "LAST USED", box=None)
        for name, machine in found:
            used = f"{machine.used_at:%Y-%m-%d %H:%M}Z" if machine.used_at else "never"
            until = f"{machine.expires_at:%Y-%m-%d}"
            state = machine.state(datetime.now(UTC))
            cleared = " ".join(machine.clearances) or "none"
            table.add_row(name, machine.id, machine.name, state, " ".join(machine.scopes), cleared, until, used)
        console().print(table)


def revoke_machine(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Id of the key, as `list` shows it.")],
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Let a key open nothing any more, from now on.

    Example:
      watchfloor machines revoke k3x7mzq2aaaa --region eu
    """
    with edge(as_json):
        from watchfloor.cli.console import print_json
        from watchfloor.cli.stores import region_stores

        done = [store.region for store in region_stores(context.obj, region) if _open(store.folder).revoke(key)]
        if as_json:
            print_json({"key": key, "revoked_in": done})
        elif done:
            typer.echo(f"revoked: {key} opens nothing in {', '.join(done)} any more")
        else:
            typer.echo(f"no valid key `{key[:40]}` here; `watchfloor machines list` shows them", err=True)
    if not done:
        raise typer.Exit(Exit.USAGE)


def _want_compartments(home: "Path | None", region: str, clearances: list[str]) -> None:
    """A key that is cleared for a word that is no compartment sees nothing there, and nobody would be told.

    Raises:
        Refused: no compartment of the region is called so.
    """
    import difflib

    from watchfloor.client.errors import Refused
    from watchfloor.runtime.doctor_webhooks import list_compartments
    from watchfloor.runtime.settings import load

    known = sorted(list_compartments(load(region, home))) if clearances else []
    for word in clearances:
        if word not in known:
            near = difflib.get_close_matches(word[:60], known, n=1)
            meant = f"did you mean `{near[0]}`?" if near else "your own ones stand under `compartments` of people.yaml"
            raise Refused("machine", f"no compartment `{word[:60]}`; expected some of {', '.join(known)}; {meant}")


def _store(home: "Path | None", region: str) -> "Machines":
    from watchfloor.runtime.settings import load

    return _open(load(region, home).directory)


def _open(folder: "Path") -> "Machines":
    from watchfloor.identity.machines import Machines

    return Machines(folder / "machines.sqlite")


def _line(machine: "Machine") -> dict[str, object]:
    return {
        "id": machine.id,
        "name": machine.name,
        "state": machine.state(datetime.now(UTC)),
        "scopes": list(machine.scopes),
        "clearances": list(machine.clearances),
        "expires_at": machine.expires_at,
        "used_at": machine.used_at,
    }
