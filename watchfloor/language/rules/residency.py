"""Residency: nothing of a protected class leaves its region, also not by way of a value made from it.

Source: 28 CFR part 202. `share` that names a protected input or fact is refused where it is compiled; here are the
values derived from one (items and results of a loop over it, facts recorded from it, outputs of a run that was given
it), what people outside are shown, and what another runbook is given: in another region nothing of it, in this one
only where its input says the class, so that the proofs of that runbook know what they look at.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemas.plan import Expr, Plan, RunStep, Shown, Step
from watchfloor.language import codes
from watchfloor.language.document import Action, Decide, Handoff, Task
from watchfloor.language.nodes import Scalar, Span
from watchfloor.language.proof.children import child_of
from watchfloor.language.proof.walk import steps_of
from watchfloor.language.rules.places import Places
from watchfloor.language.surroundings import Surroundings

PROTECTED = "us_protected"
HOME = "us"
"""The region that protected data may not leave."""
_AGGREGATES = {"bool", "int", "double", "uint"}


def check(given: Surroundings, plan: Plan) -> None:
    derived = _derive(plan)
    if not derived:
        return
    places = Places(given)
    for step in steps_of(plan):
        if step["kind"] == "run":
            _check_run(given, plan, step, derived, places)
        for span, expr, where in _leaving(step, places, plan["command"] != HOME):
            names = sorted(name for name in _names(expr) if _covers(name, derived))
            if names and expr["type"] not in _AGGREGATES:
                given.report.add(
                    codes.PROTECTED,
                    span,
                    f"`{names[0]}` holds what is of the class {PROTECTED}",
                    expected="us_public_content, aggregate, non_us",
                    help=f"leave it out of `{where}`",
                )


def _check_run(given: Surroundings, plan: Plan, step: RunStep, derived: set[str], places: Places) -> None:
    """What another runbook is given, judged by where it runs and by what its inputs say they hold."""
    child = child_of(plan, step)
    if child is None:
        return
    there = child["command"] if child["command"] != plan["command"] else ""
    told = [(f"with: {key}", key, expr) for key, value in step["with_"].items() for expr in _expressions(value)]
    told += [(word, "", expr) for word, expr in (("key", step["key"]), ("known_at", step["known_at"])) if expr]
    for word, key, expr in told:
        names = sorted(name for name in _names(expr) if _covers(name, derived))
        if not names or expr["type"] in _AGGREGATES:
            continue
        if there:
            given.report.add(
                codes.PROTECTED,
                places.step(step),
                f"`{names[0]}` holds what is of the class {PROTECTED}, and `{step['runbook']}` runs in `{there}`",
                expected="us_public_content, aggregate, non_us",
                help=f"leave it out of `{word}`",
            )
        elif key and child["inputs"][key].get("data_class") != PROTECTED:
            given.report.add(
                codes.PROTECTED,
                places.step(step),
                f"`{names[0]}` holds what is of the class {PROTECTED}, and the input `{key}` of"
                f" `{step['runbook']}` does not say so",
                expected=f"`data_class: {PROTECTED}` at that input",
                help=f"add it to `{key}` in `{step['runbook']}`, so that it is kept in the region there too",
            )


def _derive(plan: Plan) -> set[str]:
    """Every name whose value is protected or made of what is."""
    found = {f"inputs.{name}" for name, spec in plan["inputs"].items() if spec.get("data_class") == PROTECTED}
    found |= {f"facts.{name}" for name, fact in plan["facts"].items() if fact["type"].get("data_class") == PROTECTED}
    steps = list(steps_of(plan))
    for step in steps:
        whole: Any = step
        for name, spec in (whole.get("outputs") or whole.get("form") or {}).items():
            if spec.get("data_class") == PROTECTED:
                found.add(f"steps.{step['id']}.{name}")
        child = child_of(plan, step) if step["kind"] == "run" else None
        if child is not None:
            inner = _derive(child)
            found |= {
                f"steps.{step['id']}.{n}" for n, out in child.get("outputs", {}).items() if _reads(out["value"], inner)
            }
    while True:
        more = {name for step in steps for name in _made_by(step, found)} - found
        if not more:
            return found
        found |= more


def _made_by(step: Step, known: set[str]) -> Iterator[str]:
    if step["kind"] == "for_each" and _reads(step["in_"], known):
        yield step["item"]
        yield from (f"steps.{step['id']}.{output}" for output in ("succeeded", "failed"))
    for fact, expr in step["records"].items():
        if expr["type"] not in _AGGREGATES and _reads(expr, known):
            yield f"facts.{fact}"


def _reads(expr: Expr, known: set[str]) -> bool:
    return any(_covers(name, known) for name in _names(expr))


def _names(expr: Expr) -> list[str]:
    """What an expression reads; that something is there at all says nothing of what it holds."""
    return [name for name in expr["vars"] if not name.startswith("has.")]


def _covers(name: str, known: set[str]) -> bool:
    parts = name.split(".")
    return any(".".join(parts[:count]) in known for count in range(1, len(parts) + 1)) and parts[-1] != "at"


def _leaving(step: Step, places: Places, abroad: bool) -> Iterator[tuple[Span, Expr, str]]:
    """Values that another region, or people outside the home region, get to see."""
    written = places.written(step)
    body = written.body if written is not None else None
    if step["kind"] == "handoff":
        yield from _spans(step["share"], body.share if isinstance(body, Handoff) else (), places.step(step), "share")
    if not abroad:
        return
    if step["kind"] == "decide" or step["kind"] == "task":
        shown = body.show if isinstance(body, Decide | Task) else ()
        yield from _spans(step["show"], shown, places.step(step), "show")
        said = step["ask"] if step["kind"] == "decide" else step["do"]
        yield from ((places.step(step), expr, "what people are asked") for expr in _expressions(said))
    if step["kind"] == "action":
        if step["approval"] is not None:
            gate = body.approval if isinstance(body, Action) else None
            yield from _spans(step["approval"]["show"], gate.show if gate else (), places.action(step), "show")
        if step["action"] == "page" or step["action"].startswith("notify."):
            for value in step["with_"].values():
                yield from ((places.action(step), expr, "the message") for expr in _expressions(value))


def _spans(
    shown: Sequence[Shown], scalars: Sequence[Scalar], otherwise: Span, where: str
) -> Iterator[tuple[Span, Expr, str]]:
    for number, one in enumerate(shown):
        yield (scalars[number].span if number < len(scalars) else otherwise), one["value"], where


def _expressions(value: Mapping[str, Any]) -> Iterator[Expr]:
    if "expr" in value:
        yield value["expr"]
    for part in value.get("text", ()):
        if not isinstance(part, str):
            yield part
    for item in value.get("list", ()):
        yield from _expressions(item)
    for item in value.get("map", {}).values():
        yield from _expressions(item)
