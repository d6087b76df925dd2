"""Typed validation of a trigger's inputs against what the plan declares.

Every bad field is named with its place (`inputs.urls[3]`); nothing is coerced that a sender could have meant
otherwise (`"5"` is no int, `true` is no number). Caps hold before anything reaches the engine: a payload of two
megabytes would leave the run hanging (Temporal refuses it again and again).
"""

import difflib
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from urllib.parse import urlsplit

from schemas.json_value import Json
from schemas.plan import TypeSpec
from watchfloor.client.errors import InputProblem, InputsRefused
from watchfloor.signing import canonical, parse_instant, render_instant

MAX_INPUTS = 512 * 1024
"""Bytes of all inputs as canonical JSON: a quarter of what Temporal takes in one payload; the plan rides along."""
MAX_STRING = 4096
MAX_TEXT = 64 * 1024
MAX_ITEMS = 10_000
MAX_MAP_DEPTH = 8
MAX_URL = 2048
MAX_INT = 2**53 - 1
"""The largest whole number that RFC 8785 carries exactly."""

_RELATIVE = re.compile(r"([+-])(\d{1,6})(s|m|h|d)")
_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)(s|m|h|d)")
_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+=-]{0,511}")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_STRING: TypeSpec = {"type": "string"}
_EPOCH = datetime.fromtimestamp(0, UTC)
_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")


class _Bad(Exception):
    """One value does not fit; `at` is the place below the field."""

    def __init__(self, found: str, expected: str, fix: str, at: str = "") -> None:
        self.found, self.expected, self.fix, self.at = found, expected, fix, at


def validate_inputs(
    declared: Mapping[str, TypeSpec], given: Mapping[str, Json], *, now: datetime, relative: bool = False
) -> dict[str, Json]:
    """Check inputs against their declaration and give them in their canonical form.

    Args:
        declared: `plan["inputs"]`.
        given: as received; hostile until this returns.
        now: what relative timestamps count from.
        relative: take `now`, `-40m` and `+2h` as timestamps. Order files may; an HTTP sender may not.

    Returns:
        Defaults filled in, timestamps as RFC 3339 UTC, durations in seconds; optional fields that were not given are
        left out.

    Raises:
        InputsRefused: naming every field that does not fit.
    """
    problems: list[InputProblem] = []
    values: dict[str, Json] = {}
    for name in sorted(set(given) - set(declared)):
        near = difflib.get_close_matches(name, declared, n=1)
        fix = f"did you mean `{near[0]}`?" if near else "leave it out, or declare it in the runbook"
        problems.append(InputProblem(f"inputs.{name}", "a field the runbook does not declare", _listed(declared), fix))
    for name, spec in declared.items():
        if name not in given or given[name] is None:
            if "default" in spec:
                value = spec["default"]
            elif spec.get("optional"):
                continue
            else:
                problems.append(InputProblem(f"inputs.{name}", "nothing", _described(spec), "give a value"))
                continue
        else:
            value = given[name]
        _check_field(f"inputs.{name}", value, spec, now, relative, values, name, problems)
    if not problems:
        size = len(canonical(values))
        if size > MAX_INPUTS:
            fix = "send references to an evidence store, or split the order"
            problems.append(InputProblem("inputs", f"{size} bytes", f"at most {MAX_INPUTS} bytes of JSON", fix))
    if problems:
        raise InputsRefused(problems)
    return values


def validate_value(spec: TypeSpec, value: Json, *, field: str, now: datetime, relative: bool = False) -> Json:
    """One value against one declaration: a fact, a form field.

    Raises:
        InputsRefused: naming the place.
    """
    problems: list[InputProblem] = []
    values: dict[str, Json] = {}
    _check_field(field, value, spec, now, relative, values, field, problems)
    if problems:
        raise InputsRefused(problems)
    return values[field]


def read_instant(text: str, now: datetime) -> datetime:
    """`now`, `-40m`, `+2h`, or RFC 3339 with an offset.

    Raises:
        ValueError: none of these.
    """
    if text == "now":
        return now
    match = _RELATIVE.fullmatch(text)
    if match:
        seconds = int(match[2]) * _UNITS[match[3]]
        return now + timedelta(seconds=seconds if match[1] == "+" else -seconds)
    return parse_instant(text)


def _check_field(
    field: str,
    value: Json,
    spec: TypeSpec,
    now: datetime,
    relative: bool,
    values: dict[str, Json],
    name: str,
    problems: list[InputProblem],
) -> None:
    if spec["type"] == "list" and isinstance(value, list):
        checked = _check_list(field, value, spec, now, relative, problems)
        if checked is not None:
            values[name] = checked
        return
    try:
        values[name] = _check(value, spec, now, relative)
    except _Bad as bad:
        problems.append(InputProblem(field + bad.at, bad.found, bad.expected, bad.fix))


