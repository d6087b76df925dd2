"""What other systems delivered, what became of each, and what to do about dead letters."""

import time
from datetime import UTC, datetime
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated

import typer

from watchfloor.cli.edge import Exit, edge
from watchfloor.cli.options import As, JsonFlag, Looking, Region, Role
from watchfloor.cli.speaking import say_development
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from watchfloor.cli.sight import Sight
    from watchfloor.cli.stores import RegionStore
    from watchfloor.client.deliveries import Act, Onlooker
    from watchfloor.intake.deliveries import Deliveries
    from watchfloor.intake.delivery import Delivery, Refusals

PANEL = "Systems"
PATIENCE = 10.0
"""Seconds for which `redrive` waits for the gateway."""

deliveries_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", help="What other systems delivered, and what became of it."
)

Id = Annotated[str, typer.Argument(metavar="DELIVERY", help="Id of the delivery, as `list` shows it.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(deliveries_app, list_them, PANEL, name="list")
    register(deliveries_app, show_one, PANEL, name="show")
    register(deliveries_app, redrive, PANEL, name="redrive")
    register(deliveries_app, discard, PANEL, name="discard")
    app.add_typer(deliveries_app, name="deliveries", rich_help_panel=PANEL)


def list_them(
    context: typer.Context,
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--state",
            help="dead, kept, started, joined, merged, reported, ignored or discarded; repeatable.",
            show_default=False,
        ),
    ] = None,
    sender: Annotated[str, typer.Option("--sender", help="Only what this sender delivered.")] = "",
    most: Annotated[int, typer.Option("--most", min=1, max=1000, help="How many at most.")] = 50,
    person: Looking = "",
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """What other systems delivered, the latest first, and what became of each; then what was refused.

    No engine is needed.

    Example:
      watchfloor deliveries list --state dead
    """
    with edge(as_json):
        from watchfloor.cli.console import print_json
        from watchfloor.cli.sight import Sight
        from watchfloor.client.deliveries import Wanted, list_deliveries, list_refusals
        from watchfloor.client.errors import NotFound
        from watchfloor.intake.delivery import STATES

        for one in state or ():
            if one not in STATES:
                raise NotFound(f"no state `{one[:40]}`; expected some of {', '.join(STATES)}")
        sight, wanted = Sight(context.obj, person), Wanted(tuple(state or ()), sender)
        found: list[tuple[str, Delivery]] = []
        refused: list[dict[str, object]] = []
        for store, deliveries in _stores(context, region):
            onlooker = _onlooker(sight, store)
            if person and onlooker is None:
                continue
            found += [(store.region, each) for each in list_deliveries(deliveries, onlooker, wanted, most=most)]
            if not state:
                refused += [_refused(store.region, each) for each in list_refusals(deliveries, onlooker, sender)]
        _say_refused_bindings(context, region)
        if as_json:
            print_json({"deliveries": [_full(name, each) for name, each in found], "refused": refused})
        else:
            _print_list(found, refused, filtered=bool(state or sender))


def show_one(
    context: typer.Context,
    delivery: Id,
    person: Looking = "",
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """One delivery: what each runbook made of it and why, how often it came, what is still kept of it.

    Example:
      watchfloor deliveries show del-4fkq2mzo7yxl3wtnbcea
    """
    with edge(as_json):
        from watchfloor.cli.console import print_json
        from watchfloor.cli.sight import Sight
        from watchfloor.client.deliveries import find_delivery

        store, deliveries, onlooker = _locate(context, region, delivery, Sight(context.obj, person))
        found = find_delivery(deliveries, onlooker, delivery)
        if as_json:
            print_json(_full(store.region, found))
        else:
            _print_one(store.region, found)


def redrive(
    context: typer.Context,
    person: As,
    delivery: Annotated[
        str, typer.Argument(metavar="[DELIVERY]", help="Id of the delivery, as `list` shows it.", show_default=False)
    ] = "",
    dead: Annotated[
        bool, typer.Option("--dead", help="Every dead letter that you may see to, the first first.")
    ] = False,
    sender: Annotated[str, typer.Option("--sender", help="With --dead: only what this sender delivered.")] = "",
    reason: Annotated[str, typer.Option(help="Why; kept in the region's evidence store.")] = "",
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Have a dead letter, or one that matched nothing, driven once more by the region's gateway.

    It waits ten seconds for what becomes of it. What the delivery had started before is not started again. With --dead
    each has its own entry in the ledger, and one that may not be driven keeps back no other.

    Examples:
      watchfloor deliveries redrive del-4fkq2mzo7yxl3wtnbcea --as ops-1 --reason "the mapping is corrected"
      watchfloor deliveries redrive --dead --sender portal --as ops-1 --reason "the engine is back"
    """
    if dead == bool(delivery) or (sender and not dead):
        raise typer.BadParameter("name one delivery, or say --dead for all of them, with --sender if you like")
    if dead:
        with edge(as_json):
            from watchfloor.cli.redriving import redrive_dead
            from watchfloor.cli.sight import Sight

            well = redrive_dead(
                _stores(context, region),
                Sight(context.obj, person),
                sender=sender,
                reason=reason,
                role=role,
                patience=PATIENCE,
                as_json=as_json,
            )
        if not well:
            raise typer.Exit(Exit.REFUSED)
        return
    done = _act(context, "redrive", delivery, person, reason, role, region, as_json)
    if done.state == "dead":
        raise typer.Exit(Exit.REFUSED)


def discard(
    context: typer.Context,
    delivery: Id,
    person: As,
    reason: Annotated[str, typer.Option(help="Why; kept in the region's evidence store.")],
    role: Role = None,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """Give a dead letter up: what it said is destroyed, that it came is remembered.

    Example:
      watchfloor deliveries discard del-4fkq2mzo7yxl3wtnbcea --as ops-1 --reason "a test of theirs"
    """
    _act(context, "discard", delivery, person, reason, role, region, as_json)


def _act(
    context: typer.Context,
    act: "Act",
    given: str,
    person: str,
    reason: str,
    role: str | None,
    region: str | None,
    as_json: bool,
) -> "Delivery":
    with edge(as_json):
        from watchfloor.cli.console import print_json
        from watchfloor.cli.sight import Sight
        from watchfloor.client.deliveries import act_on
        from watchfloor.client.errors import NotFound
        from watchfloor.evidence import EvidenceStore

        store, deliveries, onlooker = _locate(context, region, given, Sight(context.obj, person))
        if onlooker is None:
            raise NotFound(f"`{person}` is not in the directory of people of `{store.region}`")
        done = act_on(
            deliveries,
            onlooker,
            given,
            act,
            role=role,
            reason=reason,
            reasons=EvidenceStore(store.folder / "evidence"),
            ledger_path=store.ledger_path,
            now=datetime.now(UTC),
        )
        if act == "redrive":
            done = _await(deliveries, done)
        if as_json:
            print_json(_full(store.region, done))
            return done
        say_development()
        if done.state == "kept":
            typer.echo(f"{done.id} waits: {done.why}; is the gateway of {store.region} running?")
        else:
            _print_one(store.region, done)
        return done


def _await(deliveries: "Deliveries", one: "Delivery") -> "Delivery":
    """The delivery once the gateway has driven it; as it is when that takes too long."""
    from watchfloor.client.deliveries import find_delivery

    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        now_there = find_delivery(deliveries, None, one.id)
        if now_there.state != "kept" or now_there.attempts > one.attempts:
            return now_there
        time.sleep(0.2)
    return one


def _stores(context: typer.Context, region: str | None) -> "list[tuple[RegionStore, Deliveries]]":
    from watchfloor.cli.stores import region_stores
    from watchfloor.intake.deliveries import Deliveries

    stores = region_stores(context.obj, region)
    return [(store, Deliveries(store.received_path)) for store in stores if store.received_path.exists()]


def _locate(
    context: typer.Context, region: str | None, given: str, sight: "Sight"
) -> "tuple[RegionStore, Deliveries, Onlooker | None]":
    """The region that has a delivery. Which one says nothing: its id is told to who may see it alone.

    Raises:
        NotFound: none has it, for this person.
    """
    from watchfloor.client.deliveries import find_delivery
    from watchfloor.client.errors import NotFound

    for store, deliveries in _stores(context, region):
        onlooker = _onlooker(sight, store)
        if sight.person and onlooker is None:
            continue
        try:
            find_delivery(deliveries, onlooker, given)
        except NotFound:
            continue
        return store, deliveries, onlooker
    raise NotFound(f"no delivery `{given[:40]}`; `watchfloor deliveries list` shows them")


def _say_refused_bindings(context: typer.Context, region: str | None) -> None:
    from watchfloor.cli.stores import region_stores
    from watchfloor.outgoing.refusal import read_refusal

    for store in region_stores(context.obj, region):
        trouble = read_refusal(store.folder, "senders")
        if trouble is not None:
            typer.echo(
                f"{store.region}: changed bindings were refused at {_at(trouble.at.isoformat())}; the senders read "
                "before stay in use; the gateway's log and `watchfloor doctor` say what is wrong",
                err=True,
            )


def _onlooker(sight: "Sight", store: "RegionStore") -> "Onlooker | None":
    from watchfloor.client.deliveries import Onlooker

    reader = sight.reader(store)
    if reader is None:
        return None
    return Onlooker(reader.person, reader.authority, store.region, on_this_machine=reader.on_this_machine)


def _refused(region: str, one: "Refusals") -> dict[str, object]:
    sender = one.sender or "(no sender of ours)"
    return {"region": region, "sender": sender, "day": one.day, "code": one.code, "times": one.times}


def _print_list(found: "list[tuple[str, Delivery]]", refused: list[dict[str, object]], *, filtered: bool) -> None:
    if not found:
        typer.echo("no delivery fits" if filtered else "nothing was delivered")
    for region, one in found:
        typer.echo(f"{_at(one.received_at)}  {one.id}  {region}  {one.state.upper():9}  {one.sender}")
        typer.echo(f"    {shorten(one.why, 150, placeholder=' …')}")
    for each in refused:
        typer.echo(f"refused on {each['day']}: {each['times']} of {each['sender']} ({each['code']})")


def _print_one(region: str, one: "Delivery") -> None:
    typer.echo(f"{one.id}  {one.state.upper()}  from {one.sender} ({one.kind}) in {region}")
    typer.echo(f"  why        {one.why}")
    typer.echo(f"  received   {_at(one.received_at)}, {one.size} bytes, came {one.repeats + 1} times")
    typer.echo(f"  driven     {one.attempts} times" + (f", next at {_at(one.next_at)}" if one.state == "kept" else ""))
    for each in one.outcomes:
        incident = f"  {each.incident}" if each.incident else ""
        typer.echo(f"  made of it {each.runbook or '-'}: {each.state}{incident}")
        if len(one.outcomes) > 1:
            typer.echo(f"             {each.why}")
    if one.compartments:
        typer.echo(f"  shown to   who is cleared for {', '.join(one.compartments)}")
    if one.person:
        typer.echo(f"  seen to by {one.person}" + (f", reason {one.reason}" if one.reason else ""))
    if one.state in {"dead", "ignored"}:
        until = f"sealed, kept until {_at(one.box_until)}" if one.readable else "what it said is not kept any more"
        typer.echo(f"  contents   {until}")
    if one.state == "dead" and one.readable:
        typer.echo(f"  next       watchfloor deliveries redrive {one.id} --as PERSON, once what is wrong is corrected")


def _at(instant: str) -> str:
    return f"{instant[:10]} {instant[11:19]}Z"


def _full(region: str, one: "Delivery") -> dict[str, object]:
    return {
        "delivery": one.id,
        "region": region,
        "sender": one.sender,
        "kind": one.kind,
        "state": one.state,
        "why": one.why,
        "received_at": one.received_at,
        "size": one.size,
        "attempts": one.attempts,
        "repeats": one.repeats,
        "next_at": one.next_at if one.state == "kept" else None,
        "readable": one.readable,
        "compartments": list(one.compartments),
        "seen_to_by": one.person or None,
        "starts": [
            {
                "runbook": each.runbook,
                "state": each.state,
                "incident": each.incident,
                "code": each.code,
                "why": each.why,
            }
            for each in one.outcomes
        ],
    }
