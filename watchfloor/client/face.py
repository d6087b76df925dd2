"""What a face holds to talk to one region's runs: a Temporal client, the region's face key, its people, its evidence.

A face belongs to exactly one region; no process but a developer's command line on loopback has two of them.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from temporalio.client import Client
from temporalio.service import RPCError

from schemas.decision import Envelope
from schemas.json_value import Json
from schemas.keys import Pins
from schemas.paging import PagingPolicy
from watchfloor.authorisation import Authority, load_authority
from watchfloor.client.errors import EngineUnavailable, Refused
from watchfloor.client.inbox import StatementInbox
from watchfloor.identity.people import Directory
from watchfloor.intake.claims import Claims
from watchfloor.regions.certificates import KeyBook
from watchfloor.regions.keys import KeysRefused
from watchfloor.signing import SigningKey, sign
from watchfloor.wellness import Wellness, load_caps

if TYPE_CHECKING:
    from watchfloor.regions.keys import RegionKeys
    from watchfloor.runtime.settings import RegionSettings


class ReasonStore(Protocol):
    """Where the text of a reason stays; only its content address travels."""

    def put(self, content: bytes) -> str: ...

    def get(self, ref: str) -> bytes: ...

    def exists(self, ref: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Face:
    """One region, as a face sees it.

    `decision_keys` are the public keys a run started here pins; `key` signs under one of them. `book` holds the root
    that is pinned as well, the key's certificate and what was revoked; without one there are no certificates.
    `answer_within` is how long a worker may take to answer an update or a query before the face stops waiting.
    `loopback` says that nothing beyond this machine is reached, which is what development sign-in needs. `authority`
    holds the region's policies: what they do not permit is not signed. `inbox` keeps what no worker takes; without one
    it is sent as a signal only. `claims` remembers what was started longer than the engine does; without them the
    engine alone does. `wellness` says who may take what exposes them; without it nobody is asked and nothing counted.
    `paging` goes to every run that starts; without it no page climbs.
    """

    client: Client
    region: str
    namespace: str
    task_queue: str
    key: SigningKey = field(repr=False)
    secret: bytes = field(repr=False)
    decision_keys: Mapping[str, str]
    people: Directory
    reasons: ReasonStore
    known_regions: tuple[str, ...] = ()
    loopback: bool = False
    answer_within: timedelta = timedelta(seconds=10)
    inbox: StatementInbox | None = None
    claims: Claims | None = None
    wellness: Wellness | None = None
    paging: PagingPolicy | None = None
    authority: Authority = field(default_factory=load_authority, repr=False)
    book: KeyBook | None = None
    ledger_path: Path | None = None

    def pin(self, start: Pins) -> None:
        """Say in a start message whom the run believes.

        Raises:
            EngineUnavailable: what was revoked cannot be read; nothing should be started then.
        """
        start["decision_keys"] = dict(self.decision_keys)
        if self.book is not None:
            try:
                self.book.pin(start)
            except KeysRefused as error:
                raise EngineUnavailable(f"nothing was started: {error}") from error

    def sign(self, domain: str, body: Mapping[str, Json]) -> Envelope:
        """A statement under the face's key, with its certificate.

        Raises:
            Refused: the key may not sign any more, or its certificate cannot be read.
        """
        envelope = sign(domain, body, self.key)
        if self.book is not None:
            try:
                certificate = self.book.usable(self.key.kid, datetime.now(UTC))
            except KeysRefused as error:
                raise Refused(Refused.NO_CERTIFICATE, f"nothing was signed: {error}") from error
            if certificate is not None:
                envelope["cert"] = certificate
        return envelope


async def connect(settings: "RegionSettings") -> Face:
    """Connect to the region that the settings describe.

    Raises:
        EngineUnavailable: nothing answers at the configured address.
        KeysRefused: a key file of the region is missing or unsafe.
        PeopleRefused: the directory of people does not load.
        PoliciesRefused: a policy of the region does not load.
        CapsRefused: the caps of exposure do not load.
    """
    from watchfloor.regions.codec import client_encryption
    from watchfloor.regions.keys import RegionKeys

    keys = RegionKeys.load(settings.keys_path)
    try:
        client = await Client.connect(**settings.connect, **client_encryption(keys.payload, settings.namespace))
    except (RPCError, RuntimeError) as error:  # the bridge raises a bare RuntimeError when nothing listens
        raise EngineUnavailable(
            f"no Temporal server answers at {settings.address}; start one with `watchfloor up`, or correct "
            f"TEMPORAL_ADDRESS (`watchfloor doctor` shows what is configured)"
        ) from error
    return face_over(settings, keys, client)


def face_over(settings: "RegionSettings", keys: "RegionKeys", client: Client) -> Face:
    """The face of a region over a client that is connected already, as a gateway has one.

    Raises:
        PeopleRefused: the directory of people does not load.
        PoliciesRefused: a policy of the region does not load.
        PagingRefused: the paging policy does not load.
    """
    from watchfloor.client.paging import find_paging, load_paging
    from watchfloor.evidence import EvidenceStore
    from watchfloor.identity.live import LiveDirectory, known_rotas

    people = LiveDirectory(settings.people_path, settings.region)
    authority = load_authority(settings.policies_path)
    return Face(
        client=client,
        region=settings.region,
        namespace=settings.namespace,
        task_queue=settings.task_queue,
        key=keys.face,
        secret=keys.secret,
        decision_keys=keys.decision_keys,
        people=people,
        reasons=EvidenceStore(settings.evidence_path),
        known_regions=tuple(sorted(settings.peers)),
        loopback=settings.embedded or is_loopback(settings.address),
        authority=authority,
        book=settings.book,
        ledger_path=settings.ledger_path,
        inbox=StatementInbox(settings.inbox_path),
        claims=Claims(settings.claims_path),
        wellness=Wellness(
            settings.wellness_path,
            load_caps(settings.caps_path),
            rotas=known_rotas(settings.rotas_path, settings.region),
        ),
        paging=load_paging(find_paging(settings.home)),
    )


def is_loopback(address: str) -> bool:
    """Whether `host:port` is this machine and nothing else. Names other than `localhost` are not resolved: they may
    point elsewhere the next time."""
    host = address.rsplit(":", 1)[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
