"""The `watchfloor` command. A command imports what it needs when it runs: `--help` and `lint` start at once."""

from typing import Annotated

import typer

from watchfloor.cli import (
    arrivals,
    authoring,
    clock_register,
    commanding,
    comparing,
    deciding,
    directory,
    editing,
    holds,
    importing,
    keeping,
    keyring,
    machines,
    oncall,
    outside,
    paging,
    permits,
    printing,
    records,
    recusing,
    retaining,
    rota_changes,
    running,
    signing_in,
    speaking,
    stacks,
    tasks,
    triage,
    turns,
    watchdogs,
    webhooks,
    wellness,
)
from watchfloor.cli.options import Home
from watchfloor.runtime.leaving import leave

app = typer.Typer(
    name="watchfloor",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Incident runbooks for Trust & Safety teams, carried out by durable workflows.",
    epilog="New here? `watchfloor demo` carries a real incident through all phases. Exit codes: 0 done, 1 findings or "
    "refused, 2 wrong usage, 3 the engine does not work.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"watchfloor {version('watchfloor')}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    home: Home = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    context.obj = home


stacks.add_to(app)
running.add_to(app)
speaking.add_to(app)
commanding.add_to(app)
recusing.add_to(app)
tasks.add_to(app)
turns.add_to(app)
triage.add_to(app)
deciding.add_to(app)
paging.add_to(app)
watchdogs.add_to(app)
webhooks.add_to(app)
keeping.add_to(app)
holds.add_to(app)
authoring.add_to(app)
clock_register.add_to(app)
comparing.add_to(app)
editing.add_to(app)
permits.add_to(app)
printing.add_to(app)
outside.add_to(app)
importing.add_to(app)
machines.add_to(app)
arrivals.add_to(app)
signing_in.add_to(app)
wellness.add_to(app)
directory.add_to(app)
oncall.add_to(app)
rota_changes.add_to(app)
keyring.add_to(app)
records.add_to(app)
retaining.add_to(app)


def main() -> None:
    """Run the command line and end the process; a keyboard interrupt ends it quietly with 130."""
    try:
        app()
    except KeyboardInterrupt:
        code = 130
    except SystemExit as end:
        if isinstance(end.code, str):
            typer.echo(end.code, err=True)
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    leave(code)
