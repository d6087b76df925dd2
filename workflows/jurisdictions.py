"""Where the people and the data of an incident are: what the runbook declares, as far as inputs and facts say it."""

from collections.abc import Mapping

from schemas.plan import Expr
from watchfloor.expressions import EvaluationFailed, Lookup, evaluate

MOST = 250
"""Places of one role; more than there are countries."""


def find_places(declared: Mapping[str, Expr], find: Lookup) -> dict[str, list[str]]:
    """Role -> its places, each once, in the order given; a role of which nothing is known is left out."""
    found: dict[str, list[str]] = {}
    for role, expr in declared.items():
        try:
            value = evaluate(expr, find)
        except EvaluationFailed:
            continue
        places = value if isinstance(value, list) else [value]
        known = list(dict.fromkeys(place for place in places if isinstance(place, str) and place))[:MOST]
        if known:
            found[role] = known
    return found
