"""Looks what became of the runs of open claims, while the engine still knows: beside the gateway, until it stops."""

import asyncio
from datetime import UTC, datetime, timedelta

import structlog

from watchfloor.client.engine import claim_state
from watchfloor.client.errors import EngineUnavailable
from watchfloor.client.face import Face
from watchfloor.intake.claims import Claims, ClaimsUnavailable

EVERY = timedelta(minutes=1)
AGAIN_AFTER = timedelta(hours=1)
"""How long a claim is not looked at again; far shorter than any namespace keeps a closed run (a day at least)."""

log = structlog.get_logger(__name__)


async def keep_sweeping(face: Face, claims: Claims) -> None:
    """Sweep for ever. A store or an engine that does not answer is only waited for."""
    while True:
        try:
            await sweep(face, claims, now=datetime.now(UTC))
        except (ClaimsUnavailable, EngineUnavailable) as error:
            log.warning("claims wait", error=type(error).__name__)
        await asyncio.sleep(EVERY.total_seconds())


async def sweep(face: Face, claims: Claims, *, now: datetime) -> int:
    """Write down what the engine says of runs whose end is not known; gives how many were looked at.

    A claim whose run was never started stays: what it asked for is not kept here, its sender was told that nothing is
    known to have started, and sends it again.

    Raises:
        ClaimsUnavailable: the claims cannot be read or written.
        EngineUnavailable: the engine does not answer.
    """
    found = await asyncio.to_thread(claims.unsettled, before=now - AGAIN_AFTER)
    for claim in found:
        state = await claim_state(face, claim.incident)
        if state is None:
            if claim.state == "started":
                log.warning("a run is gone whose end nobody saw", incident=claim.incident)
            await asyncio.to_thread(claims.looked, claim.incident, now=now)
        else:
            await asyncio.to_thread(claims.note, claim.incident, state, now=now)
    await asyncio.to_thread(claims.forget, now=now)
    return len(found)
