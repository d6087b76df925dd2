"""The plan as it travels and as the interpreter holds it: packed, checked against its digest, interned.

A worker parses a plan once; every run of it and every continued run share the one object, which nobody may change.
This module must be passed through the sandbox, or each run would keep a copy of its own.
"""

import base64
import binascii
import json
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from schemas.incident import ENGINE
from schemas.plan import PLAN_FORMAT, Plan, Step
from watchfloor.expressions import CEL
from watchfloor.signing import digest

PLAN_LIMIT = 8 * 1024 * 1024
"""Bytes of an unpacked plan; more is refused before it is unpacked."""
_KEPT = 64
_KINDS = frozenset(
    {
        "action",
        "decide",
        "task",
        "wait",
        "parallel",
        "for_each",
        "choose",
        "repeat",
        "hold",
        "handoff",
        "postmortem",
        "run",
        "stop",
        "try",
    }
)


class PlanRefused(ValueError):
    """The plan cannot be run by this engine: damaged, another plan than its digest says, or of another version."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A step and the static paths of the loops around it, outermost first."""

    step: Step
    loops: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A plan ready to be walked. Read-only."""

    plan: Plan
    digest: str
    steps: dict[str, Placed]
    """By step id; ids are unique in a runbook."""


_interned: OrderedDict[str, Loaded] = OrderedDict()


def load(plan_z: str, wanted: str) -> Loaded:
    """Unpack a plan and check it; the same object for the same digest.

    Raises:
        PlanRefused: says what was found and what was expected.
    """
    known = _interned.get(wanted)
    if known is not None:
        _interned.move_to_end(wanted)
        return known
    raw = _unpack(plan_z)
    found = digest(raw)
    if found != wanted:
        raise PlanRefused(f"the plan's digest is {found}, expected {wanted}; start the run from the compiled plan")
    plan = cast(Plan, json.loads(raw))
    _check_versions(plan)
    loaded = Loaded(plan, wanted, dict(_place(plan)))
    _check_constructs(loaded)
    _interned[wanted] = loaded
    while len(_interned) > _KEPT:
        _interned.popitem(last=False)
    return loaded


def inner_blocks(step: Step) -> Iterator[tuple[list[Step], bool]]:
    """The blocks of steps written inside a step; True marks the body of a loop."""
    fields = cast(dict[str, Any], step)
    for catch in (*fields.get("catches", ()), *fields.get("handlers", ())):
        yield catch["steps"], False
    if step["kind"] == "try":
        yield fields["steps"], False
        yield fields["finally_"], False
    for name in ("on_error", "on_timeout", "on_exhausted", "fallback"):
        if isinstance(fields.get(name), list):
            yield fields[name], False
    approval = fields.get("approval")
    glass = approval.get("break_glass") if approval else None
    for review in (fields.get("review"), glass["review"] if glass else None):
        if review and isinstance(review["on_deny"], list):
            yield review["on_deny"], False
    if approval:
        if isinstance(approval["on_deny"], list):
            yield approval["on_deny"], False
        if isinstance(approval["on_silence"]["then"], list):
            yield approval["on_silence"]["then"], False
    silence = fields.get("on_silence")
    if silence and isinstance(silence["then"], list):
        yield silence["then"], False
    if step["kind"] in {"for_each", "repeat"}:
        yield fields["steps"], True
    for option in fields.get("options", {}).values():
        yield option["steps"], False
    for branch in fields.get("branches", {}).values():
        yield branch, False
    for case in fields.get("cases", ()):
        yield case["steps"], False
    if fields.get("otherwise"):
        yield fields["otherwise"], False


def _unpack(plan_z: str) -> bytes:
    try:
        packed = base64.b64decode(plan_z, validate=True)
        reader = zlib.decompressobj()
        raw = reader.decompress(packed, PLAN_LIMIT)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise PlanRefused(f"the plan cannot be unpacked ({error}); expected base64 of zlib") from error
    if not reader.eof or reader.unused_data:
        raise PlanRefused(f"the plan is cut off or larger than {PLAN_LIMIT} bytes")
    return raw


def _check_versions(plan: Plan) -> None:
    if plan["format"] != PLAN_FORMAT:
        raise PlanRefused(f"the plan has format {plan['format']}, this engine runs {PLAN_FORMAT}; compile it again")
    if plan["engine"] > ENGINE:
        raise PlanRefused(f"the plan needs engine {plan['engine']}, this is {ENGINE}; upgrade the worker")
    if plan["cel"] != CEL:
        raise PlanRefused(f"the plan's expressions are version {plan['cel']}, this engine evaluates {CEL}")


def _check_constructs(loaded: Loaded) -> None:
    """Refuse a plan with a construct that this engine would pass over in silence."""
    found: set[str] = set()
    for placed in loaded.steps.values():
        step = cast(dict[str, Any], placed.step)
        if step["kind"] not in _KINDS:
            found.add(str(step["kind"]))
    if found:
        raise PlanRefused(f"this engine does not carry out: {', '.join(sorted(found))}; upgrade the worker")


def _place(plan: Plan) -> Iterator[tuple[str, Placed]]:
    for phase in plan["phases"]:
        yield from _place_block(phase["steps"], ())
    for track in plan["tracks"]:
        repeats = bool(track.get("each") or track.get("watch"))
        yield from _place_block(track["steps"], (f"alongside/{track['id']}",) if repeats else ())


def _place_block(steps: list[Step], loops: tuple[str, ...]) -> Iterator[tuple[str, Placed]]:
    for step in steps:
        yield step["id"], Placed(step, loops)
        for block, is_loop in inner_blocks(step):
            yield from _place_block(block, (*loops, step["path"]) if is_loop else loops)
