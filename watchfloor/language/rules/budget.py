"""Size: the history that a run makes, what it carries from one history to the next, and how wide it gets."""

from schemas.plan import Plan, Step
from watchfloor.language import codes
from watchfloor.language.proof.budget import MOST_BESIDE, MOST_BYTES, MOST_EVENTS, Cost, cost_of
from watchfloor.language.proof.walk import roots_of
from watchfloor.language.rules.places import Places
from watchfloor.language.surroundings import Surroundings


def check(given: Surroundings, plan: Plan) -> None:
    places = Places(given)
    for _, steps in roots_of(plan):
        cost = cost_of(steps, plan)
        excess = _excess(cost)
        if excess is None:
            continue
        heaviest = max(steps, key=lambda step: _weight(step, plan))
        given.report.add(
            codes.OVER_BUDGET,
            places.step(heaviest),
            f"these steps may make {excess[0]}; `{heaviest['id']}` makes most of it",
            expected=excess[1],
            help="lower `max_items`, `at_once` or `times`, or give the items to runs of their own: `run:` with `each`",
        )


def _weight(step: Step, plan: Plan) -> float:
    """How near one step comes to a limit by itself."""
    cost = cost_of([step], plan)
    return max(cost.events / MOST_EVENTS, cost.carried / MOST_BYTES, cost.beside / MOST_BESIDE)


def _excess(cost: Cost) -> tuple[str, str] | None:
    if cost.beside > MOST_BESIDE:
        return f"{cost.beside} activities side by side", f"at most {MOST_BESIDE}"
    if cost.carried > MOST_BYTES:
        return f"about {cost.carried // 1000} kB to carry into the next history", f"at most {MOST_BYTES // 1000} kB"
    if cost.events > MOST_EVENTS:
        return f"about {cost.events:.0f} events of history", f"at most {MOST_EVENTS:.0f}"
    return None
