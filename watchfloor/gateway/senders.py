"""Who a delivery comes from: verified by the sender's shared secret before anything in it is looked at."""

from collections.abc import Callable, Mapping
from typing import Protocol

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from watchfloor.connections.bindings import Bindings, Secret
from watchfloor.connections.rates import Bucket
from watchfloor.gateway.problems import Problem

_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
_REFUSED = (
    "no sender of this name has signed these bytes within the last five minutes; sign the body with the shared secret "
    "(Standard Webhooks) and send webhook-id, webhook-timestamp and webhook-signature"
)


class Sender(Protocol):
    """A kind of sender. What it gives is believed; what it refuses has changed nothing."""

    def verify(self, headers: Mapping[str, str], content: bytes) -> str:
        """The sender's own id of this delivery.

        Raises:
            Problem: 401 the signature does not hold or is too old, 429 too many at once.
        """
        ...


class StandardWebhooks:
    """Standard Webhooks: HMAC-SHA256 over id, timestamp and body; five minutes of replay window."""

    def __init__(self, secrets: list[str], bucket: Bucket) -> None:
        self._webhooks = [Webhook(secret) for secret in secrets]
        self._bucket = bucket

    def verify(self, headers: Mapping[str, str], content: bytes) -> str:
        signed = {name: headers.get(name, "") for name in _HEADERS}
        if not any(self._holds(webhook, content, signed) for webhook in self._webhooks):
            raise Problem(401, "signature", _REFUSED)
        if self._bucket.reserve(0.0) is None:
            raise Problem(429, "rate", "this sender sends more than was agreed; send it again", retry_after=1)
        return signed["webhook-id"]

    @staticmethod
    def _holds(webhook: Webhook, content: bytes, signed: dict[str, str]) -> bool:
        try:
            webhook.verify(content, signed)
        except (WebhookVerificationError, ValueError):
            return False
        return True


def open_senders(document: Bindings, secret: Callable[[Secret], str]) -> dict[str, Sender]:
    """The senders that a bindings document names."""
    found: dict[str, Sender] = {}
    for name, sender in document.senders.items():
        secrets = [one for one in (sender.secret, sender.old_secret) if one is not None]
        found[name] = StandardWebhooks([secret(one) for one in secrets], Bucket(sender.rate))
    return found


def refuse_unknown() -> Problem:
    """For a name that is no sender's: the same words as for a wrong signature, so that names cannot be tried out."""
    return Problem(401, "signature", _REFUSED)
