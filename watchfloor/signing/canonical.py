"""RFC 8785 bytes, digests over them, keys and ids derived from them."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import rfc8785

from schemas.json_value import Json

_EXACT = 2**53 - 1
"""The largest whole number that RFC 8785 carries."""


class _Uncommon(Exception):
    """A value that the standard encoder may write otherwise than RFC 8785 says."""


def canonical(value: Json) -> bytes:
    """The RFC 8785 bytes of a JSON value.

    Nearly every plan and statement is of a kind for which the standard library's encoder, which is thirty times
    faster, writes the same bytes: keys in ASCII, whole numbers, no surrogates. All else goes to the reference one.

    Raises:
        ValueError: the value holds something JSON cannot carry (NaN, a non-string key, an int beyond 2**53).
    """
    try:
        text = json.dumps(_common(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return text.encode()
    except (_Uncommon, UnicodeEncodeError, RecursionError):
        return _canonical_by_reference(value)


def _common(value: Json) -> Json:
    """The value with floats that are whole numbers as such, since `60.0` is written `60`.

    Raises:
        _Uncommon: there is something else in it.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is dict:
        made: dict[str, Json] = {}
        for key, inner in value.items():
            # beyond ASCII, RFC 8785 sorts by UTF-16 code units and Python by code points
            if type(key) is not str or not key.isascii():
                raise _Uncommon
            made[key] = _common(inner)
        return made
    if kind is list:
        return [_common(inner) for inner in value]
    if (kind is int or (kind is float and value.is_integer())) and -_EXACT <= value <= _EXACT:
        return int(value)
    raise _Uncommon


def _canonical_by_reference(value: Json) -> bytes:
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise ValueError(f"not canonical JSON: {error}") from error


def digest(value: Json) -> str:
    """`sha256:<hex>` over the canonical bytes (or over the bytes themselves)."""
    data = value if isinstance(value, bytes) else canonical(value)
    return "sha256:" + hashlib.sha256(data).hexdigest()


def effect_key(
    *, region: str, incident: str, plan: str, path: str, item: Json, inputs: Mapping[str, Json], action: str
) -> str:
    """The idempotency key of one effect: 64 hex characters.

    Made only of what the plan fixes and the run recorded, never of a Temporal run id or an attempt number: the same
    on every retry, replay, reset and continue-as-new (security.md, "Effects").
    """
    body = {
        "region": region,
        "incident": incident,
        "plan": plan,
        "path": path,
        "item": item,
        "inputs": dict(inputs),
        "action": action,
    }
    return hashlib.sha256(b"watchfloor.effect.v1\n" + canonical(body)).hexdigest()


def opaque_id(prefix: str, secret: bytes, *parts: str) -> str:
    """A keyed hash as an id: `inc-` and 20 base32 characters (100 bits). Reveals nothing of its parts."""
    mac = hmac.new(secret, "\x1f".join(parts).encode(), hashlib.sha256).digest()
    return f"{prefix}-{base64.b32encode(mac).decode().lower()[:20]}"


def render_instant(at: datetime) -> str:
    """An aware instant as RFC 3339 UTC with microseconds only when there are any: `2026-11-22T03:10:00Z`.

    Raises:
        ValueError: the instant is naive.
    """
    if at.tzinfo is None:
        raise ValueError("a naive instant has no place here")
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_instant(text: str) -> datetime:
    """The inverse of `render_instant`; accepts any RFC 3339 offset.

    Raises:
        ValueError: not an instant, or without an offset.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"`{text}` has no offset from UTC")
    return at.astimezone(UTC)
