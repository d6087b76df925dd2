"""Filling the placeholders of a binding: `{name}` and `{name?}`, nothing else; no code, no attribute, no format."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from schemas.json_value import Json

_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)(\?)?\}", re.ASCII)
CALL_NAMES = frozenset({"key", "incident", "region", "step"})


class _Absent:
    """The value of an optional input that the call does not carry."""


ABSENT = _Absent()


class Unfillable(ValueError):
    """A placeholder cannot take the value that the call carries."""


def names_in(template: Any) -> set[str]:
    """The names that a template mentions."""
    if isinstance(template, str):
        return {match[1] for match in _PLACE.finditer(template)}
    if isinstance(template, Mapping):
        return {name for value in template.values() for name in names_in(value)}
    if isinstance(template, list | tuple):
        return {name for value in template for name in names_in(value)}
    return set()


def fill(template: Any, values: Mapping[str, Json]) -> Json:
    """A body: a text that is one placeholder takes the value with its type; inside other text it becomes text.

    Raises:
        Unfillable: a value is missing, or is no text where text is made.
    """
    filled = _fill(template, values)
    return None if filled is ABSENT else filled


def _fill(template: Any, values: Mapping[str, Json]) -> Any:
    if isinstance(template, str):
        whole = _PLACE.fullmatch(template)
        if whole is None:
            return fill_text(template, values)
        if whole[1] in values:
            return values[whole[1]]
        if whole[2]:
            return ABSENT
        raise Unfillable(f"`{whole[1]}` is not among the call's values")
    if isinstance(template, Mapping):
        filled = {name: _fill(value, values) for name, value in template.items()}
        return {name: value for name, value in filled.items() if value is not ABSENT}
    if isinstance(template, list | tuple):
        return [value for item in template if (value := _fill(item, values)) is not ABSENT]
    return template


def fill_text(template: str, values: Mapping[str, Json]) -> str:
    """Text with placeholders in it; only text, numbers and booleans become part of it."""
    return _PLACE.sub(lambda match: _as_text(match[1], bool(match[2]), values), template)


def fill_path(template: str, values: Mapping[str, Json]) -> str:
    """A URL's path: every value becomes exactly one segment or part of one, whatever characters it has.

    Raises:
        Unfillable: also for a value that would be `.` or `..`.
    """

    def segment(match: re.Match[str]) -> str:
        text = _as_text(match[1], bool(match[2]), values)
        if text in {"", ".", ".."}:
            raise Unfillable(f"`{match[1]}` is {text!r}, which is no segment of a path")
        return quote(text, safe="")

    return _PLACE.sub(segment, template)


def _as_text(name: str, optional: bool, values: Mapping[str, Json]) -> str:
    if name not in values:
        if optional:
            return ""
        raise Unfillable(f"`{name}` is not among the call's values")
    value = values[name]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise Unfillable(f"`{name}` is {type(value).__name__}; only text, numbers and booleans stand inside text")


def pick(body: Any, path: str) -> tuple[bool, Json]:
    """What stands in a body at a dotted path: whether it is there, and the value."""
    for part in path.split("."):
        if isinstance(body, Mapping) and part in body:
            body = body[part]
        elif isinstance(body, list) and part.isascii() and part.isdecimal() and int(part) < len(body):
            body = body[int(part)]
        else:
            return False, None
    return True, body
