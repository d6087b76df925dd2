"""Webhooks out: who is told, every attempt at it, dead letters, a test."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from watchfloor.cli.edge import Exit, edge
from watchfloor.cli.options import JsonFlag, Region
from watchfloor.cli.resending import enable, redrive
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from watchfloor.outgoing.book import Account, Attempt, Book
    from watchfloor.outgoing.refusal import BindingsTrouble

PANEL = "This machine"

webhooks_app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Events that other systems are told.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="A subscription of the region's bindings.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(webhooks_app, list_webhooks, PANEL, name="list")
    register(webhooks_app, show_log, PANEL, name="log")
    register(webhooks_app, redrive, PANEL, name="redrive")
    register(webhooks_app, enable, PANEL, name="enable")
    register(webhooks_app, try_webhook, PANEL, name="test")
    app.add_typer(webhooks_app, name="webhooks", rich_help_panel=PANEL)


def list_webhooks(context: typer.Context, region: Region = None, as_json: JsonFlag = False) -> None:
    """How each subscription stands: what waits, since when, what was given up, how the last attempt went.

    Exits with 1 when one is disabled or has dead letters, or when the gateway has refused changed bindings.

    Example:
      watchfloor webhooks list --region eu
    """
    with edge(as_json):
        from watchfloor.cli.console import console, print_json

        found = [(name, one) for name, book in _books(context.obj, region) for one in book.accounts()]
        refused = _refused(context.obj, region)
        for name, trouble in refused.items():
            typer.echo(
                f"{name}: the bindings were refused at {trouble.at:%Y-%m-%d %H:%M}Z; the ones before stay in use:",
                err=True,
            )
            for problem in trouble.problems:
                typer.echo(f"  {problem}", err=True)
            typer.echo("  correct the file, which `watchfloor doctor` names; the gateway reads it again", err=True)
        if as_json:
            print_json([{"region": name, **_account(one)} for name, one in found])
        elif not found:
            typer.echo("nobody is told; name `subscriptions` in the bindings")
        else:
            from rich.table import Table

            table = Table("REGION", "NAME", "STATE", "WAITING", "OLDEST", "DEAD", "LAST ATTEMPT", box=None)
            for name, one in found:
                oldest = _ago(one.oldest_at) if one.oldest_at else "-"
                last = f"{_ago(one.last.at)} ago: {one.last.outcome}" if one.last else "none"
                table.add_row(name, one.name, _state(one), str(one.waiting), oldest, str(one.dead), last)
            console().print(table)
            for name, one in found:
                if one.disabled_at is not None:
                    typer.echo(
                        f"{one.name} is sent nothing: {one.why}. When the receiver wants events again: "
                        f"`watchfloor webhooks enable {one.name} --region {name} --as PERSON`"
                    )
                if one.dead:
                    typer.echo(
                        f"{one.name} has {one.dead} dead letter{'s' * (one.dead != 1)}. To have them sent again: "
                        f"`watchfloor webhooks redrive {one.name} --region {name} --as PERSON`"
                    )
        if refused or any(one.disabled_at is not None or one.dead for _, one in found):
            raise typer.Exit(Exit.REFUSED)


def show_log(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="One subscription.", show_default=False)] = "",
    event: Annotated[
        str, typer.Option("--event", metavar="ID", help="An event (`inc-…:12`) or an incident.", show_default=False)
    ] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Attempts to show, the latest.")] = 50,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Every attempt to deliver an event: when, how long it took, what was answered, when it is tried next.

    Examples:
      watchfloor webhooks log case_tool --region eu
      watchfloor webhooks log --event inc-4fkq7zab2c3d4e5f6g7h:12 --json
    """
    with edge(as_json):
        from watchfloor.cli.console import console, print_json

        found = [
            (where, one)
            for where, book in _books(context.obj, region)
            for one in book.attempts(name, event=event, limit=limit)
        ]
        if as_json:
            print_json([{"region": where, **_attempt(one)} for where, one in found])
        elif not found:
            typer.echo("no attempt of that kind is on record")
        else:
            for where, one in reversed(found):
                again = f"; tried again at {one.next_at:%H:%M:%S}Z" if one.next_at else ""
                answer = f"{one.status} {one.outcome}" if one.status else one.outcome
                line = (
                    f"{one.at:%Y-%m-%d %H:%M:%S}Z {where} {one.subscription} {one.event} {one.kind} "
                    f"try {one.number}: {answer} in {one.took.total_seconds() * 1000:.0f} ms{again}"
                )
                console().print(line, soft_wrap=True, highlight=False, markup=False)


