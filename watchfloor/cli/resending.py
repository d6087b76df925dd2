"""Having another system told again: dead letters, a subscription that was disabled. The policies are asked."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from watchfloor.cli.edge import edge
from watchfloor.cli.options import As, JsonFlag, Region, Role
from watchfloor.cli.speaking import say_development

if TYPE_CHECKING:
    from watchfloor.cli.stores import RegionStore
    from watchfloor.client.deliveries import Onlooker
    from watchfloor.evidence import EvidenceStore
    from watchfloor.outgoing.book import Book

T = TypeVar("T")
Name = Annotated[str, typer.Argument(metavar="NAME", help="A subscription of the region's bindings.")]
Why = Annotated[str, typer.Option("--reason", help="Why; kept in the region's evidence store.", show_default=False)]


def redrive(
    context: typer.Context,
    name: Name,
    person: As,
    event: Annotated[
        str,
        typer.Option("--event", metavar="ID", help="This event, or incident, only; left out: all.", show_default=False),
    ] = "",
    reason: Why = "",
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Have dead letters of a subscription sent again, with the ids they had.

    What came after them in their incidents may have been delivered already: the receiver sees the order by `sequence`.
    Who had it done stands in the ledger, in the chain of each incident; of one that they may not see nothing is sent.

    Examples:
      watchfloor webhooks redrive case_tool --region eu --as ops-1
      watchfloor webhooks redrive case_tool --event inc-4fkq7zab2c3d4e5f6g7h:12 --as ops-1
    """
    with edge(as_json):
        from watchfloor.cli.console import print_json
        from watchfloor.client.outgoing import keep_reason, resend

        def send_again(desk: _Desk) -> int:
            return resend(
                *(desk.book, desk.store.ledger_path, desk.onlooker, name, event),
                sees=desk.sees,
                role=role,
                keep_why=lambda: keep_reason(desk.reasons, reason),
                now=datetime.now(UTC),
            )

        done = _act(context.obj, region, person, send_again)
        count = sum(done.values())
        if as_json:
            print_json({"name": name, "again": done})
        else:
            say_development()
            typer.echo(
                f"{count} event{'s' * (count != 1)} will be sent again; `watchfloor webhooks log {name}` shows it"
            )


def enable(
    context: typer.Context,
    name: Name,
    person: As,
    reason: Why = "",
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Send events again to a receiver that had answered 410 (gone); what waited goes first.

    Who had it done stands in the ledger, in the chain of the region's desk.

    Example:
      watchfloor webhooks enable case_tool --region eu --as ops-1
    """
    with edge(as_json):
        from watchfloor.cli.console import print_json
        from watchfloor.client import outgoing

        def switch_on(desk: _Desk) -> None:
            outgoing.enable(
                *(desk.book, desk.store.ledger_path, desk.onlooker, name),
                role=role,
                keep_why=lambda: outgoing.keep_reason(desk.reasons, reason),
                now=datetime.now(UTC),
            )

        done = list(_act(context.obj, region, person, switch_on))
        if as_json:
            print_json({"name": name, "enabled_in": done})
        else:
            say_development()
            typer.echo(f"{name} is sent events again in {', '.join(done)}")


@dataclass(frozen=True, slots=True)
class _Desk:
    """What is at hand in one region for one person."""

    store: "RegionStore"
    book: "Book"
    onlooker: "Onlooker"
    sees: Callable[[str], bool]

    @property
    def reasons(self) -> "EvidenceStore":
        from watchfloor.evidence import EvidenceStore

        return EvidenceStore(self.store.folder / "evidence")


def _act(home: Path | None, region: str | None, person: str, do: Callable[[_Desk], T]) -> dict[str, T]:
    """Do it in every region that has it for this person; gives what came of it by region.

    Raises:
        NotFound: no region knows the person, or has what is named.
        Refused, EngineUnavailable: as the deed.
    """
    from contextlib import closing

    from watchfloor.cli.sight import Sight
    from watchfloor.cli.stores import region_stores
    from watchfloor.client.deliveries import Onlooker
    from watchfloor.client.errors import NotFound
    from watchfloor.outgoing.book import Book

    sight, done = Sight(home, person), dict[str, T]()
    lost = NotFound("nobody is told; name `subscriptions` in the bindings")
    for store in region_stores(home, region):
        if not store.webhooks_path.exists():
            continue
        reader = sight.reader(store)
        if reader is None:
            lost = NotFound(f"`{person}` is not in the directory of people of `{store.region}`")
            continue
        onlooker = Onlooker(reader.person, reader.authority, store.region, on_this_machine=reader.on_this_machine)

        def sees(chain: str, store: "RegionStore" = store) -> bool:
            return sight.shows(store, chain)

        with closing(Book(store.webhooks_path)) as book:
            try:
                done[store.region] = do(_Desk(store, book, onlooker, sees))
            except NotFound as error:
                lost = error
    if not done:
        raise lost
    return done
