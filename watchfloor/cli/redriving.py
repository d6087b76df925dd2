"""Dead letters, all that somebody may see to, driven once more at once."""

import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from watchfloor.cli.console import print_json
from watchfloor.cli.sight import Sight
from watchfloor.cli.speaking import say_development
from watchfloor.client.deliveries import Onlooker
from watchfloor.client.errors import NotFound
from watchfloor.client.redriving import Redriven, list_dead, redrive_each
from watchfloor.evidence import EvidenceStore
from watchfloor.intake.deliveries import Deliveries

if TYPE_CHECKING:
    from watchfloor.cli.stores import RegionStore

_NAMED = 20
"""Of how many that are left it is said why."""


def redrive_dead(
    stores: "list[tuple[RegionStore, Deliveries]]",
    sight: Sight,
    *,
    sender: str,
    reason: str,
    role: str | None,
    patience: float,
    as_json: bool,
) -> bool:
    """Do it in every region that knows the person, and say what became of each; gives whether all of it went well.

    Raises:
        NotFound: no region knows the person.
        EngineUnavailable: what was delivered cannot be read.
    """
    found: list[tuple[str, Deliveries, Redriven]] = []
    for store, deliveries in stores:
        reader = sight.reader(store)
        if reader is None:
            continue
        onlooker = Onlooker(reader.person, reader.authority, store.region, on_this_machine=reader.on_this_machine)
        done = redrive_each(
            deliveries,
            onlooker,
            list_dead(deliveries, onlooker, sender),
            role=role,
            reason=reason,
            reasons=EvidenceStore(store.folder / "evidence"),
            ledger_path=store.ledger_path,
            now=datetime.now(UTC),
        )
        found.append((store.region, deliveries, done))
    if not found:
        raise NotFound(f"`{sight.person}` is not in the directory of people of any region here")
    until = time.monotonic() + patience
    became = [(region, done, _await(deliveries, done, until)) for region, deliveries, done in found]
    if as_json:
        print_json({region: {"states": states, "left": dict(done.left)} for region, done, states in became})
    else:
        say_development()
        for region, done, states in became:
            _say(region, done, states)
    return all(not done.left and "dead" not in states.values() for _, done, states in became)


def _await(deliveries: Deliveries, done: Redriven, until: float) -> dict[str, str]:
    """The state of each, once the gateway has driven all of them or the time is over."""
    before = {one.id: one.attempts for one in done.done}
    while True:
        now_there = {id_: deliveries.get(id_) for id_ in before}
        waiting = [id_ for id_, one in now_there.items() if one and one.state == "kept" and one.attempts <= before[id_]]
        if not waiting or time.monotonic() >= until:
            return {id_: one.state if one else "gone" for id_, one in now_there.items()}
        time.sleep(0.2)


def _say(region: str, done: Redriven, states: dict[str, str]) -> None:
    counted = ", ".join(f"{count} {state}" for state, count in sorted(Counter(states.values()).items()))
    typer.echo(f"{region}: {len(states)} driven once more{f': {counted}' if counted else ''}")
    if "kept" in states.values():
        typer.echo(f"  what is kept waits; is the gateway of {region} running?")
    for id_, state in states.items():
        if state == "dead":
            typer.echo(f"  {id_} is dead again; `watchfloor deliveries show {id_}` says why")
    for id_, why in done.left[:_NAMED]:
        typer.echo(f"  {id_} was left: {why}")
    if len(done.left) > _NAMED:
        typer.echo(f"  and {len(done.left) - _NAMED} more were left")