def try_webhook(context: typer.Context, name: Name, region: Region = None, as_json: JsonFlag = False) -> None:
    """Send a harmless event (`io.watchfloor.test`) to a subscription and say what came back.

    The secret has to be within reach of this command as it is of the gateway. Exits with 1 when it was not taken.

    Example:
      watchfloor webhooks test case_tool --region eu
    """
    with edge(as_json):
        import asyncio
        import os

        from watchfloor.cli.console import console, print_json
        from watchfloor.cli.faces import settings_here
        from watchfloor.client.errors import NotFound
        from watchfloor.outgoing.trying import TriedWebhook, try_subscription

        tried, lost = list[TriedWebhook](), list[NotFound]()
        for settings in settings_here(context.obj, region).values():
            try:
                tried.append(asyncio.run(try_subscription(settings, name, environ=os.environ)))
            except NotFound as error:
                lost.append(error)
        if not tried and lost:
            raise lost[0]
        if as_json:
            print_json({"tried": tried})
        else:
            for one in tried:
                answer = f"{one.status}, {one.outcome}" if one.status else one.outcome
                word = "took it" if one.took else "did not take it"
                line = (
                    f"{one.region}: {one.subscription} {word} ({answer}) in {one.after.total_seconds() * 1000:.0f} ms"
                )
                console().print(line, style="bold green" if one.took else "bold red", soft_wrap=True)
        if not all(one.took for one in tried):
            raise typer.Exit(Exit.REFUSED)


def _books(home: "Path | None", region: str | None) -> "Iterator[tuple[str, Book]]":
    """The books that there are; one that no gateway has begun is not made by looking."""
    from contextlib import closing

    from watchfloor.cli.stores import region_stores
    from watchfloor.outgoing.book import Book

    for store in region_stores(home, region):
        if store.webhooks_path.exists():
            with closing(Book(store.webhooks_path)) as book:
                yield store.region, book


def _refused(home: "Path | None", region: str | None) -> "dict[str, BindingsTrouble]":
    """Regions whose gateway has refused the newest bindings."""
    from watchfloor.cli.stores import region_stores
    from watchfloor.outgoing.refusal import read_refusal

    found = {store.region: read_refusal(store.folder, "subscriptions") for store in region_stores(home, region)}
    return {name: trouble for name, trouble in found.items() if trouble is not None}


def _state(one: "Account") -> str:
    if one.disabled_at is not None:
        return "disabled"
    if one.rests_until is not None and one.rests_until > datetime.now(UTC):
        return "resting"
    status = one.last.status if one.last else 200
    return "sending" if status is not None and 200 <= status < 300 else "failing"


def _account(one: "Account") -> dict[str, object]:
    return {
        "name": one.name,
        "state": _state(one),
        "why": one.why,
        "waiting": one.waiting,
        "oldest_at": one.oldest_at,
        "dead": one.dead,
        "began_at": one.began_at,
        "last": _attempt(one.last) if one.last else None,
    }


def _attempt(one: "Attempt") -> dict[str, object]:
    return {
        "subscription": one.subscription,
        "event": one.event,
        "kind": one.kind,
        "number": one.number,
        "at": one.at,
        "took_ms": int(one.took.total_seconds() * 1000),
        "status": one.status,
        "outcome": one.outcome,
        "next_at": one.next_at,
    }


def _ago(at: datetime) -> str:
    seconds = max(0, int((datetime.now(UTC) - at).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
