"""No result never used: what is looked up is looked at.

An action that only reads is there for its answer. One whose outputs nothing reads, records, shows or gives on costs
time, and mostly is a condition that somebody forgot to write. Telling and preserving are done for their own sake.
"""

from collections.abc import Iterator
from typing import Any

from schemas.plan import Plan
from watchfloor.language import codes
from watchfloor.language.proof.walk import steps_of
from watchfloor.language.rules.places import Places
from watchfloor.language.rules.preservation import PRESERVES
from watchfloor.language.surroundings import Surroundings

TELLS = frozenset({"page", "notify.webhook", "notify.email"})


def check(given: Surroundings, plan: Plan) -> None:
    used = set(_names(plan))
    # a source that records nothing is a finding of its own
    used |= {source.removeprefix("steps.") for fact in plan["facts"].values() for source in fact["sources"]}
    if "last" in used:
        # a round is read as a whole
        used |= {step["id"] for loop in steps_of(plan) if loop["kind"] == "repeat" for step in loop["steps"]}
    places = Places(given)
    for step in steps_of(plan):
        if step["kind"] != "action" or step["effect"] != "reads" or not step["outputs"]:
            continue
        if step["action"] in TELLS | {PRESERVES} or step["records"] or step["id"] in used:
            continue
        given.report.add(
            codes.UNUSED_RESULT,
            places.action(step),
            f"nothing uses what `{step['id']}` finds out",
            expected=f"a condition, fact or input that reads `steps.{step['id']}.{min(step['outputs'])}`",
            help="use it, or leave the step out",
        )


def _names(value: Any) -> Iterator[str]:
    """Ids of the steps that any expression of the plan reads; `last` and the steps named in it."""
    if isinstance(value, dict):
        if "vars" in value and "src" in value:
            for name in value["vars"]:
                parts = name.removeprefix("has.").split(".")
                if parts[0] == "steps" and len(parts) > 1:
                    yield parts[1]
                elif parts[0] == "last":
                    yield parts[1] if len(parts) > 1 else "last"
            return
        for inner in value.values():
            yield from _names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _names(inner)
