"""CloudEvents 1.0 over HTTP, in JSON.

In structured mode attributes and data are one JSON object (`application/cloudevents+json`), in binary mode the
attributes are `ce-` headers, percent-encoded, and the body is the data; `source` and `id` together name the event [V:
cloudevents/bindings/http-protocol-binding.md, sections 3.1 to 3.3, and spec.md of cloudevents/spec]. Batches, which are
not to be sent unasked [V: 1.3 there], are refused.

Standard Webhooks signs the body and not the `ce-` headers: whoever gets hold of a signed message could give it another
type or id. So a signed event comes in structured mode; with a bearer token either mode is taken (ADR 0030).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.json_value import Json
from watchfloor.gateway.problems import Problem
from watchfloor.gateway.senders.message import Message, media_type, read_json, require_text, shape
from watchfloor.gateway.senders.proofs import Signature, Token
from watchfloor.signing import digest

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
VERSION = "1.0"
MOST_ATTRIBUTES = 60
_REQUIRED = ("specversion", "id", "source", "type")
_ATTRIBUTE = re.compile(r"[a-z0-9]{1,40}", re.ASCII)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class CloudEvents:
    """Events of any system. `triggers` see the JSON form of the event in either mode: `event.type`, `event.data.…`."""

    proof: Signature | Token

    @property
    def media(self) -> frozenset[str]:
        return (
            frozenset({STRUCTURED})
            if isinstance(self.proof, Signature)
            else frozenset({STRUCTURED, "application/json"})
        )

    def verify(self, headers: Mapping[str, str], content: bytes) -> None:
        self.proof.verify(headers, content)

    def read(self, headers: Mapping[str, str], content: bytes) -> Message:
        if media_type(headers) == STRUCTURED:
            event = read_json(content)
            if "data" in event and "data_base64" in event:
                raise shape("data", "either `data` or `data_base64`")
        else:
            event = {**_attributes(headers), "datacontenttype": media_type(headers), "data": _data(content)}
        for name in event:
            if name != "data_base64" and not _ATTRIBUTE.fullmatch(name):
                raise shape("an attribute", "a name of lower-case letters and digits")
        for name in _REQUIRED:
            require_text(event.get(name), name)
        if event["specversion"] != VERSION:
            raise shape("specversion", f'"{VERSION}"')
        return Message(f"{event['source']}\n{event['id']}", digest(json.dumps(event, sort_keys=True).encode()), event)


def _attributes(headers: Mapping[str, str]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name, value in headers.items():
        lower = name.lower()
        if not lower.startswith("ce-"):
            continue
        attribute = lower.removeprefix("ce-")
        if attribute in found or attribute in {"data", "datacontenttype"} or len(found) == MOST_ATTRIBUTES:
            raise shape("the ce- headers", "each attribute once; the content type and the data stand elsewhere")
        found[attribute] = require_text(
            _decode(value), f"ce-{attribute}" if _ATTRIBUTE.fullmatch(attribute) else "a ce- header"
        )
    return found


def _decode(value: str) -> str:
    """One round: quotes with their escapes, then percent signs. What is not UTF-8 then is refused."""
    text = value.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    if not text.isascii():
        raise shape("a ce- header", "printable ASCII, percent-encoded")
    raw = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    try:
        return raw.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        raise shape("a ce- header", "UTF-8 behind the percent signs") from None


def _data(content: bytes) -> Json:
    return read_json(content) if content.strip() else {}


def refuse_batch() -> Problem:
    return Problem(415, "batch", "batches are not taken; send each event by itself, structured or binary")
