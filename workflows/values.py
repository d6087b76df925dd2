"""Do values from outside (facts, forms, inputs) have the types that the plan declares? Pure."""

import math
import re
from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

from schemas.json_value import Json
from schemas.plan import TypeSpec
from watchfloor.signing import parse_instant

TEXT_LIMIT = 4096
"""Characters of one text unless its type says otherwise."""
ITEMS_LIMIT = 2000


def find_fault(spec: TypeSpec, value: Json) -> str:
    """Say what is wrong with a value, as `found ..., expected ...`; empty when it fits its type."""
    fault = _find_shape_fault(spec, value)
    if fault:
        return fault
    allowed = spec.get("enum")
    if allowed and value not in allowed:
        return f"found a value outside the list, expected one of: {', '.join(str(one) for one in allowed)}"
    return ""


def find_form_fault(form: Mapping[str, TypeSpec], values: Mapping[str, Json]) -> str:
    """Say what is wrong with a filled form, naming the field; empty when it fits."""
    for name in values:
        if name not in form:
            return f"the form has no field `{name}`; it has: {', '.join(form) or 'none'}"
    for name, spec in form.items():
        if values.get(name) is None:
            if spec.get("optional") or "default" in spec:
                continue
            return f"the form's field `{name}` ({spec['type']}) is missing"
        fault = find_fault(spec, values[name])
        if fault:
            return f"the form's field `{name}`: {fault}"
    return ""


def _find_shape_fault(spec: TypeSpec, value: Json) -> str:
    kind = spec["type"]
    if kind in {"string", "text", "url", "ref"}:
        return _find_text_fault(spec, value)
    if kind == "bool":
        return "" if isinstance(value, bool) else _unlike(value, "true or false")
    if kind in {"int", "number", "duration"}:
        return _find_number_fault(spec, value)
    if kind == "timestamp":
        try:
            parse_instant(value)
        except (TypeError, ValueError):
            return _unlike(value, "an instant such as 2026-11-22T03:10:00Z")
        return ""
    if kind == "list":
        return _find_list_fault(spec, value)
    return _find_map_fault(spec, value)


def _find_map_fault(spec: TypeSpec, value: Json) -> str:
    if not isinstance(value, dict):
        return _unlike(value, "a mapping")
    low, high = spec.get("min_items", 0), spec.get("max_items", ITEMS_LIMIT)
    if not low <= len(value) <= high:
        return f"found {len(value)} entries, expected {low} to {high}"
    of = spec.get("of")
    for key, one in value.items():
        fault = find_fault(of, one) if of is not None else ""
        if fault:
            return f"entry `{key}`: {fault}"
    return ""


def _find_text_fault(spec: TypeSpec, value: Json) -> str:
    if not isinstance(value, str):
        return _unlike(value, spec["type"])
    if len(value) > spec.get("max_length", TEXT_LIMIT):
        return f"found {len(value)} characters, expected at most {spec.get('max_length', TEXT_LIMIT)}"
    pattern = spec.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        return f"found text that does not match, expected the pattern `{pattern}`"
    if spec["type"] == "url":
        try:
            parts = urlsplit(value)
        except ValueError:
            return "found no URL, expected one such as https://example.test/v/1"
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            return "found no URL, expected one such as https://example.test/v/1"
    return ""


def _find_number_fault(spec: TypeSpec, value: Json) -> str:
    whole = spec["type"] == "int"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not math.isfinite(value):
        return _unlike(value, "a whole number" if whole else "a number")
    low, high = spec.get("min", -math.inf), spec.get("max", math.inf)
    return "" if low <= value <= high else f"found {value}, expected {low} to {high}"


def _find_list_fault(spec: TypeSpec, value: Json) -> str:
    if not isinstance(value, list):
        return _unlike(value, "a list")
    low, high = spec.get("min_items", 0), spec.get("max_items", ITEMS_LIMIT)
    if not low <= len(value) <= high:
        return f"found {len(value)} items, expected {low} to {high}"
    of = spec.get("of")
    if of is None:
        return ""
    of_spec = cast(TypeSpec, {"type": of}) if isinstance(of, str) else of
    for index, one in enumerate(value):
        fault = find_fault(of_spec, one)
        if fault:
            return f"item {index}: {fault}"
    return ""


def _unlike(value: Json, expected: str) -> str:
    return f"found {type(value).__name__}, expected {expected}"
