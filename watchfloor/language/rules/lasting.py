"""Temporary or for good: a restriction says which. One that may be taken back names what takes it back (`undo`,
`expires`, a review, a `try` that undoes it); one that stays says `undo: {never: why}` (language.md, "temporary")."""

from schemas.actions import ActionContract
from watchfloor.language import codes
from watchfloor.language.blocks import all_steps
from watchfloor.language.document import Action, Try
from watchfloor.language.rules.attempts import gives_back
from watchfloor.language.surroundings import Surroundings


def check(given: Surroundings) -> None:
    steps = all_steps(given.runbook)
    # what only ever reverses something else gives back, it does not restrict
    takes_back = {one["undo"] for one in given.catalog.values() if one["undo"] is not None and _one_way(one, given)}
    undone = {name.value for step in steps if isinstance(step.body, Try) for name in step.body.undo}
    for step in steps:
        body = step.body
        if not isinstance(body, Action) or step.id.value in undone:
            continue
        contract = given.catalog.get(body.action.value)
        if contract is None or contract["effect"] != "restricts":
            continue
        if gives_back(body.action.value, given.catalog) or body.action.value in takes_back:
            continue
        glass = body.approval.break_glass if body.approval is not None else None
        if body.undo is None and body.expires is None and body.review is None and glass is None:
            given.report.add(
                codes.LASTING,
                body.action.span,
                f"`{body.action.value}` restricts, and nothing says whether that ends",
                expected="`undo:` or `expires:`" if contract["undo"] is not None else "`undo: {never: why}`",
                help=_advice(contract["undo"]),
            )


def _one_way(contract: ActionContract, given: Surroundings) -> bool:
    back = given.catalog.get(contract["undo"] or "")
    return back is not None and back["undo"] is None


def _advice(undo: str | None) -> str:
    if undo is None:
        return "nothing takes it back, so write that it stays: `undo: {never: why}`"
    return (
        f"write what takes it back: `undo: {{action: {undo}, on: [some_fact]}}`, or for how long: `expires: 24h`,"
        " or that it stays: `undo: {never: why}`"
    )
