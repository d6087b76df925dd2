"""The conflict order at the effect: nothing is deleted, and no hold let go, against a claim that still binds.

What holds claim is kept in the evidence store from their first freeze until each source was told to let go. An
approved deletion is the weakest claim (step 5): people who approve it do not set aside a floor or a hold. Every ruling
on a deletion is written into the ledger with its reasoning before anything is sent.
"""

import asyncio
from datetime import UTC, datetime
from typing import cast

from activities.dependencies import Dependencies
from activities.records import Past, Standing
from schemas.actions import ActionCall, ErrorType
from schemas.json_value import Json
from schemas.ledger import ENTRY_VERSION, Entry, EntryKind
from watchfloor.connections.port import CallFailed
from watchfloor.evidence.port import EvidenceError
from watchfloor.evidence.terms import HoldTerms, name_digest
from watchfloor.ledger.port import LedgerError
from watchfloor.retention import Claim, Copy, Kind, Ruling, decide, stand
from watchfloor.signing import digest, envelope_digest, render_instant

DELETION = "approved-deletion"
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


async def check_claims(deps: Dependencies, call: ActionCall) -> None:
    """Decide about one item before it is deleted; the ruling goes into the ledger, whichever way it falls.

    Raises:
        CallFailed: `refused` while a claim keeps the item or people have to say something first; `unavailable` when
            the claims cannot be read; `ledger_unavailable` when the ruling cannot be written down.
    """
    past = await find_past(deps, call)
    if past.standing is Standing.DONE:
        return  # it is gone already; a claim of today is no reason to say that it was refused
    url, snapshot = str(call["inputs"]["url"]), str(call["inputs"]["snapshot"])
    now = deps.clock()
    held = await asyncio.to_thread(claims_on, deps, snapshot, {url, snapshot})
    grant = call["grant"]
    approved = envelope_digest(grant["decisions"][0]) if grant and grant["decisions"] else ""
    deletion = Claim(
        DELETION,
        "ttl",
        frozenset({snapshot}),
        since=now,
        until=now,
        title="deletion that people approved",
        authority=approved,
    )
    ruling = decide(Copy(snapshot, frozenset({url})), [*held, deletion], now)
    await write_down(deps, call, snapshot, ruling)
    if not ruling.destroys:
        by = ", ".join(ruling.decided_by)
        message = f"the item is not deleted: {by} keeps it (step {ruling.step} of the conflict order); see the ledger"
        # an earlier request may have gone out before the claim was there: the doubt about it stays
        possible = past.standing is not Standing.CLEAR
        detail: dict[str, Json] = {"why": "retention", "rule": ruling.step, "by": by}
        raise CallFailed(ErrorType.REFUSED, message, possible=possible, detail=detail)


async def check_floor(deps: Dependencies, call: ActionCall) -> None:
    """Look once more, at the effect, whether the law's minimum has ended before a source is told to let go.

    Raises:
        CallFailed: `refused` while the floor binds; `unavailable` when the claims cannot be read.
    """
    hold, source = str(call["inputs"]["hold"]), str(call["inputs"]["source"])
    for terms in await asyncio.to_thread(_read, deps):
        if (terms.hold, terms.source) != (hold, source) or terms.kind != "floor":
            continue
        standing = stand(_claim(terms, frozenset({hold})), Copy(hold), deps.clock())
        # a hold that nobody has released is doubtful after its end; this call is the release
        if standing.force == "binds":
            until = render_instant(terms.until) if terms.until else "no end set"
            message = f"the law keeps this hold until {until}; it is not let go earlier, whoever decided it"
            raise CallFailed(ErrorType.REFUSED, message, possible=False, detail={"why": "floor", "row": terms.row})


async def find_past(deps: Dependencies, call: ActionCall) -> Past:
    """What the ledger has about a call already.

    Raises:
        CallFailed: `ledger_unavailable`.
    """
    try:
        return Past(await asyncio.to_thread(deps.ledger.about, call["key"]))
    except LedgerError as error:
        message = "the ledger cannot be read, so nothing was sent"
        raise CallFailed(ErrorType.LEDGER, message, possible=False) from error


def claims_on(deps: Dependencies, snapshot: str, names: set[str]) -> list[Claim]:
    """What holds claim of a preserved copy that is known under these names.

    Raises:
        CallFailed: `unavailable`; then nobody may rely on there being none.
    """
    wanted = {name_digest(name) for name in names}
    terms = [one for one in _read(deps) if not wanted.isdisjoint(one.names)]
    claims = [_claim(one, frozenset({snapshot})) for one in terms]
    known = {one.hold for one in terms}
    try:
        unexplained = [hold for hold in deps.evidence.holds(snapshot) if hold not in known]
    except EvidenceError as error:
        raise _unavailable(error) from error
    # a hold of an older engine says only that it lies on the copy; it keeps it as one whose end nobody knows
    return claims + [Claim(hold, "floor", frozenset({snapshot}), since=_ALWAYS, held=True) for hold in unexplained]


def _claim(terms: HoldTerms, scope: frozenset[str]) -> Claim:
    return Claim(
        f"{terms.hold}/{terms.source}",
        cast(Kind, terms.kind),
        scope,
        since=terms.since,
        until=terms.until,
        title=terms.title,
        law=terms.law,
        row=terms.row,
        held=True,
    )


def _read(deps: Dependencies) -> list[HoldTerms]:
    try:
        return deps.evidence.claims()
    except EvidenceError as error:
        raise _unavailable(error) from error


def _unavailable(error: EvidenceError) -> CallFailed:
    message = f"what holds claim cannot be read, so nothing is deleted or let go: {type(error).__name__}"
    return CallFailed(ErrorType.UNAVAILABLE, message, possible=False, detail={"why": "evidence"})


async def write_down(deps: Dependencies, call: ActionCall, copy: str, ruling: Ruling, under: str = "") -> None:
    """Append the ruling, under an id of its own: each look is an entry, and none says anything of the effect.

    Args:
        under: what it is ruled under the assumption of; stands before the reasoning.

    Raises:
        CallFailed: `ledger_unavailable`.
    """
    data: dict[str, Json] = {
        "copy": copy,
        "ruling": ruling.action,
        "rule": ruling.step,
        "by": list(ruling.decided_by),
        "awaits": list(ruling.awaits),
        "next_at": render_instant(ruling.next.at) if ruling.next else "",
        "reasoning": [*([under] if under else []), *ruling.reasoning],
    }
    entry: Entry = {
        "v": ENTRY_VERSION,
        "id": f"{call['incident']}:retention:{digest({'key': call['key'], **data})[7:39]}",
        "chain": call["incident"],
        "kind": EntryKind.RETENTION,
        "at": render_instant(ruling.at),
        "actor": "engine",
        "step": call["step"],
        "path": call["path"],
        "data": data,
    }
    try:
        await asyncio.shield(asyncio.to_thread(deps.ledger.append, [entry]))
    except LedgerError as error:
        message = "the ruling could not be written down, so nothing was sent"
        raise CallFailed(ErrorType.LEDGER, message, possible=False) from error
