"""Order files: a trigger as a gateway would deliver it, or just its inputs.

    {"source": "perci", "key": "DE-2026-17", "received_at": "2026-11-22T03:10:00Z", "requester": "", "inputs": {...}}

Beside them it may say what it is about and since when that is known: `content` (a hash or a list of them), `account`
(an opaque id or a list of them), `known_at` (may lie in the past).

Without `inputs` the whole document is the inputs. Then the key is the digest of the file's content: the same file
starts one run, however often it is sent.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from schemas.json_value import Json
from schemas.plan import TypeSpec
from watchfloor.client.errors import InputProblem, InputsRefused
from watchfloor.client.inputs import read_instant, validate_value
from watchfloor.signing import digest, render_instant

MAX_ORDER = 1024 * 1024
"""Bytes of an order file."""

CLOCK_SKEW = timedelta(minutes=1)
"""How far ahead a sender's clock may be."""
_FIELDS = ("source", "key", "received_at", "requester", "inputs", "content", "account", "known_at")
MAX_MARKS = 100
"""Content hashes of one order, and accounts."""
_MARK: TypeSpec = {"type": "string", "max_length": 256}


@dataclass(frozen=True, slots=True)
class Order:
    """A trigger, checked in form. `inputs` are checked against the plan when the run is started."""

    source: str
    key: str
    received_at: str
    requester: str
    inputs: Mapping[str, Json]
    content: tuple[str, ...] = ()
    """Hashes of what it is about: an open incident of the same runbook over one of them takes it in."""
    account: tuple[str, ...] = ()
    """Opaque ids of accounts: incidents that share one are linked."""
    known_at: str = ""
    """When it was first known, where the sender says so."""

    def rekeyed(self, key: str) -> "Order":
        """The same order under another sender's key, so that it starts a run of its own."""
        return replace(self, key=key)


def read_order_file(path: Path, *, now: datetime) -> Order:
    """Read an order file.

    Raises:
        InputsRefused: it cannot be read, is too large, not JSON, or its envelope does not fit.
    """
    return read_order(read_small_file(path), name=path.name, now=now)


def read_small_file(path: Path) -> bytes:
    """The bytes of a regular file, at most one more than `MAX_ORDER`.

    Raises:
        InputsRefused: it cannot be read, or is a pipe or a device, which might never end.
    """
    try:
        if not path.is_file():
            found = "something that is no regular file" if path.exists() else "no file"
            raise _refused(path.name, found, "a readable JSON file", "check the path")
        with path.open("rb") as file:
            return file.read(MAX_ORDER + 1)
    except OSError as error:
        raise _refused(path.name, error.strerror or "no file", "a readable JSON file", "check the path") from error


def read_order(content: bytes, *, name: str, now: datetime) -> Order:
    """Parse the bytes of an order; `name` is what messages call it.

    Raises:
        InputsRefused: with every fault of the envelope named.
    """
    document = read_object(content, name=name)
    if "inputs" not in document:
        return Order("file", digest(content).removeprefix("sha256:"), render_instant(now), "", document)
    return _unwrap(document, now)


def read_object(content: bytes, *, name: str) -> dict[str, Json]:
    """Parse one JSON object strictly: UTF-8, unique keys, finite numbers, at most `MAX_ORDER` bytes.

    Raises:
        InputsRefused: it is none; `name` is what the message calls it.
    """
    if len(content) > MAX_ORDER:
        raise _refused(name, f"more than {MAX_ORDER} bytes", "a smaller order", "split it")
    try:
        document = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except _DuplicateKey as error:
        raise _refused(name, f"the key `{error}` twice", "each key once", "remove one") from error
    except RecursionError as error:
        raise _refused(name, "brackets nested too deeply", "a flat document", "flatten it") from error
    except UnicodeDecodeError as error:
        raise _refused(name, "text that is not UTF-8", "one JSON object in UTF-8", "save it as UTF-8") from error
    except json.JSONDecodeError as error:
        found = (
            f"no JSON at line {error.lineno}, column {error.colno} ({error.msg[:80]})" if content else "an empty file"
        )
        raise _refused(name, found, "one JSON object", "check it with `python -m json.tool`") from error
    except ValueError as error:
        # NaN and infinities, and numbers of thousands of digits, which Python refuses to read
        fix = "write it as text, or leave it out"
        raise _refused(name, "a number that cannot be carried", "finite numbers up to 2**53", fix) from error
    if not isinstance(document, dict):
        raise _refused(name, f"a {type(document).__name__}", "one JSON object", "write it in { }")
    return document


