"""What the activities of one region's worker need, opened from its settings and closed again."""

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from temporalio.worker import Interceptor

from activities.assembly import assemble, interceptors
from activities.dependencies import Dependencies, utc_now
from activities.registry import CATALOG, INTERNAL
from schemas import notify
from watchfloor.connections.egress import Egress, EgressRefused
from watchfloor.connections.guarded import open_guarded_client
from watchfloor.connections.loading import BindingsRefused
from watchfloor.connections.wiring import Connections, open_connections
from watchfloor.evidence import EvidenceStore, EvidenceUnavailable
from watchfloor.identity.live import LiveDirectory, LiveFile, live_rotas
from watchfloor.identity.people import Directory, PeopleRefused
from watchfloor.identity.reaching import reach, reach_backup
from watchfloor.identity.rotas import Rotas
from watchfloor.ledger import LedgerUnavailable, SqliteLedger
from watchfloor.regions.keys import KeysRefused, RegionKeys
from watchfloor.runtime.refusal import WorkerRefused
from watchfloor.runtime.regionfile import REGION_FILE
from watchfloor.runtime.settings import Peer, RegionSettings
from watchfloor.wellness import Caps, CapsRefused, Wellness, load_caps
from watchfloor.wellness.asking import narrow

ENGINE_ACTIVITIES = frozenset(value for name, value in vars(notify).items() if name.startswith("ACTIVITY_"))
"""Names of the engine's own activities."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """What a worker registers."""

    activities: list[Callable[..., Any]]
    interceptors: list[Interceptor]


def load_keys(settings: RegionSettings) -> RegionKeys:
    """The region's keys.

    Raises:
        WorkerRefused: a key file is missing, unsafe or wrong.
    """
    try:
        return RegionKeys.load(settings.keys_path)
    except KeysRefused as error:
        raise WorkerRefused(
            f"the keys of region `{settings.region}` cannot be used: {error}",
            expected=f"the region's key files in {settings.keys_path}",
            fix=f"put them there, or make them on a first start: "
            f"`python -m watchfloor.runtime.provision --region {settings.region}`",
        ) from error


@contextlib.asynccontextmanager
async def assembled(
    settings: RegionSettings, keys: RegionKeys, *, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Assembled]:
    """Open the region's stores and connections and build its activities over them.

    Args:
        settings: of the region.
        keys: its own.
        environ: where secrets of the bindings are looked up; the process's environment if not given.

    Raises:
        WorkerRefused: people, bindings, ledger or evidence store cannot be used, or an activity is missing.
    """
    connections = open_connections_of(settings, os.environ if environ is None else environ)
    people, rotas = open_people(settings, connections.notifier.destinations())
    gates = [_gate(peer) for peer in settings.peers.values()]
    async with contextlib.AsyncExitStack() as opened:
        opened.push_async_callback(connections.close)
        try:
            ledger = opened.enter_context(SqliteLedger(settings.ledger_path))
            evidence = EvidenceStore(settings.evidence_path)
        except (LedgerUnavailable, EvidenceUnavailable) as error:
            raise WorkerRefused(
                f"a store of region `{settings.region}` cannot be opened: {error}",
                expected=f"a writable {settings.directory} on a disk with room",
                fix="correct its permissions or make room",
            ) from error
        http = await opened.enter_async_context(open_guarded_client(*gates))
        desk = Wellness(settings.wellness_path, _load_caps(settings), rotas=rotas.now)
        deps = Dependencies(
            region=settings.region,
            namespace=settings.namespace,
            keys=keys,
            decision_keys=keys.decision_keys,
            book=settings.book,
            ledger=ledger,
            evidence=evidence,
            bindings=connections.caller,
            notifier=connections.notifier,
            http=http,
            postmortem_path=settings.postmortem_path,
            contacts=lambda role: reach(role, settings.region, utc_now(), rotas=rotas.now(), people=people),
            backups=lambda role: reach_backup(role, settings.region, utc_now(), rotas=rotas.now(), people=people),
            willing=lambda exposure, reached: narrow(desk, people, exposure, reached, now=utc_now()),
            roles=lambda person: roles_of(people, person),
            own=lambda person: contacts_of(people, person),
            peers=settings.peers,
        )
        activities = assemble(deps)
        require_activities(activities)
        yield Assembled(activities, interceptors(deps))


def _gate(peer: Peer) -> Egress:
    try:
        return Egress.to(peer.url, networks=peer.networks)
    except EgressRefused as error:
        raise WorkerRefused(
            f"the gateway of region `{peer.region}` may not be called: {error}",
            expected="https to a public host, or to one inside `networks` of the peer",
            fix=f"correct `url` or `networks` under `peers.{peer.region}` in {REGION_FILE}",
        ) from error


def _load_caps(settings: RegionSettings) -> Caps:
    try:
        return load_caps(settings.caps_path)
    except CapsRefused as error:
        raise WorkerRefused(
            f"the caps of exposure cannot be used: {error}", expected="a valid wellness.yaml", fix="correct the places"
        ) from error


def roles_of(people: Directory, person: str) -> tuple[str, ...]:
    """The roles somebody holds now; none for who is not in the directory."""
    found = people.find(person)
    return found.roles if found is not None else ()


def contacts_of(people: Directory, person: str) -> tuple[str, ...]:
    """The channels of somebody's own; none for who is not in the directory."""
    found = people.find(person)
    return tuple(found.contacts) if found is not None else ()


