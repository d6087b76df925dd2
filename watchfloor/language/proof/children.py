"""The runbooks that a plan runs: their plans, entered by the analyses instead of being taken as given."""

from functools import lru_cache
from typing import cast

from schemas.plan import Plan, RunStep
from watchfloor.signing.packing import unpack


def child_of(plan: Plan, step: RunStep) -> Plan | None:
    """The plan that a `run` step starts; None in a plan made by hand that brings no library."""
    packed = plan.get("library", {}).get(step["plan"])
    return None if packed is None else _opened(packed)


@lru_cache(maxsize=64)
def _opened(packed: str) -> Plan:
    return cast(Plan, unpack(packed))
