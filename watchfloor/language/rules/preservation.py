"""Preserve, then destroy, per object: what `destroys` an item follows a successful preservation of the same item
(language.md, rule 4)."""

from watchfloor.language import codes
from watchfloor.language.document import Action, ForEach, Step, all_steps, blocks
from watchfloor.language.nodes import Node, Scalar
from watchfloor.language.step_compiler import Surroundings

PRESERVES = "evidence.snapshot"


def check(given: Surroundings) -> None:
    everything = all_steps(given.runbook)
    loops = {step.id.value: step for step in everything if isinstance(step.body, ForEach)}
    for block in [track.steps for track in given.runbook.tracks] + [
        tuple(step for phase in given.runbook.phases for step in phase.steps)
    ]:
        _visit(block, frozenset(), None, loops, given)


def _visit(
    steps: tuple[Step, ...],
    preserved: frozenset[str],
    loop: ForEach | None,
    loops: dict[str, Step],
    given: Surroundings,
) -> None:
    for step in steps:
        body = step.body
        if isinstance(body, Action):
            contract = given.catalog.get(body.action.value)
            target = _target(body)
            if contract is not None and contract["effect"] == "destroys":
                _judge(body, target, preserved, loop, loops, given)
            if body.action.value == PRESERVES and _certain(step) and target is not None:
                preserved = preserved | {target}
        inside = body if isinstance(body, ForEach) else loop
        for _, inner in blocks(step):
            _visit(inner, preserved, inside, loops, given)


def _judge(
    body: Action,
    target: str | None,
    preserved: frozenset[str],
    loop: ForEach | None,
    loops: dict[str, Step],
    given: Surroundings,
) -> None:
    if target is not None and (target in preserved or _iterates_preserved(target, loop, loops)):
        return
    given.report.add(
        codes.NOT_PRESERVED,
        body.action.span,
        f"`{body.action.value}` destroys an item that no step before has preserved",
        expected=f"`{PRESERVES}` of the same `url` before it",
        help="take a snapshot of the same item in this iteration, or iterate over `steps.<loop>.succeeded` of a loop"
        " that does",
    )


def _iterates_preserved(target: str, loop: ForEach | None, loops: dict[str, Step]) -> bool:
    """The item comes from `succeeded` of a loop whose every success took a snapshot of its own item."""
    if loop is None or target != loop.item.value:
        return False
    source = loop.in_.value.strip().split(".")
    if len(source) != 3 or source[0] != "steps" or source[2] != "succeeded" or source[1] not in loops:
        return False
    before = loops[source[1]].body
    if not isinstance(before, ForEach):
        return False
    return any(
        isinstance(step.body, Action)
        and step.body.action.value == PRESERVES
        and _certain(step)
        and _target(step.body) == before.item.value
        for step in before.steps
    )


def _certain(step: Step) -> bool:
    """The step surely ran and succeeded when what follows it runs."""
    return step.cond is None and (step.on_error is None or step.on_error.word == "fail")


def _target(body: Action) -> str | None:
    """What the action's `url` is, as the expression or text that stands there."""
    for key, node in body.with_:
        if key.value == "url":
            return _source(node)
    return "inputs.url"


def _source(node: Node) -> str | None:
    if not isinstance(node, Scalar):
        return None
    text = node.value.strip()
    return text[3:-2].strip() if text.startswith("${{") and text.endswith("}}") else f"={text}"
