"""Tells other systems what happens to incidents: beside the gateway, until it stops.

Several gateways of a region may run over one book; one of them at a time sends, by a lock that the kernel drops with
its holder, so that the order within an incident holds whichever dies.
"""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
from temporalio.common import MetricMeter

from activities.registry import CATALOG, INTERNAL
from watchfloor.connections.calls import Wire
from watchfloor.connections.egress import Egress
from watchfloor.connections.loading import load_bindings
from watchfloor.gateway.rereading import Found, Part, files_of
from watchfloor.ledger import LedgerUnavailable, SqliteLedger
from watchfloor.outgoing.book import Account, Attempt, Book, BookUnavailable
from watchfloor.outgoing.courier import Courier, Receiver
from watchfloor.outgoing.following import Follower
from watchfloor.outgoing.receivers import open_receivers
from watchfloor.runtime.settings import RegionSettings

EVERY = 0.2
"""Seconds between two looks at the ledger's version; a look costs one page of SQLite."""
REST = 5.0
"""Seconds before a book or a lock that is not to be had is tried again."""
COUNT_EVERY = 5.0

log = structlog.get_logger(__name__)


class Figures:
    """What Prometheus is told about webhooks."""

    def __init__(self, meter: MetricMeter) -> None:
        self._attempts = meter.create_counter("watchfloor_webhook_attempts", "attempts to deliver an event")
        self._took = meter.create_histogram_timedelta("watchfloor_webhook_took", "how long an attempt took", "ms")
        self._waiting = meter.create_gauge("watchfloor_webhook_waiting", "events that wait")
        self._dead = meter.create_gauge("watchfloor_webhook_dead", "dead letters")
        self._disabled = meter.create_gauge("watchfloor_webhook_disabled", "1 while a subscription is disabled")

    def seen(self, state: str, attempt: Attempt) -> None:
        labels = {"subscription": attempt.subscription}
        self._attempts.add(1, {**labels, "state": state, "status": str(attempt.status or "none")})
        self._took.record(attempt.took, labels)

    def stand(self, accounts: list[Account]) -> None:
        for one in accounts:
            labels = {"subscription": one.name}
            self._waiting.set(one.waiting, labels)
            self._dead.set(one.dead, labels)
            self._disabled.set(int(one.disabled_at is not None), labels)


@dataclass(frozen=True, slots=True)
class Telling:
    """Who is told, and over what way out."""

    receivers: dict[str, Receiver]
    allow_hosts: tuple[str, ...]
    allow_networks: tuple[str, ...]
    sandbox: bool
    timeout: float


def read_telling(settings: RegionSettings) -> Found[Telling]:
    """The subscriptions of a region as its bindings have them now.

    Raises:
        BindingsRefused: the bindings, or a secret, cannot be used.
    """
    document = load_bindings(settings.bindings_path, variables=settings.variables, catalog={**CATALOG, **INTERNAL})
    folder = settings.bindings_path.parent
    receivers = open_receivers(document, settings.region, folder=folder, environ=os.environ)
    hosts, networks = tuple(document.allow_hosts), tuple(document.allow_networks)
    secrets = document.subscription_secrets(settings.region).values()
    return Found(
        Telling(receivers, hosts, networks, document.sandbox, document.defaults.timeout), files_of(secrets, folder)
    )


async def keep_telling(settings: RegionSettings, meter: MetricMeter) -> None:
    """Follow and send for ever. Bindings that change are read again; where they are refused, it says so and goes on
    with what it had.

    A request that is under way when who is told changes is given up, and its event sent again with its id.
    """
    part, figures = Part(settings, "subscriptions", read_telling), Figures(meter)
    await asyncio.to_thread(part.look)
    while True:
        telling = asyncio.create_task(_keep_sending(settings, part.content, figures))
        try:
            await part.changed()
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)


async def _keep_sending(settings: RegionSettings, telling: Telling | None, figures: Figures) -> None:
    if telling is None or (not telling.receivers and not settings.webhooks_path.exists()):
        return
    wire = Wire(Egress(telling.allow_hosts, sandbox=telling.sandbox, networks=telling.allow_networks))
    try:
        while True:
            try:
                with _alone(settings.webhooks_path.with_suffix(".lock")) as mine:
                    if mine:
                        log.info("webhooks are sent", subscriptions=sorted(telling.receivers))
                        await tell(settings, telling.receivers, wire, telling.timeout, figures)
                        return
            except (BookUnavailable, LedgerUnavailable, OSError) as error:
                log.error("webhooks wait", error=type(error).__name__)
            except Exception:  # the edge of the task: a fault in it is logged, and webhooks go on after a rest
                log.exception("webhooks failed")
            await asyncio.sleep(REST)
    finally:
        await wire.close()


async def tell(
    settings: RegionSettings,
    receivers: dict[str, Receiver],
    wire: Wire,
    timeout: float,
    figures: Figures,
) -> None:
    """Follow and send until cancelled; with no receivers only what waited for one is given up.

    Raises:
        BookUnavailable, LedgerUnavailable: one of the two cannot be opened.
    """
    # a connection of its own: SQLite tells a connection of others' writes, not of those through itself
    with contextlib.closing(Book(settings.webhooks_path)) as book, SqliteLedger(settings.ledger_path) as ledger:
        follower = Follower(settings.region, ledger, book, {name: one.subscription for name, one in receivers.items()})
        await _until_available(follower.begin)
        if not receivers:
            return
        courier = Courier(book, receivers, wire.send, timeout=timeout, seen=figures.seen)
        async with asyncio.TaskGroup() as group:
            group.create_task(courier.run())
            group.create_task(_follow(ledger, follower, courier))
            group.create_task(_count(book, figures))


async def _follow(ledger: SqliteLedger, follower: Follower, courier: Courier) -> None:
    version, done = -1, False
    while True:
        try:
            seen = await asyncio.to_thread(ledger.version)
            if seen != version or not done:
                done = await follower.catch_up()
                version = seen
                courier.tell()
        except (LedgerUnavailable, BookUnavailable) as error:
            log.warning("webhooks wait", error=type(error).__name__)
        await asyncio.sleep(EVERY)


async def _count(book: Book, figures: Figures) -> None:
    while True:
        with contextlib.suppress(BookUnavailable):
            figures.stand(await asyncio.to_thread(book.accounts))
        await asyncio.sleep(COUNT_EVERY)


async def _until_available(begin: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            return await begin()
        except (LedgerUnavailable, BookUnavailable) as error:
            log.warning("webhooks wait", error=type(error).__name__)
            await asyncio.sleep(REST)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Whether this process is the one that sends; it stays so until the context ends.

    Raises:
        OSError: the lock cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
