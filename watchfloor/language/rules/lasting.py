"""Temporary or for good: a restriction says which. One that may be taken back names what takes it back (`undo`,
`expires`, a review, a `try` that undoes it); one that stays says `undo: {never: why}` (language.md, "temporary")."""

from watchfloor.language import codes
from watchfloor.language.document import Action, Try, all_steps
from watchfloor.language.rules.attempts import gives_back
from watchfloor.language.step_compiler import Surroundings


def check(given: Surroundings) -> None:
    steps = all_steps(given.runbook)
    undone = {name.value for step in steps if isinstance(step.body, Try) for name in step.body.undo}
    for step in steps:
        body = step.body
        if not isinstance(body, Action) or step.id.value in undone:
            continue
        contract = given.catalog.get(body.action.value)
        if contract is None or contract["effect"] != "restricts" or contract["irreversible"]:
            continue
        if contract["undo"] is None or gives_back(body.action.value, given.catalog):
            continue
        glass = body.approval.break_glass if body.approval is not None else None
        if body.undo is None and body.expires is None and body.review is None and glass is None:
            given.report.add(
                codes.LASTING,
                body.action.span,
                f"`{body.action.value}` restricts, and nothing says whether that ends",
                expected="`undo:` or `expires:`",
                help=f"write what takes it back: `undo: {{action: {contract['undo']}, on: [some_fact]}}`, or for how"
                " long: `expires: 24h`, or that it stays: `undo: {never: why}`",
            )