def require_activities(activities: list[Callable[..., Any]]) -> None:
    """Every name that a plan or the engine can schedule is registered: an unknown one would be retried for ever.

    Raises:
        WorkerRefused: some are missing.
    """
    there = {str(getattr(getattr(one, "__temporal_activity_definition", None), "name", "")) for one in activities}
    missing = {*CATALOG, *INTERNAL, *ENGINE_ACTIVITIES} - there
    if missing:
        raise WorkerRefused(
            f"the worker has no activity {', '.join(sorted(missing))}",
            expected="one for each action of the catalogue and each of the engine's own",
            fix="this installation is incomplete; install it again",
        )


def require_destinations(people: Directory, known: Sequence[str], settings: RegionSettings) -> None:
    """Every contact of this region's people is a destination of its bindings: otherwise a page would reach nobody.

    Raises:
        WorkerRefused: some are not.
    """
    names = set(known)
    lost = sorted(
        f"{person.id}: {contact}"
        for person in people
        if person.region == settings.region
        for contact in person.contacts
        if contact not in names
    )
    if lost:
        raise WorkerRefused(
            f"{settings.people_path} names contacts that are no channels: {', '.join(lost[:5])}",
            expected=f"channels of {settings.bindings_path}: {', '.join(sorted(names)) or 'it has none'}",
            fix="add the channel to the bindings or correct the contact",
        )


def open_people(settings: RegionSettings, destinations: Sequence[str]) -> tuple[LiveDirectory, LiveFile[Rotas]]:
    """The directory of people and the rotas, read again whenever they change. A later directory whose contacts are no
    destinations is refused like a broken file: the one before stays in use."""

    def check(people: Directory) -> None:
        try:
            require_destinations(people, destinations, settings)
        except WorkerRefused as refusal:
            raise PeopleRefused(f"{settings.people_path}:1:1: {refusal.found}") from refusal

    try:
        people = LiveDirectory(settings.people_path, settings.region)
    except PeopleRefused as error:
        raise WorkerRefused(
            f"the directory of people cannot be used: {error}", expected="a valid directory", fix="correct the places"
        ) from error
    require_destinations(people, destinations, settings)
    people.require(check)
    try:
        return people, live_rotas(settings.rotas_path, settings.region)
    except PeopleRefused as error:
        raise WorkerRefused(
            f"the rotas cannot be used: {error}", expected="valid rotas, or no such file", fix="correct the places"
        ) from error


def open_connections_of(settings: RegionSettings, environ: Mapping[str, str]) -> Connections:
    """What the region's bindings describe, with the record of its deliveries.

    Raises:
        WorkerRefused: the bindings cannot be used.
    """
    try:
        return open_connections(
            settings.bindings_path,
            variables=settings.variables,
            catalog={**CATALOG, **INTERNAL},
            environ=environ,
            deliveries=settings.deliveries_path,
        )
    except BindingsRefused as error:
        raise WorkerRefused(
            f"the bindings of region `{settings.region}` cannot be used: {error}",
            expected="a valid bindings file",
            fix="correct the places named",
        ) from error
