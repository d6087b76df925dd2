"""How much history a run makes and how much it carries, estimated from the plan.

Measured on the engine: six events for an action in sequence, about 4.4 for one of many side by side, five for a timer,
five for an accepted answer. An ask is its notice, its timer and its answer; an escalation is a notice and a timer.
Continue-as-new keeps one history short, but carries results, and a run of very many events lives through very many.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from schemas.plan import Plan, Step
from watchfloor.language.proof.durations import rounds_of
from watchfloor.language.proof.lists import bound_of
from watchfloor.language.proof.walk import blocks_of, roots_of

SEQUENTIAL = 6.0
BESIDE = 4.4
TIMER = 5.0
ANSWER = 5.0
NOTICE = 6.0
CHILD = 12.0
STEP_BYTES = 600
"""What one settled step leaves in the state that continue-as-new carries."""
ITEM_BYTES = 400
"""What one settled item of a loop leaves while the loop runs."""

MOST_EVENTS = 400_000.0
"""A hundred histories of 4,096 events: more is a loop that was not meant."""
MOST_BYTES = 1_500_000
"""Carried state must stay well below the 2 MB that one payload may have."""
MOST_BESIDE = 1_000
"""Activities side by side, half of what the server takes: loops inside parallel blocks and loops multiply."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The most that steps make: history events, bytes carried, activities pending at one time."""

    events: float = 0.0
    carried: int = 0
    beside: int = 0

    def then(self, other: "Cost") -> "Cost":
        """One after the other."""
        return Cost(self.events + other.events, self.carried + other.carried, max(self.beside, other.beside))


def estimate(plan: Plan) -> dict[str, Cost]:
    """The most that each root makes (`""` for the phases, `alongside/<id>`); every written way taken once."""
    return {name: cost_of(steps, plan) for name, steps in roots_of(plan)}


def cost_of(steps: Sequence[Step], plan: Plan) -> Cost:
    """The most that a list of steps makes."""
    total = Cost()
    for step in steps:
        total = total.then(_of_step(step, plan))
    return total


def _of_step(step: Step, plan: Plan) -> Cost:
    whole: Any = step
    own = Cost(0.0, STEP_BYTES, 0)
    match whole["kind"]:
        case "action":
            gate = whole["approval"]
            asked = _ask(gate["on_silence"], len(gate["slots"])) if gate is not None else 0.0
            review = whole.get("review")
            asked += _reviewed(review) if review else 0.0
            glass = gate.get("break_glass") if gate is not None else None
            asked += TIMER + _reviewed(glass["review"]) if glass else 0.0
            # what expires is taken back by a timer and an action
            asked += TIMER + SEQUENTIAL if whole.get("expires") is not None else 0.0
            own = Cost(SEQUENTIAL + asked, STEP_BYTES, 1)
        case "decide" | "task":
            own = Cost(_ask(whole["on_silence"], len(whole.get("slots", (1,)))), STEP_BYTES, 1)
        case "wait":
            own = Cost(TIMER, STEP_BYTES, 0)
        case "run":
            own = _runs(whole, plan)
        case "hold" | "handoff" | "postmortem":
            own = Cost(CHILD + TIMER, STEP_BYTES, 1)
    if step["timeout"] is not None and whole["kind"] != "action":
        own = own.then(Cost(TIMER))
    for block in blocks_of(step):
        inner = cost_of(block.steps, plan)
        own = own.then(_multiplied(whole, inner, plan)) if block.edge == "body" else own.then(inner)
    if whole["kind"] == "parallel":
        # branches are there at the same time
        own = Cost(own.events, own.carried, sum(cost_of(each, plan).beside for each in whole["branches"].values()))
    return own


def _multiplied(step: Any, body: Cost, plan: Plan) -> Cost:
    match step["kind"]:
        case "for_each":
            items = bound_of(step["in_"], plan)
            rounds, _ = rounds_of(step, plan)
            many = items if items is not None else step["at_once"]
            width = min(step["at_once"], many)
            share = BESIDE / SEQUENTIAL if width > 1 and rounds else 1.0
            return Cost(body.events * many * share, body.carried * width + ITEM_BYTES * many, body.beside * width)
        case "repeat":
            return Cost((body.events + TIMER) * step["times"], body.carried * 2, body.beside)
    return body


def _runs(step: Any, plan: Plan) -> Cost:
    """What runs of other runbooks leave in this history; each has one of its own."""
    if step["each"] is None:
        return Cost(CHILD + TIMER, STEP_BYTES, 1)
    items = bound_of(step["each"]["in_"], plan)
    many = items if items is not None else step["each"]["at_once"]
    return Cost(CHILD * many + TIMER, STEP_BYTES + ITEM_BYTES * many, min(many, step["each"]["at_once"]))


def _reviewed(review: Any) -> float:
    """One turn of a review; it is asked again only while nobody decides."""
    return _ask(review, len(review["slots"]))


def _ask(silence: Any, seats: int) -> float:
    return NOTICE + TIMER + ANSWER * seats + len(silence["escalate"]) * (NOTICE + TIMER)
