"""What an order has to do with runs that are open: the same content merges it into one, the same account links them.

Decided by the claims (`watchfloor.intake`), carried out here. The face signs what a run is told of a merged order, and
the run verifies it; what it is told twice it takes once. An order counts as merged only when the engine holds it for
the run.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import cast

from schemas.decision import MERGE, Merge
from schemas.incident import SIGNAL_MERGE
from schemas.json_value import Json
from schemas.plan import Plan
from watchfloor.client.engine import claim_state, engine_errors
from watchfloor.client.errors import EngineUnavailable, NotFound
from watchfloor.client.face import Face
from watchfloor.client.orders import Order
from watchfloor.intake.claims import Claim, Claims, ClaimsUnavailable, Marks, State
from watchfloor.signing import opaque_id, parse_instant, render_instant

LEASE = timedelta(minutes=1)
"""How long a claim holds its content for a run that is not there yet: its face is about to start it, or died."""
_PATIENCE = timedelta(seconds=10)
"""How long an order waits for such a run, before its sender is told to come again."""
_LOOK = 0.1


def marks_of(face: Face, plan: Plan, order: Order) -> Marks:
    """Keyed hashes of an order's content and accounts. Content counts for one runbook, an account for all of them."""
    content = tuple(opaque_id("same", face.secret, plan["id"], one) for one in order.content)
    return Marks(content, tuple(opaque_id("account", face.secret, one) for one in order.account))


async def take_claim(face: Face, incident: str, content: str, marks: Marks, plan: Plan, order: Order) -> Claim:
    """Claim an order; one over the content of an open run is merged into it, which knows of it when this returns.

    Raises:
        EngineUnavailable: nothing could be claimed or told; sending the same order again is safe.
    """
    assert face.claims is not None
    ended: set[str] = set()
    gone: set[str] = set()
    waited = timedelta()
    while True:
        claim = await _take(face.claims, incident, content, marks, ended, gone)
        if claim.state != "merged" or claim.told:
            return claim
        state = await claim_state(face, claim.into)
        if state is None and not _is_stale(claim):
            if waited >= _PATIENCE:
                raise EngineUnavailable(
                    f"another order over the same content was claimed as {claim.into} and has not started yet; nothing "
                    "was started; send the same order again in a minute"
                )
            await asyncio.sleep(_LOOK)
            waited += timedelta(seconds=_LOOK)
        elif state is None:
            gone.add(claim.into)
        elif state != "started" or not await _tell(face, claim, plan, order):
            ended.add(claim.into)
            await _note(face.claims, claim.into, state)
        else:
            await _told(face.claims, incident)
            return claim


async def _take(claims: Claims, incident: str, content: str, marks: Marks, ended: set[str], gone: set[str]) -> Claim:
    try:
        return await asyncio.to_thread(claims.take, incident, content, marks, ended=ended, gone=gone)
    except ClaimsUnavailable as error:
        raise EngineUnavailable(str(error)) from error


async def _note(claims: Claims, incident: str, state: State) -> None:
    if state in {"closed", "lost"}:
        try:
            await asyncio.to_thread(claims.note, incident, state)
        except ClaimsUnavailable as error:
            raise EngineUnavailable(str(error)) from error


async def _told(claims: Claims, incident: str) -> None:
    try:
        await asyncio.to_thread(claims.told, incident)
    except ClaimsUnavailable:
        return  # it is told again with the next repetition, and counts once


def _is_stale(claim: Claim) -> bool:
    return not claim.claimed_at or datetime.now(UTC) - parse_instant(claim.claimed_at) > LEASE


async def _tell(face: Face, claim: Claim, plan: Plan, order: Order) -> bool:
    """Have the run take the order in; False when it is over."""
    body: Merge = {
        "v": 1,
        "region": face.region,
        "namespace": face.namespace,
        "incident": claim.into,
        "delivery": claim.incident,
        "source": order.source,
        "received_at": order.received_at,
        "known_at": order.known_at or order.received_at,
        "issued_at": render_instant(datetime.now(UTC)),
        # the same order is the same word, however often it is sent
        "nonce": opaque_id("merge", face.secret, claim.into, claim.incident),
    }
    envelope = face.sign(MERGE, cast(dict[str, Json], body))
    handle = face.client.get_workflow_handle(claim.into)
    try:
        async with engine_errors(face, "sending the same order again is safe", looked_for=claim.into):
            # not an update: of those an engine keeps ten open for one run, and a hundred may come at once
            await handle.signal(SIGNAL_MERGE, envelope)
    except NotFound:
        return False
    return True
