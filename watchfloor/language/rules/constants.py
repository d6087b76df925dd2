"""No step that can never run by a condition that reads nothing: its own is false whatever happens, or a case of a
`choose` before it holds whatever happens."""

from schemas.plan import Expr, Plan
from watchfloor.expressions import EvaluationFailed, evaluate
from watchfloor.language import codes
from watchfloor.language.proof.walk import steps_of
from watchfloor.language.rules.places import Places
from watchfloor.language.surroundings import Surroundings


def check(given: Surroundings, plan: Plan) -> None:
    places = Places(given)
    for step in steps_of(plan):
        conditions = [step["cond"]] if step["cond"] is not None else []
        if step["kind"] == "choose":
            whens = [case["when"] for case in step["cases"]]
            conditions += whens
            after = [None] if step["otherwise"] is not None else []
            if any(_constant(when) is True for when in [*whens, *after][:-1] if when is not None):
                given.report.add(
                    codes.NEVER_RUNS,
                    places.step(step),
                    f"a case of `{step['id']}` holds whatever happens, so what comes after it can never run",
                    expected="a condition that reads an input, a fact or a step",
                    help="make it the `otherwise:`, or remove what comes after it",
                )
        if any(_constant(condition) is False for condition in conditions):
            given.report.add(
                codes.NEVER_RUNS,
                places.step(step),
                f"a condition of `{step['id']}` is false whatever happens",
                expected="a condition that reads an input, a fact or a step",
                help="remove the step, or write what it depends on",
            )


def _constant(condition: Expr) -> object:
    """What a condition gives that reads nothing; None when it reads something or fails."""
    if condition["vars"]:
        return None
    try:
        return evaluate(condition, lambda name: None)
    except EvaluationFailed:
        return None
