"""`evidence.snapshot`: an item's record, fetched, hashed and kept."""

import asyncio

from activities.bound import Action, defined
from activities.dependencies import Dependencies
from activities.effects import require_admission
from activities.records import receipt_of
from schemas.actions import ActionCall, ActionReceipt, ErrorType
from watchfloor.connections.port import CallFailed
from watchfloor.evidence.port import EvidenceError, EvidenceTooLarge
from watchfloor.signing import canonical, render_instant

NAME = "evidence.snapshot"


def snapshot(deps: Dependencies) -> Action:
    """The activity that preserves an item's record.

    The record is kept as RFC 8785 bytes, so the same record has the same address wherever it is fetched again. May
    run twice: the store takes the same bytes once.
    """

    async def act(call: ActionCall) -> ActionReceipt:
        require_admission(call)
        answer = await deps.bindings.call(call)
        if answer.body is None:
            message = "the platform answered with nothing, so there is nothing to preserve"
            raise CallFailed(ErrorType.REFUSED, message, possible=False, detail={"why": "empty"})
        try:
            content = canonical(answer.body)
        except (ValueError, RecursionError) as error:
            message = "the record cannot be written as canonical JSON, so it cannot be preserved as it is"
            raise CallFailed(ErrorType.REFUSED, message, possible=False, detail={"why": "not_canonical"}) from error
        try:
            ref = await asyncio.to_thread(deps.evidence.put, content)
        except EvidenceTooLarge as error:
            raise CallFailed(ErrorType.TOO_LARGE, str(error), possible=False) from error
        except EvidenceError as error:
            message = f"the evidence store did not take it: {error}"
            raise CallFailed(ErrorType.UNAVAILABLE, message, possible=False, detail={"why": "evidence"}) from error
        outputs = {"ref": ref, "size": len(content), "taken_at": render_instant(answer.at)}
        return receipt_of(call, outputs, answer.at)

    return defined(NAME, act)
