"""Lawful destruction: step 1 of the conflict order, carried out on the region's own evidence store.

`retention.rule` says what the conflict order would say of each exhibit if counsel signs, and binds all of it into one
digest. `evidence.destroy` takes that digest: it destroys when every exhibit is to be destroyed by step 1 now, and when
what is ruled now is what people approved (`activities.rulings`). Counsel's approval of exactly these exhibits is
counsel's signature for each copy (18 USC 2258B(c); ADR 0027).
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from activities.bound import Action, defined
from activities.dependencies import Dependencies
from activities.effects import require_admission
from activities.records import receipt_of
from activities.retention import write_down
from activities.rulings import (
    LAW,
    digest_of,
    exhibits_of,
    held_by,
    is_due,
    mark_of,
    require_ruling,
    rule_on,
    rule_on_one,
    unavailable,
)
from schemas.actions import ActionCall, ActionReceipt, ErrorType
from schemas.json_value import Json
from schemas.ledger import ENTRY_VERSION, Entry, EntryKind
from watchfloor.connections.port import CallFailed
from watchfloor.evidence.port import Destroyed, EvidenceError, EvidenceMissing
from watchfloor.ledger.port import LedgerError
from watchfloor.signing import canonical, envelope_digest, render_instant

RULE, DESTROY = "retention.rule", "evidence.destroy"
REASON = "lawful_destruction"
UNSIGNED = "Asked before anybody has approved: so it is ruled if counsel signs for this copy."
_NAMED = 50
"""Holds that an output names at most."""


def rule(deps: Dependencies) -> Action:
    """`retention.rule`: what the conflict order says of each exhibit, into the ledger and into one digest.

    Changes nothing. May run twice: an entry that says the same is there once.
    """

    async def act(call: ActionCall) -> ActionReceipt:
        require_admission(call)
        now = deps.clock()
        rulings = await rule_on(deps, call, now)
        for exhibit, (ruling, _) in rulings.items():
            await write_down(deps, call, exhibit, ruling, UNSIGNED)
        kept = [exhibit for exhibit, (ruling, _) in rulings.items() if not is_due(ruling)]
        outputs: dict[str, Json] = {
            "ruling": digest_of(rulings),
            "destroys": not kept,
            "kept": len(kept),
            "held_by": list(held_by(rulings)[:_NAMED]),
        }
        return receipt_of(call, outputs, now)

    return defined(RULE, act)


def destroy(deps: Dependencies) -> Action:
    """`evidence.destroy`: the preserved copies go, their hashes and a receipt stay.

    What may run twice: all of it. A copy that this call has destroyed already is not destroyed again, and the receipt
    is made of the copies' own receipts, so it has the same address. The grant was verified before this body runs; the
    ruling is verified while nobody else can place or take a hold. Ledger entries: `retention.decided` for each exhibit,
    `evidence.destroyed`.
    """

    async def act(call: ActionCall) -> ActionReceipt:
        require_admission(call)
        exhibits = exhibits_of(call)
        try:
            gone = await asyncio.to_thread(_destroy, deps, call, exhibits)
        except CallFailed as failure:
            if failure.possible:
                # some went in an earlier attempt, before what is in force changed: the record says which
                await _note(deps, call, await asyncio.to_thread(_find_gone, deps, call, exhibits), "")
            raise
        at = max(one.at for one in gone.values())
        receipt: dict[str, Json] = {
            **_authority(call),
            "v": 1,
            "exhibits": [{"ref": ref, "size": one.size, "receipt": one.receipt} for ref, one in gone.items()],
            "destroyed_at": render_instant(at),
        }
        try:
            address = await asyncio.to_thread(deps.evidence.put, canonical(receipt))
        except EvidenceError as error:
            raise unavailable(error, possible=True) from error
        await _note(deps, call, gone, address)
        outputs: dict[str, Json] = {"destroyed": len(gone), "receipt": address, "destroyed_at": render_instant(at)}
        return receipt_of(call, outputs, at)

    return defined(DESTROY, act)


def build(deps: Dependencies) -> list[Callable[..., Any]]:
    """The activities of this module."""
    return [rule(deps), destroy(deps)]


def _destroy(deps: Dependencies, call: ActionCall, exhibits: list[str]) -> dict[str, Destroyed]:
    """Destroy every copy, or find what this call has destroyed before."""

    def still_lawful(gone: Mapping[str, Destroyed]) -> dict[str, dict[str, Json]]:
        now = deps.clock()
        rulings = {ref: rule_on_one(deps, call, ref, now) for ref in exhibits if ref not in gone}
        require_ruling(call, rulings, {ref: str(one.about["ruled"]) for ref, one in gone.items()})
        return {
            ref: {**_authority(call), "ruled": mark_of(ruled), "under": list(held_by({ref: ruled}))}
            for ref, ruled in rulings.items()
        }

    try:
        return deps.evidence.destroy(exhibits, REASON, call["key"], still_lawful)
    except EvidenceMissing as error:
        message = f"an exhibit is not kept here and this call has not destroyed it: {error}"
        raise CallFailed(ErrorType.REFUSED, message, possible=False, detail={"why": "missing"}) from error
    except EvidenceError as error:
        raise unavailable(error, possible=True) from error


def _find_gone(deps: Dependencies, call: ActionCall, exhibits: list[str]) -> dict[str, Destroyed]:
    try:
        return deps.evidence.destroyed(exhibits, call["key"])
    except EvidenceError as error:
        raise unavailable(error, possible=True) from error


def _authority(call: ActionCall) -> dict[str, Json]:
    """On what authority: the request, the ruling, and the decisions of the people who approved."""
    grant, inputs = call["grant"], call["inputs"]
    return {
        "law": LAW,
        "authority": inputs["authority"],
        "requested_at": inputs["requested_at"],
        "ruling": inputs["ruling"],
        "incident": call["incident"],
        "decisions": [envelope_digest(envelope) for envelope in grant["decisions"]] if grant else [],
    }


async def _note(deps: Dependencies, call: ActionCall, gone: Mapping[str, Destroyed], receipt: str) -> None:
    """Say in the ledger which copies are gone; without a receipt, that the others are not."""
    if not gone:
        return
    at = max(one.at for one in gone.values())
    said = _authority(call)
    entry: Entry = {
        "v": ENTRY_VERSION,
        "id": f"{call['key']}:destroyed" if receipt else f"{call['key']}:destroyed:{len(gone)}",
        "chain": call["incident"],
        "kind": EntryKind.DESTROYED,
        "at": render_instant(at),
        "actor": "engine",
        "step": call["step"],
        "path": call["path"],
        "data": {
            "key": call["key"],
            "exhibits": {ref: one.receipt for ref, one in gone.items()},
            "receipt": receipt,
            **{name: value for name, value in said.items() if name != "incident"},
        },
    }
    try:
        await asyncio.shield(asyncio.to_thread(deps.ledger.append, [entry]))
    except LedgerError as error:
        message = "the copies are destroyed and the ledger could not take it; it is tried again"
        raise CallFailed(ErrorType.LEDGER, message, possible=True) from error
