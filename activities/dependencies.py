"""What the activities of one region's worker need, handed in once when it is wired. There are no globals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import httpx2

from watchfloor.connections.port import Caller, Notifier
from watchfloor.evidence.port import Evidence
from watchfloor.identity.reached import Reached
from watchfloor.ledger.port import Ledger
from watchfloor.regions.certificates import KeyBook
from watchfloor.regions.keys import PublicKeys, RegionKeys
from watchfloor.signing import Trust


class Peer(Protocol):
    """Another region as this one knows it; `watchfloor.runtime.settings.Peer` is one."""

    @property
    def region(self) -> str: ...

    @property
    def url(self) -> str:
        """Base URL of its gateway."""
        ...

    @property
    def keys(self) -> PublicKeys: ...


def utc_now() -> datetime:
    return datetime.now(UTC)


def _nobody(role: str) -> Reached:
    return Reached(role, (), (), "nobody")


def _no_contacts(_person: str) -> Sequence[str]:
    return ()


def _everybody(_exposure: str, reached: Reached) -> Reached | None:
    return reached


def _no_roles(_person: str) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Everything an activity may touch.

    Attributes:
        region: the one region whose worker this is; a call for another region is refused.
        namespace: the region's Temporal namespace.
        keys: the region's own private keys; `keys.ledger` signs checkpoints.
        decision_keys: key id -> public key whose decisions count at an effect. These are the worker's own, never
            those that a call brings along.
        book: root, certificates and revocations of the region, read anew at each effect; None where there are none.
        bindings: carries actions out on real systems.
        notifier: delivers notices to configured destinations.
        contacts: role -> whoever answers for it in this region at this moment, and the names of their destinations.
        backups: role -> whoever holds it beside those; `contacts` where it is not given.
        willing: narrows who is told of a task to those who take what it exposes to now, who is proposed for it first;
            None where nobody of them does.
        own: person -> the names of their own destinations; none for who is not in the directory.
        roles: person -> the roles they hold in this region now; none for who is not in the directory.
        peers: the other regions by name.
        http: the guarded client for the other regions' gateways; it reaches nothing else and follows no redirects.
        postmortem_path: directory that drafts are written to.
        clock: aware UTC now; the only clock that activities read.
    """

    region: str
    namespace: str
    keys: RegionKeys
    decision_keys: Mapping[str, str]
    ledger: Ledger
    evidence: Evidence
    bindings: Caller
    notifier: Notifier
    http: httpx2.AsyncClient
    postmortem_path: Path
    contacts: Callable[[str], Reached] = _nobody
    backups: Callable[[str], Reached] | None = None
    roles: Callable[[str], Sequence[str]] = _no_roles
    willing: Callable[[str, Reached], Reached | None] = _everybody
    own: Callable[[str], Sequence[str]] = _no_contacts
    peers: Mapping[str, Peer] = field(default_factory=dict)
    clock: Callable[[], datetime] = utc_now
    book: KeyBook | None = None

    def trust(self) -> Trust:
        """Whom an effect believes now.

        Raises:
            KeysRefused: what was revoked cannot be read; then nobody is believed.
        """
        return Trust(keys=self.decision_keys) if self.book is None else self.book.trust(self.decision_keys)
