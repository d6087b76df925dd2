"""No step that can never run by its own condition: one that reads nothing and is false whatever happens."""

from schemas.plan import Expr, Plan
from watchfloor.expressions import EvaluationFailed, evaluate
from watchfloor.language import codes
from watchfloor.language.proof.walk import steps_of
from watchfloor.language.rules.places import Places
from watchfloor.language.step_compiler import Surroundings


def check(given: Surroundings, plan: Plan) -> None:
    places = Places(given)
    for step in steps_of(plan):
        conditions = [step["cond"]] if step["cond"] is not None else []
        if step["kind"] == "choose":
            conditions += [case["when"] for case in step["cases"]]
        if any(_is_false(condition) for condition in conditions):
            given.report.add(
                codes.NEVER_RUNS,
                places.step(step),
                f"a condition of `{step['id']}` is false whatever happens",
                expected="a condition that reads an input, a fact or a step",
                help="remove the step, or write what it depends on",
            )


def _is_false(condition: Expr) -> bool:
    if condition["vars"]:
        return False
    try:
        return evaluate(condition, lambda name: None) is False
    except EvaluationFailed:
        return False
