"""What changed in the runbooks that a runbook starts: their plans ride in the parent's, so they are compared too."""

import base64
import json
import zlib
from collections.abc import Iterator
from typing import Any

from schemas.plan import Plan
from watchfloor.language.diff_blocks import Located, locate

DEEPEST = 6
"""Runs within one another; the compiler refuses more."""


def child_of(plan: Plan, step: dict[str, Any]) -> Plan | None:
    """The plan that a `run` step starts; None for other steps."""
    packed = plan.get("library", {}).get(step.get("plan", "")) if step["kind"] == "run" else None
    if packed is None:
        return None
    made: Plan = json.loads(zlib.decompress(base64.b64decode(packed)))
    return made


def acting(plan: Plan, depth: int = 0) -> Iterator[Located]:
    """Every action that a run of this plan may carry out, those of the runs it starts among them."""
    for each in locate(plan):
        if each.kind == "action":
            yield each
        child = child_of(plan, each.step) if depth < DEEPEST else None
        if child is not None:
            yield from acting(child, depth + 1)
