"""`ledger.append` and `ledger.anchor`: the engine's own entries, and checkpoints that leave the machine."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
from temporalio import activity

from activities.dependencies import Dependencies, Peer
from activities.effects import EffectRunner
from activities.refusals import from_ledger, refusal
from schemas.actions import ErrorType
from schemas.decision import Envelope
from schemas.notify import ACTIVITY_ANCHOR, ACTIVITY_LEDGER, AnchorCall, AnchorReceipt, AppendCall
from watchfloor.evidence.port import EvidenceError
from watchfloor.ledger.checkpoint import sign_checkpoint
from watchfloor.ledger.port import LedgerError
from watchfloor.signing import canonical

POST_TIMEOUT = 10.0


def append(runner: EffectRunner) -> Callable[[AppendCall], Awaitable[int]]:
    """The activity that flushes a workflow's entries. May run twice: a repeated id does nothing."""

    @activity.defn(name=ACTIVITY_LEDGER)
    async def ledger_append(call: AppendCall) -> int:
        """Append; gives how many entries were handed in."""
        return len(await runner.append(call["entries"]))

    return ledger_append


def anchor(deps: Dependencies) -> Callable[[AnchorCall], Awaitable[AnchorReceipt]]:
    """The activity that signs the head of a chain and puts it where the ledger does not live.

    Durable: the checkpoint in the evidence store, under the hold `anchors~<chain>`, before any other region is told.
    May run twice: two checkpoints of one head say the same. A region that does not answer is named, never an error:
    the next anchor of the chain reaches it.
    """

    @activity.defn(name=ACTIVITY_ANCHOR)
    async def ledger_anchor(call: AnchorCall) -> AnchorReceipt:
        try:
            head = await asyncio.to_thread(deps.ledger.head, call["chain"])
            if head is None:
                return {"seq": 0, "head": "", "ref": "", "posted": [], "failed": []}
            at = deps.clock()
            envelope = sign_checkpoint(head, region=deps.region, key=deps.keys.ledger, at=at)
            ref = await asyncio.to_thread(_keep, deps, call["chain"], envelope)
            await asyncio.to_thread(deps.ledger.note_checkpoint, envelope, ref, at)
        except LedgerError as error:
            raise from_ledger(error) from error
        except EvidenceError as error:
            raise refusal(ErrorType.UNAVAILABLE, f"the checkpoint could not be kept: {error}") from error
        peers = list(deps.peers.values())
        reached = await asyncio.gather(*(_post(deps, peer, envelope) for peer in peers))
        names = [(peer.region, ok) for peer, ok in zip(peers, reached, strict=True)]
        return {
            "seq": head["seq"],
            "head": head["hash"],
            "ref": ref,
            "posted": [name for name, ok in names if ok],
            "failed": [name for name, ok in names if not ok],
        }

    return ledger_anchor


def anchors_hold(chain: str) -> str:
    """The hold under which a chain's checkpoints are kept; `Evidence.held` lists them without the ledger."""
    return f"anchors~{chain}"


def _keep(deps: Dependencies, chain: str, envelope: Envelope) -> str:
    ref = deps.evidence.put(canonical(dict(envelope)))
    deps.evidence.protect(ref, anchors_hold(chain))
    return ref


async def _post(deps: Dependencies, peer: Peer, envelope: Envelope) -> bool:
    try:
        response = await deps.http.post(
            f"{peer.url.rstrip('/')}/anchors", json=_plain(envelope), timeout=POST_TIMEOUT, follow_redirects=False
        )
    except httpx2.HTTPError as error:
        activity.logger.warning("anchor not posted", extra={"peer": peer.region, "error": type(error).__name__})
        return False
    if not response.is_success:
        activity.logger.warning("anchor refused", extra={"peer": peer.region, "status": response.status_code})
    return response.is_success


def _plain(envelope: Envelope) -> dict[str, Any]:
    return dict(envelope)
