"""Osprey's results, as an output sink of its plugins posts them.

Osprey ships no sink over HTTP: `register_output_sinks` is where one is plugged in [V: docs/development/integrations.md
of roostorg/osprey], and docs/guides/webhooks.md has one. The body is what Osprey's own Kafka sink writes,
`extracted_features_json` [V: osprey_worker/.../sinks/sink/kafka_output_sink.py]: a flat object of the rules' features
beside `__action_id`, `__timestamp`, `__error_count` [V: custom_extracted_features.py there], `__verdicts` [S: seen in
what reads them]. It comes at least once, and a second evaluation of one action may find other features: the action's
id is the id, and nothing else must be the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.json_value import Json
from watchfloor.gateway.senders.message import JSON, Message, read_json, require_text, shape
from watchfloor.gateway.senders.proofs import Signature, Token
from watchfloor.signing import digest

_META = "__"


@dataclass(frozen=True, slots=True)
class Osprey:
    """Results of one Osprey. `triggers` see `{action_id, features, timestamp, verdicts, …}`: what Osprey marks with two
    underscores stands beside `features`, without them, and the id as text, for it may have more than 53 bits."""

    proof: Signature | Token

    @property
    def media(self) -> frozenset[str]:
        return JSON

    def verify(self, headers: Mapping[str, str], content: bytes) -> None:
        self.proof.verify(headers, content)

    def read(self, headers: Mapping[str, str], content: bytes) -> Message:
        document = read_json(content)
        given = document.get("__action_id")
        if isinstance(given, bool) or not isinstance(given, int | str):
            raise shape("__action_id", "a whole number, or text")
        id_ = require_text(str(given), "__action_id")
        event: dict[str, Json] = {
            name.removeprefix(_META): value for name, value in document.items() if name.startswith(_META)
        }
        event["features"] = {name: value for name, value in document.items() if not name.startswith(_META)}
        event["action_id"] = id_
        return Message(id_, digest(id_), event)
