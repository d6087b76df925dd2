"""What is checked before an action acts: that it is ours, that its inputs are right, that people said yes."""

import asyncio

from activities.dependencies import Dependencies
from activities.registry import UnknownAction, contract_of
from activities.retention import check_claims, check_floor
from activities.rulings import check_destruction
from activities.values import Mismatch, check_values
from schemas.actions import ActionCall, ActionContract, ErrorType, Grant
from schemas.decision import RefusalType
from watchfloor.connections.port import CallFailed
from watchfloor.evidence.port import EvidenceError, EvidenceUnavailable
from watchfloor.regions.keys import KeysRefused
from watchfloor.signing import Refusal, refuse_grant
from watchfloor.signing.narrowing import refuse_narrowed


def check_call(deps: Dependencies, call: ActionCall) -> ActionContract:
    """Check a call against its contract and its grant. What the call itself claims about effect and tier is not used.

    Raises:
        CallFailed: `bad_input`, `refused`, `not_bound` or `no_grant`; nothing has been sent.
    """
    try:
        contract = contract_of(call["action"])
    except UnknownAction as error:
        raise CallFailed(ErrorType.NOT_BOUND, str(error), possible=False) from error
    if call["region"] != deps.region:
        message = f"a call of region `{call['region']}` came to a worker of `{deps.region}`"
        raise CallFailed(ErrorType.REFUSED, message, possible=False, detail={"why": "region"})
    try:
        check_values(call["inputs"], contract["inputs"], what="input")
    except Mismatch as error:
        message = f"`{call['action']}`: {error}"
        raise CallFailed(ErrorType.BAD_INPUT, message, possible=False) from error
    if call["gated"] or contract.get("needs_grant", False):
        _check_grant(deps, call, contract)
    return contract


def _check_grant(deps: Dependencies, call: ActionCall, contract: ActionContract) -> None:
    grant = call["grant"]
    if grant is None:
        message = f"`{call['action']}` needs an approval and none came with the call"
        raise CallFailed(ErrorType.NO_GRANT, message, possible=False, detail={"why": "missing"})
    try:
        refused = refuse_grant(
            grant,
            action=call["action"],
            key=call["key"],
            inputs=call["inputs"],
            region=call["region"],
            incident=call["incident"],
            plan=call["plan"],
            keys=deps.trust(),
            tier=contract["tier"],
        )
        narrows = {name: spec["narrows"] for name, spec in contract["inputs"].items() if "narrows" in spec}
        refused = refused or refuse_narrowed(grant["asked"], call["inputs"], narrows)
    except KeysRefused as error:
        message = f"nobody is believed while this cannot be read: {error}"
        raise CallFailed(ErrorType.UNAVAILABLE, message, possible=False, detail={"why": "keys"}) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"the grant of `{call['action']}` is not well formed"
        raise CallFailed(ErrorType.NO_GRANT, message, possible=False, detail={"why": "malformed"}) from error
    refused = refused or _refuse_unsigned(grant, contract)
    aside = set(call.get("recused", ())) & {str(one["body"]["person"]) for one in grant["decisions"]}
    if refused is None and aside:
        refused = Refusal(RefusalType.EXCLUDED, f"{', '.join(sorted(aside))} stands aside from this run")
    if refused is not None:
        message = f"the grant of `{call['action']}` does not hold: {refused.message}"
        raise CallFailed(ErrorType.NO_GRANT, message, possible=False, detail={"why": refused.type})


def _refuse_unsigned(grant: Grant, contract: ActionContract) -> Refusal | None:
    """What the law wants a certain role to sign is signed by it and by one person more, whatever seats a plan has."""
    role = contract.get("signed_by", "")
    bodies = [one["body"] for one in grant["decisions"]]
    if not role or (len(bodies) > 1 and any(body["role"] == role for body in bodies)):
        return None
    return Refusal(RefusalType.WRONG_ROLE, f"{role} and one person more have to approve this")


async def check_preserved(deps: Dependencies, call: ActionCall) -> None:
    """What was not preserved is not destroyed: the snapshot that the call names must be in the evidence store.

    Raises:
        CallFailed: `refused`, or `unavailable` when the store does not answer.
    """
    try:
        await asyncio.to_thread(deps.evidence.get, str(call["inputs"]["snapshot"]))
    except EvidenceUnavailable as error:
        raise CallFailed(ErrorType.UNAVAILABLE, str(error), possible=False, detail={"why": "evidence"}) from error
    except EvidenceError as error:
        message = f"the snapshot is not preserved here, so the item is not deleted: {error}"
        raise CallFailed(ErrorType.REFUSED, message, possible=False, detail={"why": "not_preserved"}) from error


async def check_deletion(deps: Dependencies, call: ActionCall) -> None:
    """Preserved, and kept by no claim.

    Raises:
        CallFailed: as `check_preserved` and `activities.retention.check_claims`.
    """
    await check_preserved(deps, call)
    await check_claims(deps, call)


PRECONDITIONS = {
    "content.delete": check_deletion,
    "evidence.destroy": check_destruction,
    "hold.unfreeze": check_floor,
}
"""Checked after the grant and before the announcement."""