def _unwrap(document: dict[str, Json], now: datetime) -> Order:
    problems = [
        InputProblem(f"order.{name}", "an unknown field", "one of " + ", ".join(_FIELDS), "leave it out")
        for name in sorted(set(document) - set(_FIELDS))
    ]
    texts: dict[str, str] = {}
    for name, required in (("source", True), ("key", True), ("requester", False)):
        value = document.get(name)
        if value is None and not required:
            texts[name] = ""
            continue
        try:
            checked = validate_value({"type": "string", "max_length": 256}, value, field=f"order.{name}", now=now)
        except InputsRefused as refused:
            problems.extend(refused.problems)
            continue
        texts[name] = str(checked)
        if required and not str(checked).strip():
            problems.append(InputProblem(f"order.{name}", "empty text", "the sender's own name or id", "fill it in"))
    received_at = read_past(document.get("received_at"), "order.received_at", now, problems) or render_instant(now)
    known_at = read_past(document.get("known_at"), "order.known_at", now, problems)
    content = read_marks(document.get("content"), "order.content", now, problems)
    account = read_marks(document.get("account"), "order.account", now, problems)
    if not isinstance(document["inputs"], dict):
        problems.append(InputProblem("order.inputs", "no map", "a map of inputs", "write it in { }"))
    if problems:
        raise InputsRefused(problems)
    inputs = document["inputs"]
    return Order(texts["source"], texts["key"], received_at, texts["requester"], inputs, content, account, known_at)


def read_marks(value: Json, field: str, now: datetime, problems: list[InputProblem]) -> tuple[str, ...]:
    """Hashes or opaque ids: a text or a list of them, each once, in the order given; faults go to `problems`."""
    given = value if isinstance(value, list) else [] if value is None else [value]
    if len(given) > MAX_MARKS:
        problems.append(InputProblem(field, f"{len(given)} of them", f"at most {MAX_MARKS}", "send what matters most"))
        return ()
    found: list[str] = []
    for nth, one in enumerate(given):
        at = f"{field}[{nth}]" if isinstance(value, list) else field
        try:
            text = str(validate_value(_MARK, one, field=at, now=now)).strip()
        except InputsRefused as refused:
            problems.extend(refused.problems)
            continue
        if not text:
            problems.append(InputProblem(at, "empty text", "a hash or an opaque id", "leave it out"))
        found.append(text)
    return tuple(dict.fromkeys(found))


def read_past(value: Json, field: str, now: datetime, problems: list[InputProblem]) -> str:
    """An instant that is not to come, rendered; empty without one. Faults go to `problems`."""
    if value is None:
        return ""
    seen = f"`{str(value)[:60]}`"
    try:
        at = read_instant(value, now) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        at = None
    if at is None:
        expected = "an instant such as 2026-11-22T03:10:00Z, `now` or `-40m`"
        problems.append(InputProblem(field, seen, expected, "write date, time, offset"))
        return ""
    if at > now + CLOCK_SKEW:
        problems.append(InputProblem(field, f"{seen}, which is to come", "the past", "check the sender's clock"))
    return render_instant(at)


class _DuplicateKey(ValueError):
    pass


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    seen: dict[str, Json] = {}
    for key, value in pairs:
        if key in seen:
            raise _DuplicateKey(key[:60])
        seen[key] = value
    return seen


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is no JSON number")


def _refused(name: str, found: str, expected: str, fix: str) -> InputsRefused:
    return InputsRefused([InputProblem(name, found, expected, fix)])
