"""The port the interpreter uses: evaluate an expression, render a value. No I/O, no clock, no randomness.

Safe in the workflow sandbox when `watchfloor.expressions` and `cel_expr_python` are passed through. What an expression
reads comes from `lookup` alone; `now` is a variable like any other and the caller gives it workflow time.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from schemas.json_value import Json
from schemas.plan import Expr, Value
from watchfloor.expressions.engine import MAX_LIST, program
from watchfloor.expressions.errors import EvaluationFailed, ExpressionRefused

MAX_TEXT = 64 * 1024
"""Characters of a rendered text."""


class Missing:
    """What `lookup` gives for a variable that has no value: a fact not recorded, a step that did not run."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()

Lookup: TypeAlias = Callable[[str], Json | Missing]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d)\Z")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def evaluate(expr: Expr, lookup: Lookup) -> Json:
    """The value of an expression as JSON.

    `lookup` is asked for each name in `expr["vars"]` but those beginning with `has.`, which are answered from it too:
    present means neither `MISSING` nor null. Variables of type timestamp are RFC 3339 strings in the run's state and
    come back as such (`2026-11-22T03:10:00Z`); durations are seconds. `&&`, `||` and `?:` do not need the value of a
    side that does not matter, so `has(facts.x) && facts.x > …` is false while `facts.x` is absent.

    Raises:
        EvaluationFailed: it has no value; `absent` names the variables that would have to be there.
    """
    data: dict[str, Any] = {}
    absent: list[str] = []
    for name, kind in expr["vars"].items():
        if name.startswith("has."):
            found = lookup(name.removeprefix("has."))
            data[name] = not (found is MISSING or found is None)
            continue
        found = lookup(name)
        if found is MISSING or (found is None and kind not in {"dyn", "null"}):
            absent.append(name)
            continue
        try:
            data[name] = _admit(found, kind)
        except (ValueError, TypeError) as error:
            raise EvaluationFailed(expr["src"], f"needs `{name}` as {kind}: {error}") from None
    try:
        compiled = program(expr["cel"], tuple(sorted(expr["vars"].items())))
        result = compiled.eval(data=data)
    except (RuntimeError, ExpressionRefused) as error:
        raise EvaluationFailed(expr["src"], f"cannot be evaluated: {_tidy(str(error))}") from None
    if result.type().name() in {"ERROR", "UNKNOWN"}:
        if absent:
            names = ", ".join(f"`{name}`" for name in absent)
            raise EvaluationFailed(expr["src"], f"needs {names}, which has no value yet", tuple(absent))
        raise EvaluationFailed(expr["src"], f"has no value: {_tidy(str(result.plain_value()))}")
    return _release(result.plain_value(), expr["src"])


def render(value: Value, lookup: Lookup) -> Json:
    """The JSON that a value of the plan stands for: a literal, an expression, text with expressions, a list, a map.

    Raises:
        EvaluationFailed: an expression in it has no value, or the text grows over `MAX_TEXT`.
    """
    shape: Mapping[str, Any] = value
    if "lit" in shape:
        return shape["lit"]
    if "expr" in shape:
        return evaluate(shape["expr"], lookup)
    if "text" in shape:
        return _join(shape["text"], lookup)
    if "list" in shape:
        return [render(item, lookup) for item in shape["list"]]
    if "map" in shape:
        return {key: render(entry, lookup) for key, entry in shape["map"].items()}
    raise TypeError(f"not a value of a plan: {sorted(shape)}")


def _join(parts: Sequence[str | Expr], lookup: Lookup) -> str:
    text = ""
    for part in parts:
        text += part if isinstance(part, str) else as_text(evaluate(part, lookup))
        if len(text) > MAX_TEXT:
            src = part if isinstance(part, str) else part["src"]
            raise EvaluationFailed(src, f"makes a text of over {MAX_TEXT} characters")
    return text


def as_text(value: Json) -> str:
    """A JSON value as a person reads it inside a sentence: lists joined by commas, no quotes around text."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case list():
            return ", ".join(as_text(item) for item in value)
        case dict():
            return ", ".join(f"{key}: {as_text(value[key])}" for key in sorted(value))
    return str(value)


def _admit(value: Json, kind: str) -> Any:
    """State (JSON) to what the engine takes. Instants inside maps stay text: the engine refuses them there."""
    if kind == "timestamp":
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError("an instant without an offset from UTC")
        return at.astimezone(UTC)
    if kind == "duration":
        return _span(value)
    if isinstance(value, list):
        if len(value) > MAX_LIST:
            raise ValueError(f"a list of {len(value)} items; expressions take {MAX_LIST}")
        if kind in {"list<timestamp>", "list<duration>"}:
            return [_admit(item, kind[5:-1]) for item in value]
    if kind == "double" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _span(value: Json) -> timedelta:
    if isinstance(value, str):
        match = _DURATION.match(value)
        if match is None:
            raise ValueError("expected a duration such as 90m")
        return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])
    return timedelta(seconds=value)


def _release(value: Any, src: str) -> Json:
    """What the engine gives to JSON."""
    if isinstance(value, datetime):
        at = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        return int(seconds) if seconds.is_integer() else seconds
    if isinstance(value, list):
        return [_release(item, src) for item in value]
    if isinstance(value, dict):
        # the engine's maps have no order; sorted, so that every replay gives the same bytes
        return {str(key): _release(value[key], src) for key in sorted(value, key=str)}
    if isinstance(value, float) and not math.isfinite(value):
        raise EvaluationFailed(src, "is not a finite number")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise EvaluationFailed(src, "gives something that is neither text, number, bool, list nor map")


def _tidy(message: str) -> str:
    """The engine's words without its status codes."""
    for status in ("INVALID_ARGUMENT", "NOT_FOUND", "OUT_OF_RANGE", "INTERNAL", "UNKNOWN", "CANCELLED"):
        message = message.removeprefix(f"{status}: ").removesuffix(f" [{status}]")
    return message.split("\n", 1)[0][:300].strip()
