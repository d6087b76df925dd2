"""Every path to an action passes the gate that its effect and tier demand.

Source: domain.md, approval tiers (2 and 3 need people, L needs the law's people), and language.md, "gate".
"""

from schemas.actions import ActionContract
from watchfloor.language import codes
from watchfloor.language.blocks import all_steps
from watchfloor.language.document import Action
from watchfloor.language.surroundings import Surroundings


def demand(contract: ActionContract) -> str | None:
    """Why an action needs an approval before it; None when it needs none."""
    if contract["effect"] == "destroys":
        return "it destroys"
    if contract["tier"] in {"2", "3"}:
        return f"it is of tier {contract['tier']}"
    if contract["tier"] == "L":
        return "the law demands named people for it (tier L)"
    if contract["irreversible"] and contract["effect"] == "restricts":
        return "it restricts and cannot be taken back"
    return None


def check(given: Surroundings) -> None:
    for step in all_steps(given.runbook):
        body = step.body
        if not isinstance(body, Action):
            continue
        _check_undo(given, body)
        contract = given.catalog.get(body.action.value)
        if body.approval is not None:
            _check_signature(given, body, contract)
            continue
        reason = demand(contract) if contract is not None else None
        if reason is not None:
            given.report.add(
                codes.GATE,
                body.action.span,
                f"`{body.action.value}` needs an approval: {reason}",
                expected="`approval:` on this step",
                help="add `approval: {from: [policy_lead], within: 30m, on_deny: stop}`",
            )


def _check_signature(given: Surroundings, body: Action, contract: ActionContract | None) -> None:
    """What the law wants a certain role to sign has a seat that only this role fills, and one more."""
    role = contract.get("signed_by", "") if contract is not None else ""
    if not role or body.approval is None:
        return
    seats = [{each.value for each in seat.roles} for seat in body.approval.seats]
    if len(seats) < 2 or {role} not in seats:
        given.report.add(
            codes.GATE,
            body.action.span,
            f"`{body.action.value}` is signed by {role} and by one person more",
            expected=f"at least two seats in `approval:`, one of which only {role} fills",
            help=f"write `from: [{role}, records_custodian]`",
        )


def _check_undo(given: Surroundings, body: Action) -> None:
    """What an undo does, it does by itself: when a fact is recorded, when the measure expires, after a no."""
    if body.undo is None or body.undo.action is None:
        return
    contract = given.catalog.get(body.undo.action.value)
    reason = demand(contract) if contract is not None else None
    if reason is not None:
        given.report.add(
            codes.GATE,
            body.undo.action.span,
            f"`{body.undo.action.value}` would run as an undo, which asks nobody: {reason}",
            expected="an undo that gives back what was taken",
            help="let a step behind its own `approval:` do it when it is time: a track with `on_fact:`",
        )