def _check_list(
    field: str, value: list[Json], spec: TypeSpec, now: datetime, relative: bool, problems: list[InputProblem]
) -> list[Json] | None:
    low, high = int(spec.get("min_items", 0)), min(int(spec.get("max_items", MAX_ITEMS)), MAX_ITEMS)
    if not low <= len(value) <= high:
        expected = f"at most {high} items" if not low else f"{low} to {high} items"
        problems.append(InputProblem(field, f"{len(value)} items", expected, "split the order or complete it"))
        return None
    before, items = len(problems), list[Json]()
    of = spec.get("of", _STRING)
    for index, item in enumerate(value):
        slot: dict[str, Json] = {}
        _check_field(f"{field}[{index}]", item, of, now, relative, slot, "item", problems)
        items.append(slot.get("item"))
    return items if len(problems) == before else None


def _check(value: Json, spec: TypeSpec, now: datetime, relative: bool) -> Json:
    check = _CHECKS.get(spec["type"])
    if check is None:
        raise _Bad(f"a declaration of type `{spec['type']}`", f"one of {', '.join(_CHECKS)}", "correct the runbook")
    checked = check(value, spec, now, relative)
    if "enum" in spec and checked not in spec["enum"]:
        near = difflib.get_close_matches(str(value), [str(known) for known in spec["enum"]], n=1, cutoff=0.5)
        fix = f"did you mean `{near[0]}`?" if near else "use one of these"
        raise _Bad(_seen(value), "one of " + ", ".join(f"`{known}`" for known in spec["enum"]), fix)
    return checked


def _check_string(value: Json, spec: TypeSpec, now: datetime, relative: bool) -> Json:
    if not isinstance(value, str):
        raise _Bad(_seen(value), "text", "put it in quotes")
    cap = int(spec.get("max_length", MAX_TEXT if spec["type"] == "text" else MAX_STRING))
    if len(value) > cap:
        raise _Bad(f"{len(value)} characters", f"at most {cap}", "shorten it, or send a reference")
    if _UNSAFE.search(value) or (not value.isprintable() and spec["type"] != "text"):
        raise _Bad("control or direction characters", "printable text", "remove them")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _Bad("half of a surrogate pair", "well-formed Unicode", "encode it as UTF-8") from None
    if "pattern" in spec and not _matches(spec["pattern"], value):
        raise _Bad(_seen(value), f"text that matches {spec['pattern']}", "correct it")
    return value


def _check_int(value: Json, spec: TypeSpec, now: datetime, relative: bool) -> Json:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Bad(_seen(value), "a whole number", "write it without quotes, fraction or exponent")
    if abs(value) > MAX_INT:
        raise _Bad("a number beyond 2**53", f"at most {MAX_INT}", "send it as text")
    return _within(value, spec)


def _check_number(value: Json, spec: TypeSpec, now: datetime, relative: bool) -> Json:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _Bad(_seen(value), "a number", "write it without quotes")
    if isinstance(value, int) and abs(value) > MAX_INT:
        raise _Bad("a number beyond 2**53", f"at most {MAX_INT}", "send it as text")
    return _within(value, spec)


def _within(value: float, spec: TypeSpec) -> float:
    low, high = spec.get("min"), spec.get("max")
    if (low is not None and value < low) or (high is not None and value > high):
        bounds = f"{'' if low is None else f'at least {low:g} '}{'' if high is None else f'at most {high:g}'}".strip()
        raise _Bad(str(value), bounds, "correct it")
    return value


def _check_bool(value: Json, spec: TypeSpec, now: datetime, relative: bool) -> Json:
    if not isinstance(value, bool):
        raise _Bad(_seen(value), "true or false", "write it without quotes")
    return value


def _check_timestamp(value: Json, spec: TypeSpec, now: datetime, relative: bool) -> Json:
    expected = "an instant such as 2026-11-22T03:10:00Z" + (", `now`, `-40m`" if relative else "")
    if not isinstance(value, str) or len(value) > 64:
        raise _Bad(_seen(value), expected, "write date, time and offset, in quotes")
    try:
        at = read_instant(value, now) if relative else parse_instant(value)
        return render_instant(at.astimezone(UTC))
    except (ValueError, OverflowError):
        raise _Bad(_seen(value), expected, "write date, time and offset from UTC") from None


def _check_duration(value: Json, spec: TypeSpec, now: datetime, relative: bool) -> Json:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _Bad(_seen(value), "a duration such as 30s, 15m, 4h, 7d", "number and unit, in quotes")
    seconds = float(match[1]) * _UNITS[match[2]]
    return int(seconds) if seconds.is_integer() else seconds


