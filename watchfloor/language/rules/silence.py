"""Silence never acts: what runs because nobody answered, or because time or rounds ran out, restricts, destroys,
discloses, reveals and undoes nothing, unless a person says yes on the way (language.md, rule 3)."""

from collections.abc import Iterator

from watchfloor.language import codes
from watchfloor.language.document import Action, Decide, Step, all_steps, blocks, courses
from watchfloor.language.nodes import Scalar
from watchfloor.language.step_compiler import Surroundings

_SILENT = {
    "on_silence": "nobody answered",
    "on_timeout": "time ran out",
    "on_exhausted": "the rounds are used up",
    "fallback": "the other region did not answer",
}


def check(given: Surroundings) -> None:
    for step in all_steps(given.runbook):
        for name, course in courses(step):
            if name not in _SILENT:
                continue
            for action in _acting(course.steps, given):
                effect = given.catalog[action.value]["effect"]
                given.report.add(
                    codes.SILENCE,
                    action.span,
                    f"`{action.value}` {effect} although {_SILENT[name]} (`{name}` of step `{step.id.value}`)",
                    expected="an action that only reads or tells, a task, or a stop",
                    help="ask a person first: `approval:` on this step, or `decide:` before it",
                )


def _acting(steps: tuple[Step, ...], given: Surroundings) -> Iterator[Scalar]:
    """Actions with an effect that no person has said yes to since the silence."""
    for step in steps:
        body = step.body
        if isinstance(body, Action):
            contract = given.catalog.get(body.action.value)
            if body.approval is None and contract is not None and contract["effect"] != "reads":
                yield body.action
        for name, inner in blocks(step):
            # an option's steps follow a person's choice; other silences are judged where they stand
            if name in _SILENT or (isinstance(body, Decide) and name in {each.name.value for each in body.options}):
                continue
            yield from _acting(inner, given)
        if isinstance(body, Decide):
            # what comes after a decision follows a positive answer or its failure
            return
