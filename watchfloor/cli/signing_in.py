"""`watchfloor sign-in …`: whether the company's sign-in would work, what was done with it, letting go of an account."""

from typing import TYPE_CHECKING, Annotated

import typer

from watchfloor.cli.edge import Exit, edge
from watchfloor.cli.options import JsonFlag
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from pathlib import Path

    from watchfloor.gateway.provider.trying import Step
    from watchfloor.identity.sign_in_file import SignInFile

PANEL = "People and permission"
ThisRegion = Annotated[
    str, typer.Option("--region", envvar="WATCHFLOOR_REGION", help="The region whose console it is.")
]

sign_in_app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="The company's sign-in at the console.")


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(sign_in_app, check_sign_in, PANEL, name="check")
    register(sign_in_app, log_of_sign_in, PANEL, name="log")
    register(sign_in_app, unbind_account, PANEL, name="unbind")
    register(sign_in_app, keys_of_person, PANEL, name="keys")
    app.add_typer(sign_in_app, name="sign-in", rich_help_panel=PANEL)


def check_sign_in(context: typer.Context, region: ThisRegion, as_json: JsonFlag = False) -> None:
    """Look whether people could sign in: settings, secret, groups file, the provider's own documents and keys.

    Says the address to register at the provider. Signs nobody in and sends the secret nowhere.

    Example:
      watchfloor sign-in check --region eu
    """
    steps: list[Step] = []
    with edge(as_json):
        import asyncio
        import os

        from watchfloor.cli.console import print_json
        from watchfloor.gateway.provider.trying import try_sign_in
        from watchfloor.runtime.settings import load

        steps = asyncio.run(try_sign_in(load(region, context.obj), os.environ))
        if as_json:
            print_json([{"step": one.name, "ok": one.ok, "found": one.found} for one in steps])
        else:
            for one in steps:
                typer.echo(f"{'ok  ' if one.ok else 'FAIL'} {one.name}: {one.found}")
    if not all(one.ok for one in steps):
        raise typer.Exit(Exit.REFUSED)


def log_of_sign_in(
    context: typer.Context,
    region: ThisRegion,
    person: Annotated[str, typer.Option(help="Only what this person did.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many lines.")] = 50,
    as_json: JsonFlag = False,
) -> None:
    """Who signed in when and how, who was turned away and why, the newest first. Kept for 400 days.

    Example:
      watchfloor sign-in log --region eu --person counsel-1
    """
    with edge(as_json):
        from watchfloor.cli.console import console, print_json

        found = _file(context.obj, region).happened(person=person, limit=limit)
        if as_json:
            print_json([{"at": one.at, "what": one.what, "person": one.person, "detail": one.detail} for one in found])
            return
        if not found:
            typer.echo("nothing happened yet")
            return
        from rich.table import Table

        table = Table("AT", "WHAT", "PERSON", "DETAIL", box=None)
        for one in found:
            table.add_row(f"{one.at:%Y-%m-%d %H:%M:%S}Z", one.what, one.person, one.detail)
        console().print(table)


def unbind_account(
    context: typer.Context,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Whose account it is.")],
    region: ThisRegion,
    as_json: JsonFlag = False,
) -> None:
    """Let go of the account that signs in as a person: the next one that the provider says is theirs is bound.

    For when somebody really has a new account. It ends the person's sessions.

    Example:
      watchfloor sign-in unbind counsel-1 --region eu
    """
    done = False
    with edge(as_json):
        from watchfloor.cli.console import print_json
        from watchfloor.gateway.console.sessions import Sessions
        from watchfloor.identity.accounts import Accounts
        from watchfloor.runtime.settings import load

        settings = load(region, context.obj)
        done = Accounts(_file(context.obj, region)).unbind(person)
        ended = Sessions(settings.sessions_path).end_all(person) if done else 0
        if as_json:
            print_json({"person": person, "unbound": done, "sessions_ended": ended})
        elif done:
            typer.echo(f"the account of {person} is let go of; {ended} sessions ended")
        else:
            typer.echo(f"no account is bound to `{person[:40]}` in {region}", err=True)
    if not done:
        raise typer.Exit(Exit.USAGE)


def keys_of_person(
    context: typer.Context,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Whose keys.")],
    region: ThisRegion,
    remove: Annotated[
        str | None, typer.Option("--remove", metavar="KEY", help="Id of a key that decides nothing any more.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """The security keys of a person; with --remove, one is taken away, for when it is lost or may have been copied.

    People register and remove their own in the console.

    Examples:
      watchfloor sign-in keys counsel-1 --region eu
      watchfloor sign-in keys counsel-1 --region eu --remove sha256:9f2c…
    """
    missing = False
    with edge(as_json):
        from watchfloor.cli.console import print_json
        from watchfloor.identity.security_keys import SecurityKeys

        keys = SecurityKeys(_file(context.obj, region))
        if remove is not None:
            known = [one.id for one in keys.list(person) if one.id.startswith(remove.rstrip("…")) and len(remove) > 8]
            missing = len(known) != 1 or not keys.remove(person, known[0], by="operator")
        found = keys.list(person)
        if as_json:
            fields = ("id", "name", "added_at", "used_at")
            print_json({"person": person, "keys": [{name: getattr(one, name) for name in fields} for one in found]})
        else:
            for one in found:
                used = f"last used {one.used_at:%Y-%m-%d %H:%M}Z" if one.used_at else "never used"
                typer.echo(f"{one.id[:19]}…  {one.name}  registered {one.added_at:%Y-%m-%d}, {used}")
            if not found:
                typer.echo(f"{person} has no security key in {region}")
        if missing:
            typer.echo(f"no single key of {person} begins with `{str(remove)[:40]}`; nothing was removed", err=True)
    if missing:
        raise typer.Exit(Exit.USAGE)


def _file(home: "Path | None", region: str) -> "SignInFile":
    from watchfloor.identity.sign_in_file import SignInFile
    from watchfloor.runtime.settings import load

    return SignInFile(load(region, home).sign_in_path)