def _check_url(value: Json, spec: TypeSpec, now: datetime, relative: bool) -> Json:
    expected = "an http or https address with a host, without user or password"
    if not isinstance(value, str):
        raise _Bad(_seen(value), expected, "put it in quotes")
    if len(value) > MAX_URL:
        raise _Bad(f"{len(value)} characters", f"at most {MAX_URL}", "shorten it")
    if not value.isascii() or any(
        character <= " " or character == "\x7f" or character in '<>"\\^`{|}' for character in value
    ):
        raise _Bad(
            _seen(value), "printable ASCII without spaces", "percent-encode path and query, use punycode for the host"
        )
    try:
        parts = urlsplit(value)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
        _ = parts.port
    except ValueError:
        fits = False
    if not fits:
        raise _Bad(_seen(value), expected, "write it as https://host/path")
    if "pattern" in spec and not _matches(spec["pattern"], value):
        raise _Bad(_seen(value), f"an address that matches {spec['pattern']}", "correct it")
    return value


def _check_ref(value: Json, spec: TypeSpec, now: datetime, relative: bool) -> Json:
    if not isinstance(value, str) or not _REF.fullmatch(value):
        raise _Bad(
            _seen(value), "an id or reference: letters, digits and ._:/@+=-, up to 512", "send the id, not the thing"
        )
    if "pattern" in spec and not _matches(spec["pattern"], value):
        raise _Bad(_seen(value), f"a reference that matches {spec['pattern']}", "correct it")
    return value


def _check_not_list(value: Json, spec: TypeSpec, now: datetime, relative: bool) -> Json:
    raise _Bad(_seen(value), f"a list of {spec.get('of', {'type': 'string'})['type']}", "write it in [ ]")


def _check_map(value: Json, spec: TypeSpec, now: datetime, relative: bool) -> Json:
    if not isinstance(value, dict):
        raise _Bad(_seen(value), "a map", "write it in { }")
    _sound(value, "", 1)
    low, high = int(spec.get("min_items", 0)), min(int(spec.get("max_items", MAX_ITEMS)), MAX_ITEMS)
    if not low <= len(value) <= high:
        raise _Bad(f"{len(value)} entries", f"{low} to {high} entries", "split the order or complete it")
    of = spec.get("of")
    if of is None:
        return value
    checked: dict[str, Json] = {}
    problems: list[InputProblem] = []
    for key, inner in value.items():
        _check_field(f".{key}", inner, of, now, relative, checked, key, problems)
    if problems:
        first = problems[0]
        raise _Bad(first.found, first.expected, first.fix, first.field)
    return checked


def _sound(value: Json, at: str, depth: int) -> None:
    """Refuse, inside a free-form map, what JSON or the engine cannot carry."""
    if depth > MAX_MAP_DEPTH:
        raise _Bad(f"more than {MAX_MAP_DEPTH} levels", "a flatter map", "flatten it", at)
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str) or not key or len(key) > 128 or not key.isprintable():
                raise _Bad(_seen(key), "a printable key of at most 128 characters", "rename it", at)
            _sound(inner, f"{at}.{key}", depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _sound(inner, f"{at}[{index}]", depth + 1)
    elif value is not None:
        kind = {bool: "bool", int: "int", float: "number"}.get(type(value), "string")
        try:
            _CHECKS[kind](value, {"type": "text" if kind == "string" else kind}, _EPOCH, False)
        except _Bad as bad:
            raise _Bad(bad.found, bad.expected, bad.fix, at) from None


def _matches(pattern: str, value: str) -> bool:
    """RE2 by way of the expression engine: linear time, and `$` does not forgive a trailing newline."""
    return _pattern_engine()(pattern, value)


@cache
def _pattern_engine() -> Callable[[str, str], bool]:
    from cel_expr_python import cel

    env = cel.NewEnv(variables={"value": cel.Type.STRING, "pattern": cel.Type.STRING})
    program = env.compile("value.matches(pattern)")

    def matches(pattern: str, value: str) -> bool:
        return program.eval(data={"value": value, "pattern": pattern}).plain_value() is True

    return matches


def _seen(value: Json) -> str:
    """What was found, short and harmless on a terminal."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        shown = value if len(value) <= 60 else value[:57] + "…"
        return f"`{shown}`" if shown.isprintable() else f"`{shown.encode('unicode_escape').decode()}`"
    if isinstance(value, (bool, int, float)):
        return f"{str(value).lower()[:40]} ({'bool' if isinstance(value, bool) else type(value).__name__})"
    return {"list": "a list", "dict": "a map"}.get(type(value).__name__, f"a {type(value).__name__}")


def _described(spec: TypeSpec) -> str:
    if spec["type"] == "list" and "of" in spec:
        return f"a list of {spec['of']['type']}"
    return f"{'an' if spec['type'] == 'int' else 'a'} {spec['type']}"


def _listed(declared: Mapping[str, TypeSpec]) -> str:
    return "one of " + ", ".join(f"`{name}`" for name in declared) if declared else "no inputs"


_Check = Callable[[Json, TypeSpec, datetime, bool], Json]
_CHECKS: dict[str, _Check] = {
    "string": _check_string,
    "text": _check_string,
    "int": _check_int,
    "number": _check_number,
    "bool": _check_bool,
    "timestamp": _check_timestamp,
    "duration": _check_duration,
    "url": _check_url,
    "ref": _check_ref,
    "list": _check_not_list,
    "map": _check_map,
}
