"""What a region's gateway needs to receive: who it is, whom it believes, where anchors are kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from schemas.paging import PagingPolicy
from watchfloor.client.paging import find_paging, load_paging
from watchfloor.regions.certificates import KeyBook
from watchfloor.regions.keys import PublicKeys, RegionKeys
from watchfloor.regions.residency import Residency, load_residency
from watchfloor.runtime.settings import RegionSettings


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Inbox:
    """`peers` are the other regions' public keys; `clock` gives aware UTC now; `book` says what a run that is started
    here pins."""

    region: str
    namespace: str
    task_queue: str
    keys: RegionKeys
    peers: Mapping[str, PublicKeys]
    anchors_path: Path
    residency: Residency
    clock: Callable[[], datetime] = field(default=_now)
    book: KeyBook | None = None
    paging: PagingPolicy | None = None
    """By which the page about an offer climbs."""


def open_inbox(settings: RegionSettings) -> Inbox:
    """The inbox of a region as its settings describe it.

    Raises:
        watchfloor.client.paging.PagingRefused: the paging policy does not load.
        watchfloor.regions.keys.KeysRefused: a key file is missing or wrong.
        watchfloor.regions.residency.ResidencyRefused: the residency rules cannot be followed.
    """
    return Inbox(
        region=settings.region,
        namespace=settings.namespace,
        task_queue=settings.task_queue,
        keys=RegionKeys.load(settings.keys_path),
        peers={name: peer.keys for name, peer in settings.peers.items()},
        anchors_path=settings.directory / "anchors",
        residency=load_residency(),
        book=settings.book,
        paging=load_paging(find_paging(settings.home)),
    )
