"""What a delivery says once it is believed, whatever product it came from."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from schemas.json_value import Json
from watchfloor.client.errors import InputsRefused
from watchfloor.client.orders import read_object
from watchfloor.gateway.problems import Problem

MAX_ID = 300
"""Characters of an id that a sender gives; more is no id."""


@dataclass(frozen=True, slots=True)
class Message:
    """One event of a sender.

    `id` is the sender's own, or a hash of what identifies it: the same id is the same event, however often it comes.
    `mark` is a digest of what else must be the same then; another one under the same id is a contradiction.
    `event` is what `triggers` see. `thread` is what the sender's messages about one thing share. `over_at` is set when
    it says that the thing is over: such a message starts nothing. `ours` is set when it is about an alert of ours.
    """

    id: str
    mark: str
    event: Mapping[str, Json] = field(repr=False)
    thread: str = ""
    over_at: str = ""
    ours: bool = False


class Kind(Protocol):
    """How one product proves who it is, and how its messages are read."""

    @property
    def media(self) -> frozenset[str]:
        """The media types it sends."""
        ...

    def verify(self, headers: Mapping[str, str], content: bytes) -> None:
        """Raises `Problem` 401 unless the sender sent these bytes. Looks at nothing in them."""
        ...

    def read(self, headers: Mapping[str, str], content: bytes) -> Message:
        """Read bytes that were verified.

        Raises:
            Problem: 400 not strict JSON, 415 a mode that is not taken, 422 not of the product's shape.
        """
        ...


JSON = frozenset({"application/json"})


def media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def read_json(content: bytes) -> dict[str, Json]:
    """The body as one strict JSON object.

    Raises:
        Problem: 400; nothing of it is repeated.
    """
    try:
        return read_object(content, name="the body")
    except InputsRefused as error:
        raise Problem(400, "not_json", "the body must be one JSON object in UTF-8 with unique keys") from error


def require_text(value: Json, name: str, *, most: int = MAX_ID) -> str:
    """A text of one line that may name something.

    Raises:
        Problem: 422; the value is not repeated.
    """
    if not isinstance(value, str) or not value.strip() or len(value) > most:
        raise shape(name, f"a text of 1 to {most} characters")
    if any(unicodedata.category(one) in {"Cc", "Cs"} for one in value):
        raise shape(name, "a text without control characters")
    return value


def shape(name: str, expected: str) -> Problem:
    """422 for one field of the product's own form."""
    detail = "the message is not of the form that this kind of sender has"
    fix = "check the kind of this sender in the bindings, and the version of the product"
    return Problem(422, "shape", detail, fields=[{"field": name, "expected": expected, "fix": fix}])
