"""The actions of a legal hold: freeze, canary, unfreeze. They also guard what the evidence store keeps of its scope.

A source is told through its binding like any other system. Preserved copies that the scope names by content address are
protected before the source is told, and let go after it was told to let go.
"""

import asyncio
import re
from collections.abc import Callable, Iterator
from typing import Any

from activities.bound import Action, bound, defined
from activities.dependencies import Dependencies
from activities.effects import require_admission
from activities.records import receipt_of
from schemas.actions import ActionCall, ActionReceipt, ErrorType
from schemas.json_value import Json
from watchfloor.connections.port import CallFailed
from watchfloor.evidence.port import EvidenceError
from watchfloor.evidence.terms import HoldTerms, digest_names, read_terms

FREEZE, CANARY, UNFREEZE = "hold.freeze", "hold.canary", "hold.unfreeze"
_REFERENCE = re.compile(r"^sha256:[0-9a-f]{64}$")


def freeze(deps: Dependencies) -> Action:
    """`hold.freeze`: protects the preserved copies in the scope, then makes the source refuse deletion.

    What may run twice: the protection, which does nothing the second time, and the request (`activities.effects`).
    """

    async def act(call: ActionCall) -> ActionReceipt:
        require_admission(call)
        references = sorted(set(references_in(call["inputs"]["scope"])))
        terms = terms_of(call)
        if terms is not None:
            await _keep(deps, lambda: deps.evidence.claim(terms), possible=False)
        await _guard(deps, _protect, references, str(call["inputs"]["hold"]), possible=False)
        answer = await deps.bindings.call(call)
        return receipt_of(call, answer.outputs, answer.at)

    return defined(FREEZE, act)


def unfreeze(deps: Dependencies) -> Action:
    """`hold.unfreeze`: lets the source delete again, then takes this hold off the preserved copies.

    What may run twice: the request, and the release, which does nothing the second time. The grant was verified before
    this body runs.
    """

    async def act(call: ActionCall) -> ActionReceipt:
        require_admission(call)
        answer = await deps.bindings.call(call)
        hold = str(call["inputs"]["hold"])
        references = await asyncio.to_thread(deps.evidence.held, hold)
        await _guard(deps, _release, references, hold, possible=True)
        await _keep(deps, lambda: deps.evidence.drop_claim(hold, str(call["inputs"]["source"])), possible=True)
        return receipt_of(call, answer.outputs, answer.at)

    return defined(UNFREEZE, act)


def build(deps: Dependencies) -> list[Callable[..., Any]]:
    """The activities of this module."""
    return [freeze(deps), bound(deps, CANARY), unfreeze(deps)]


def references_in(value: Json) -> Iterator[str]:
    """Every content address that a scope names, however deep."""
    if isinstance(value, str):
        if _REFERENCE.match(value):
            yield value
    elif isinstance(value, list):
        for part in value:
            yield from references_in(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from references_in(part)


def terms_of(call: ActionCall) -> HoldTerms | None:
    """What a freeze says that its hold claims; None where an older hold says nothing.

    Raises:
        CallFailed: `bad_input`.
    """
    inputs = call["inputs"]
    told = inputs.get("terms")
    if told is None:
        return None
    try:
        if not isinstance(told, dict) or told["kind"] not in {"floor", "litigation"}:
            raise ValueError("`kind` is `floor` or `litigation`")
        named = {"hold": inputs["hold"], "source": inputs["source"], "row": inputs["basis"]}
        return read_terms({**told, **named, "names": sorted(digest_names(inputs["scope"]))})
    except (KeyError, TypeError, ValueError) as error:
        message = f"`terms` of a freeze: {error}; expected kind, title, law, since, until"
        raise CallFailed(ErrorType.BAD_INPUT, message, possible=False) from error


async def _guard(
    deps: Dependencies,
    change: Callable[[Dependencies, list[str], str], None],
    references: list[str],
    hold: str,
    *,
    possible: bool,
) -> None:
    await _keep(deps, lambda: change(deps, references, hold), possible=possible)


async def _keep(deps: Dependencies, change: Callable[[], None], *, possible: bool) -> None:
    try:
        await asyncio.to_thread(change)
    except EvidenceError as error:
        message = f"the preserved copies could not be guarded: {type(error).__name__}"
        raise CallFailed(ErrorType.UNAVAILABLE, message, possible=possible, detail={"why": "evidence"}) from error


def _protect(deps: Dependencies, references: list[str], hold: str) -> None:
    for reference in references:
        # a scope may name hashes of things that were never copied here; only copies can be protected
        if deps.evidence.exists(reference):
            deps.evidence.protect(reference, hold)


def _release(deps: Dependencies, references: list[str], hold: str) -> None:
    for reference in references:
        deps.evidence.release(reference, hold)
