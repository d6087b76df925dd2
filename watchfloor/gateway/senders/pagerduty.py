"""PagerDuty's webhooks v3 as what starts incidents (as what acknowledges pages: `watchfloor.gateway.pagers`).

`X-PagerDuty-Signature` holds one or several `v1=<hex>`, HMAC-SHA256 over the raw body, several while a secret is being
changed [V: docs/webhooks/04-Signatures.md of PagerDuty/developer-docs]. The body is `{event: {id, event_type,
resource_type, occurred_at, data}}` [V: 01-Overview.md there]. It is delivered at least once; the header `X-Webhook-Id`
is not signed, `event.id` is, so that is the id. What is answered 4xx is dropped, three times dropped in a row turns
the subscription off for a day, and 5 s without an answer is a repeat [V: 02-Behavior.md there].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from watchfloor.client.pagers import SIGNATURE, is_signed
from watchfloor.connections.messages import read_alert_key
from watchfloor.gateway.senders.message import JSON, Message, read_json, require_text, shape
from watchfloor.gateway.senders.proofs import SHORTEST, SecretRefused, refused
from watchfloor.signing import digest, parse_instant, render_instant

RESOLVED = "incident.resolved"


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """Events of a webhook subscription. A resolved incident of theirs starts nothing here."""

    secrets: tuple[str, ...]

    def __post_init__(self) -> None:
        if any(len(secret) < SHORTEST for secret in self.secrets):
            raise SecretRefused(f"it has fewer than {SHORTEST} characters")

    @property
    def media(self) -> frozenset[str]:
        return JSON

    def verify(self, headers: Mapping[str, str], content: bytes) -> None:
        given = headers.get(SIGNATURE, "")
        if not any(is_signed(content, given, secret) for secret in self.secrets):
            raise refused()

    def read(self, headers: Mapping[str, str], content: bytes) -> Message:
        document = read_json(content)
        event = document.get("event")
        if not isinstance(event, dict):
            raise shape("event", "an object")
        id_ = require_text(event.get("id"), "event.id")
        what = require_text(event.get("event_type"), "event.event_type")
        data: Any = event.get("data")
        data = data if isinstance(data, dict) else {}
        about = data if data.get("type") == "incident" else data.get("incident")
        named = about.get("id") if isinstance(about, dict) else None
        key = data.get("incident_key")
        return Message(
            id_,
            digest(content),
            document,
            thread=require_text(named, "event.data.id") if named is not None else "",
            over_at=_instant(event.get("occurred_at")) if what == RESOLVED else "",
            # a page of ours is an incident over there: it must not start another one here, which pages again
            ours=isinstance(key, str) and read_alert_key(key) is not None,
        )


def _instant(value: object) -> str:
    try:
        return render_instant(parse_instant(str(value)))
    except (ValueError, OverflowError):
        raise shape("event.occurred_at", "an instant such as 2026-11-22T03:10:00Z") from None
