"""Whether preserved copies are to be destroyed: what the conflict order says of each, with the holds of this moment.

All that a ruling rests on goes into one digest, which people approve. What is ruled at the effect must be the same to
the letter: a hold that was placed, renewed or released in between makes another ruling, and nothing is destroyed.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from activities.dependencies import Dependencies
from activities.records import Standing
from activities.retention import claims_on, find_past, write_down
from schemas.actions import ActionCall, ErrorType
from schemas.json_value import Json
from watchfloor.connections.port import CallFailed
from watchfloor.evidence.port import BadReference, EvidenceError
from watchfloor.retention import Claim, Copy, Ruling, decide
from watchfloor.signing import canonical, digest, parse_instant, render_instant

REQUEST = "destruction-request"
CSAM = "csam"
LAW = "18 USC 2258B(c)"

Ruled = tuple[Ruling, Sequence[Claim]]
Rulings = Mapping[str, Ruled]


async def check_destruction(deps: Dependencies, call: ActionCall) -> None:
    """Rule anew, with the holds that are in force now; the ruling goes into the ledger, whichever way it falls.

    Raises:
        CallFailed: `refused` while an exhibit is kept, or when this is not the ruling that people approved;
            `unavailable` when the claims cannot be read; `ledger_unavailable`.
    """
    past = await find_past(deps, call)
    if past.standing is not Standing.CLEAR:
        return  # announced before: some copies may be gone, and the rest is ruled on where it is destroyed
    rulings = await rule_on(deps, call, deps.clock())
    for exhibit, (ruling, _) in rulings.items():
        await write_down(deps, call, exhibit, ruling)
    require_ruling(call, rulings, {})


def digest_of(rulings: Rulings, gone: Mapping[str, str] = MappingProxyType({})) -> str:
    """Everything that the rulings rest on, and what they say; nothing that time alone changes while they say the same.

    Args:
        gone: what was ruled on the exhibits that are destroyed already, by their receipts.
    """
    each = {exhibit: mark_of(ruled) for exhibit, ruled in rulings.items()} | dict(gone)
    return digest(canonical(sorted([exhibit, mark] for exhibit, mark in each.items())))


def mark_of(ruled: Ruled) -> str:
    """What `digest_of` has of one exhibit."""
    ruling, claims = ruled
    said: dict[str, Json] = {
        "ruling": ruling.action,
        "step": ruling.step,
        "by": list(ruling.decided_by),
        "claims": [
            {
                "id": claim.id,
                "kind": claim.kind,
                "row": claim.row,
                "authority": claim.authority,
                "since": render_instant(claim.since),
                "until": render_instant(claim.until) if claim.until else "",
            }
            for claim in sorted(claims, key=lambda one: one.id)
        ],
    }
    return digest(canonical(said))


async def rule_on(deps: Dependencies, call: ActionCall, now: datetime) -> dict[str, Ruled]:
    """Rule on every exhibit of a call.

    Raises:
        CallFailed: `refused` when one is not kept here, `bad_input`, `unavailable`.
    """
    exhibits = exhibits_of(call)
    missing = [exhibit for exhibit in exhibits if not await asyncio.to_thread(_is_kept, deps, exhibit)]
    if missing:
        message = f"{len(missing)} of {len(exhibits)} exhibits are not kept here, the first is `{missing[0]}`"
        raise CallFailed(ErrorType.REFUSED, message, possible=False, detail={"why": "missing"})
    return {exhibit: await asyncio.to_thread(rule_on_one, deps, call, exhibit, now) for exhibit in exhibits}


def rule_on_one(deps: Dependencies, call: ActionCall, exhibit: str, now: datetime) -> Ruled:
    """What the conflict order says of one exhibit, and every claim it was asked about.

    Raises:
        CallFailed: `unavailable` when the claims cannot be read.
    """
    inputs = call["inputs"]
    request = Claim(
        REQUEST,
        "destruction",
        frozenset({exhibit}),
        since=parse_instant(str(inputs["requested_at"])),
        title="lawful request to destroy",
        law=LAW,
        authority=str(inputs["authority"]),
        signed=frozenset({exhibit}),
    )
    claims = [*claims_on(deps, exhibit, {exhibit}), request]
    return decide(Copy(exhibit, csam=inputs["material"] == CSAM), claims, now), claims


def is_due(ruling: Ruling) -> bool:
    """Whether step 1 has the copy destroyed; no later step lets this be done to a copy that is held."""
    return ruling.action == "destroy" and ruling.step == 1


def require_ruling(call: ActionCall, rulings: Rulings, gone: Mapping[str, str]) -> None:
    """Raises `CallFailed` unless everything is to be destroyed, by exactly the ruling that was approved."""
    for exhibit, (ruling, _) in rulings.items():
        if not is_due(ruling):
            by = ", ".join(ruling.decided_by) or "no lawful request"
            message = f"`{exhibit}` is not destroyed: {ruling.action}, by {by} (conflict order); see the ledger"
            raise _refused(message, "retention", gone, held_by(rulings))
    if digest_of(rulings, gone) != call["inputs"]["ruling"]:
        held = held_by(rulings)
        lies = f"in force now: {', '.join(held[:5])}" if held else "no hold is in force now"
        message = f"what is in force is not what people approved, so nothing is destroyed; {lies}; rule and ask again"
        raise _refused(message, "ruling_changed", gone, held)


def _refused(message: str, why: str, gone: Mapping[str, str], held: list[str]) -> CallFailed:
    if gone:
        message = f"{message} ({len(gone)} went in an earlier attempt)"
    return CallFailed(ErrorType.REFUSED, message, possible=bool(gone), detail={"why": why, "held": list(held[:5])})


def held_by(rulings: Rulings) -> list[str]:
    """The claims of holds on these exhibits."""
    return sorted({claim.id for _, claims in rulings.values() for claim in claims if claim.id != REQUEST})


def exhibits_of(call: ActionCall) -> list[str]:
    """The exhibits of a call, each once, sorted.

    Raises:
        CallFailed: `bad_input` when there is none.
    """
    given = call["inputs"]["exhibits"]
    exhibits = sorted({str(one) for one in given}) if isinstance(given, list) else []
    if not exhibits:
        message = "`exhibits` is empty; name the copies by what `evidence.snapshot` gave"
        raise CallFailed(ErrorType.BAD_INPUT, message, possible=False)
    return exhibits


def _is_kept(deps: Dependencies, exhibit: str) -> bool:
    try:
        return deps.evidence.exists(exhibit)
    except BadReference as error:
        raise CallFailed(ErrorType.BAD_INPUT, str(error), possible=False) from error
    except EvidenceError as error:
        raise unavailable(error, possible=False) from error


def unavailable(error: EvidenceError, *, possible: bool) -> CallFailed:
    """The failure of a store that may do it later."""
    message = f"the evidence store did not do it: {type(error).__name__}"
    return CallFailed(ErrorType.UNAVAILABLE, message, possible=possible, detail={"why": "evidence"})
