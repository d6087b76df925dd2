"""Coop's callbacks: an action that a rule, a moderator or a threshold of strikes has triggered; a decided appeal.

`Coop-Signature` is RSASSA-PKCS1-v1_5 with SHA-256 over the raw body, in base64, by a key of 2048 bits whose public half
Coop shows in its settings [V: docs/development/api-auth.md and server/services/signingKeyPairService of roostorg/coop].
The body is `{item: {id, typeId}, action: {id}, policies, rules, custom, actorEmail, actorNote, creator}`, or for an
appeal `{appealId, item, appealedBy, appealDecision, custom}` [V: docs/api/actions.md there]. What is answered 4xx is
dropped, all else is sent up to five times more [V: server/rule_engine/ActionPublisher.ts there]. It has neither an id
nor a timestamp, so what identifies a callback is its content (ADR 0030).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.json_value import Json
from watchfloor.gateway.senders.message import JSON, Message, read_json, require_text, shape
from watchfloor.gateway.senders.proofs import PublicKey
from watchfloor.signing import digest

SIGNATURE = "coop-signature"
PERSONAL = frozenset({"actorEmail", "actorNote"})
"""Who the moderator was and what they wrote: it stays with Coop."""


@dataclass(frozen=True, slots=True)
class Coop:
    """Callbacks of one organisation's Coop."""

    proof: PublicKey

    @property
    def media(self) -> frozenset[str]:
        return JSON

    def verify(self, headers: Mapping[str, str], content: bytes) -> None:
        self.proof.verify(headers, content)

    def read(self, headers: Mapping[str, str], content: bytes) -> Message:
        document = read_json(content)
        require_text(_inside(document, "item", "id"), "item.id")
        if "appealId" in document:
            require_text(document["appealId"], "appealId")
        else:
            require_text(_inside(document, "action", "id"), "action.id")
        mark = digest(content)
        return Message(mark, mark, {name: value for name, value in document.items() if name not in PERSONAL})


def _inside(document: Mapping[str, Json], name: str, field: str) -> Json:
    inner = document.get(name)
    if not isinstance(inner, dict):
        raise shape(name, "an object")
    return inner.get(field)
