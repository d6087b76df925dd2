"""How long a list may be: bounded by an input's `max_items`, or by the loop that made it."""

from collections.abc import Iterator

from schemas.plan import Expr, Plan
from watchfloor.language.proof.walk import steps_of

_OF_A_LOOP = {"results", "succeeded", "failed"}


def bound_of(expr: Expr, plan: Plan, depth: int = 4) -> int | None:
    """The most items that a list expression gives; None when the plan does not say.

    A list built from several others is bounded by their sum, a filtered one by what it was filtered from.
    """
    bounds = [_bound_of_name(name, plan, depth) for name in _lists(expr)]
    known = [bound for bound in bounds if bound is not None]
    if not bounds or len(known) < len(bounds):
        return None
    return sum(known)


def _lists(expr: Expr) -> Iterator[str]:
    for name, kind in expr["vars"].items():
        if kind.startswith("list") or kind == "dyn":
            yield name


def _bound_of_name(name: str, plan: Plan, depth: int) -> int | None:
    root, _, rest = name.partition(".")
    if root == "inputs":
        spec = plan["inputs"].get(rest)
        return spec.get("max_items") if spec is not None else None
    if root == "facts":
        fact = plan["facts"].get(rest)
        return fact["type"].get("max_items") if fact is not None else None
    step_id, _, output = rest.partition(".")
    if root == "steps" and output in _OF_A_LOOP and depth:
        for step in steps_of(plan):
            if step["id"] == step_id and step["kind"] == "for_each":
                return bound_of(step["in_"], plan, depth - 1)
    return None
