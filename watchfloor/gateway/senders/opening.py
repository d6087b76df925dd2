"""The senders of a bindings document, with their secrets and how much they may send."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from watchfloor.connections.bindings import (
    AlertmanagerSender,
    Bindings,
    CloudEventsSender,
    CoopSender,
    OspreySender,
    PagerDutySender,
    Secret,
)
from watchfloor.connections.bindings import Sender as Described
from watchfloor.connections.rates import Bucket
from watchfloor.gateway.problems import Problem
from watchfloor.gateway.senders.alertmanager import Alertmanager
from watchfloor.gateway.senders.cloudevents import BATCH, CloudEvents, refuse_batch
from watchfloor.gateway.senders.coop import SIGNATURE, Coop
from watchfloor.gateway.senders.message import Kind, Message, media_type
from watchfloor.gateway.senders.osprey import Osprey
from watchfloor.gateway.senders.pagerduty import PagerDuty
from watchfloor.gateway.senders.proofs import PublicKey, SecretRefused, Signature, Token, refused
from watchfloor.gateway.senders.standard import StandardWebhooks

if TYPE_CHECKING:
    pass

PATIENCE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Sender:
    """A system that may trigger incidents here.

    `patience` is how long what could not be started is tried again; `resolved_fact` what is reported when it says that
    a thing is over.
    """

    kind: str
    way: Kind
    bucket: Bucket
    patience: timedelta = PATIENCE
    resolved_fact: str = ""

    def take(self, headers: Mapping[str, str], content: bytes) -> Message:
        """Believe a delivery and read it; what is refused has changed nothing.

        Raises:
            Problem: 401 not believed, 429 too many at once, 400, 415 or 422 not what this kind of sender sends.
        """
        self.way.verify(headers, content)
        if self.bucket.reserve(0.0) is None:
            raise Problem(429, "rate", "this sender sends more than was agreed; send it again", retry_after=1)
        media = media_type(headers)
        if media == BATCH:
            raise refuse_batch()
        if media not in self.way.media:
            raise Problem(415, "media_type", f"this kind of sender sends {' or '.join(sorted(self.way.media))}")
        return self.way.read(headers, content)


def open_senders(document: Bindings, secret: Callable[[Secret], str]) -> dict[str, Sender]:
    """The senders that a bindings document names.

    Raises:
        SecretRefused: a secret is none for its kind; it names the sender and never repeats the secret.
    """
    found: dict[str, Sender] = {}
    for name, one in document.senders.items():
        secrets = tuple(secret(each) for each in (one.secret, one.old_secret) if each is not None)
        try:
            way = _way_of(one, secrets)
        except SecretRefused as error:
            raise SecretRefused(f"the secret of the sender `{name}` ({one.kind}) cannot be used: {error}") from error
        fact = getattr(one, "resolved_fact", None) or ""
        found[name] = Sender(one.kind, way, Bucket(one.rate), timedelta(seconds=one.patience), fact)
    return found


def _way_of(one: Described, secrets: tuple[str, ...]) -> Kind:
    if isinstance(one, AlertmanagerSender):
        return Alertmanager(Token(secrets, one.user))
    if isinstance(one, PagerDutySender):
        return PagerDuty(secrets)
    if isinstance(one, CoopSender):
        return Coop(PublicKey(secrets, SIGNATURE))
    if isinstance(one, OspreySender | CloudEventsSender):
        proof = Signature(secrets) if one.proof == "signature" else Token(secrets)
        return Osprey(proof) if isinstance(one, OspreySender) else CloudEvents(proof)
    return StandardWebhooks(Signature(secrets))


def refuse_unknown() -> Problem:
    """For a name that is no sender's: the same words as for a wrong signature, so that names cannot be tried out."""
    return refused()
