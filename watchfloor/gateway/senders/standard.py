"""Standard Webhooks, from any system that speaks them."""

from collections.abc import Mapping
from dataclasses import dataclass

from watchfloor.gateway.senders.message import JSON, Message, read_json, require_text
from watchfloor.gateway.senders.proofs import Signature
from watchfloor.signing import digest


@dataclass(frozen=True, slots=True)
class StandardWebhooks:
    """`webhook-id` is signed and the same on every repeat, so it is the id."""

    proof: Signature

    @property
    def media(self) -> frozenset[str]:
        return JSON

    def verify(self, headers: Mapping[str, str], content: bytes) -> None:
        self.proof.verify(headers, content)

    def read(self, headers: Mapping[str, str], content: bytes) -> Message:
        id_ = require_text(headers.get("webhook-id", ""), "webhook-id")
        return Message(id_, digest(content), read_json(content))
