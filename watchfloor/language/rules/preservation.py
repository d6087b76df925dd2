"""Preserve, then destroy, per object: what `destroys` an item follows a successful preservation of the same item on
every way that leads to it (language.md, rule 4). What destroys preserved copies themselves follows a ruling of the
conflict order on the same copies in the same way."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemas.plan import ActionStep, ForEachStep, Plan, Step
from watchfloor.language import codes
from watchfloor.language.proof.paths import Paths
from watchfloor.language.proof.walk import blocks_of, every_step, roots_of, steps_of
from watchfloor.language.rules.places import Places
from watchfloor.language.surroundings import Surroundings

PRESERVES = "evidence.snapshot"
RULES = "retention.rule"


def check(given: Surroundings, plan: Plan, paths: Paths) -> None:
    snapshots = {
        step["id"]: target_of(step)
        for step in steps_of(plan)
        if step["kind"] == "action" and step["action"] == PRESERVES
    }
    loops = {step["id"]: step for step in steps_of(plan) if step["kind"] == "for_each"}
    places = Places(given)
    for _, steps in roots_of(plan):
        for step, loop in _destroying(steps, None):
            contract = given.catalog.get(step["action"])
            if contract is not None and contract.get("acts_on") == "evidence":
                _check_ruled(given, plan, paths, places, step)
                continue
            target, state = target_of(step), paths.before.get(step["path"])
            if state is None or any(snapshots.get(each) == target for each in state.done):
                continue
            if _iterates_preserved(target, loop, loops, snapshots, paths):
                continue
            given.report.add(
                codes.NOT_PRESERVED,
                places.action(step),
                f"`{step['action']}` destroys an item that no step before has preserved on every way",
                expected=f"`{PRESERVES}` of the same `url` before it, done on every way to here",
                help="take a snapshot of the same item in this iteration, or iterate over `steps.<loop>.succeeded` of a"
                " loop that does",
            )


def _check_ruled(given: Surroundings, plan: Plan, paths: Paths, places: Places, step: ActionStep) -> None:
    rulings = {
        one["id"]: target_of(one, "exhibits")
        for one in steps_of(plan)
        if one["kind"] == "action" and one["action"] == RULES
    }
    state = paths.before.get(step["path"])
    if state is not None and not any(rulings.get(each) == target_of(step, "exhibits") for each in state.done):
        given.report.add(
            codes.NOT_PRESERVED,
            places.action(step),
            f"`{step['action']}` destroys copies on which no step before has ruled on every way",
            expected=f"`{RULES}` of the same `exhibits` before it, done on every way to here",
            help="let the conflict order rule first: what people approve is that ruling",
        )


def target_of(step: ActionStep, name: str = "url") -> str:
    """What stands at an input, comparable."""
    value: Mapping[str, Any] = step["with_"].get(name, {"lit": None})
    return str(value["expr"]["src"]) if "expr" in value else repr(value)


def _destroying(steps: Sequence[Step], loop: ForEachStep | None) -> Iterator[tuple[ActionStep, ForEachStep | None]]:
    """Every destroying action, with the innermost loop over items around it."""
    for step in steps:
        if step["kind"] == "action" and step["effect"] == "destroys":
            yield step, loop
        for block in blocks_of(step):
            inside = step if step["kind"] == "for_each" and block.edge == "body" else loop
            yield from _destroying(block.steps, inside)


def _iterates_preserved(
    target: str,
    loop: ForEachStep | None,
    loops: Mapping[str, ForEachStep],
    snapshots: Mapping[str, str],
    paths: Paths,
) -> bool:
    """The item comes from `succeeded` of a loop in which no way to the end of an item leaves its snapshot out."""
    if loop is None or target != loop["item"]:
        return False
    source = loop["in_"]["src"].strip().split(".")
    if len(source) != 3 or source[0] != "steps" or source[2] != "succeeded" or source[1] not in loops:
        return False
    before = loops[source[1]]
    last = before["steps"][-1]
    at_last, after = paths.before.get(last["path"]), paths.after.get(last["path"])
    if at_last is None or after is None:
        return False
    sure = at_last.done | (after.done if _certain(last) else frozenset())
    inside = {step["id"] for step in every_step(before["steps"])}
    return any(snapshots.get(each) == before["item"] for each in sure & inside)


def _certain(step: Step) -> bool:
    """Every way past the step is one on which it was done."""
    if step["cond"] is not None or step["on_error"] != "fail" or step.get("catches"):
        return False
    return step["kind"] == "action" and step["approval"] is None
