"""Holding the values of a call and of an answer against the action's contract."""

import json
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from schemas.actions import FieldSpec
from schemas.json_value import Json
from watchfloor.signing import parse_instant

MAX_TEXT = 8 * 1024
MAX_ITEMS = 10_000
_REF = re.compile(r"[^\s\x00-\x1f\x7f]{1,512}")


class Mismatch(ValueError):
    """A value is not what the contract says; names the field, never the value."""


def check_values(values: Mapping[str, Json], contract: Mapping[str, FieldSpec], *, what: str) -> None:
    """Check all values of one side of a contract.

    Args:
        values: by name.
        contract: the `inputs` or `outputs` of the action.
        what: `input` or `output`, for the message.

    Raises:
        Mismatch: one is missing, not known, or of another type.
    """
    for name in values:
        if name not in contract:
            raise Mismatch(f"{what} `{name}` is not in the contract; it has {', '.join(sorted(contract)) or 'none'}")
    for name, spec in contract.items():
        if name not in values or values[name] is None:
            if spec.get("optional"):
                continue
            raise Mismatch(f"{what} `{name}` is missing; {spec['type']} expected")
        _check(values[name], spec["type"], spec.get("of", "string"), f"{what} `{name}`")
        allowed = spec.get("enum")
        if allowed is not None and values[name] not in allowed:
            raise Mismatch(f"{what} `{name}` is none of {', '.join(allowed)}")


def size_of(values: Json) -> int:
    """Bytes of the values as JSON."""
    return len(json.dumps(values, ensure_ascii=False).encode())


def _check(value: Json, kind: str, of: str, where: str) -> None:
    if kind == "list":
        if not isinstance(value, list) or len(value) > MAX_ITEMS:
            raise Mismatch(f"{where} is no list of at most {MAX_ITEMS}")
        for index, item in enumerate(value):
            _check(item, of, "string", f"{where}[{index}]")
    elif kind == "map":
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
            raise Mismatch(f"{where} is {type(value).__name__}, a map expected")
    elif not _fits(value, kind):
        raise Mismatch(f"{where} is no {kind} ({type(value).__name__} found)")


def _fits(value: Json, kind: str) -> bool:
    match kind:
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number" | "duration":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "timestamp":
            return isinstance(value, str) and _is_instant(value)
        case "url":
            return isinstance(value, str) and _is_url(value)
        case "ref":
            return isinstance(value, str) and _REF.fullmatch(value) is not None
        case "string" | "text":
            return isinstance(value, str) and len(value) <= MAX_TEXT
    return False


def _is_instant(text: str) -> bool:
    try:
        parse_instant(text)
    except ValueError:
        return False
    return True


def _is_url(text: str) -> bool:
    if len(text) > MAX_TEXT or not text.isprintable() or " " in text:
        return False
    try:
        split = urlsplit(text)
    except ValueError:
        return False
    return split.scheme in {"http", "https"} and bool(split.hostname)
