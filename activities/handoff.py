"""Posting packets and answers to another region's gateway: checked, signed, sealed here, where the keys are.

What leaves is announced in the ledger before it is sent, as any disclosure is (the entries that ride along are there
before this begins, by the worker's interceptor). The receiver knows a handoff by its id
and takes it once, so a packet may be posted again until the other side has said that it has it.
"""

import asyncio
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal

import httpx2
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.dependencies import Dependencies, Peer
from schemas.actions import ErrorType
from schemas.json_value import Json
from schemas.ledger import ENTRY_VERSION, Entry, EntryKind
from schemas.notify import ACTIVITY_POST_ANSWER, ACTIVITY_POST_PACKET, PostPacketCall, PostReceipt
from watchfloor.connections.guarded import CallRefused
from watchfloor.ledger.port import EntryRefused, LedgerError
from watchfloor.regions.packets import PacketRefused, Posted, close_answer, close_packet
from watchfloor.regions.residency import Residency, load_residency
from watchfloor.signing import render_instant

ANSWER_LIMIT = 64 * 1024
"""Bytes of a gateway's answer that are read."""
_TIMEOUT = httpx2.Timeout(10.0)
_LONGEST_PAUSE = timedelta(minutes=1)
_CODE = re.compile(r"^[a-z][a-z_]{1,40}$")
_COME_AGAIN = frozenset({408, 425, 429})

Kind = Literal["packet", "answer"]


class HandoffPosts:
    """The two activities that send something to another region.

    Contract: may run twice; the receiver deduplicates by handoff id and digest. Ledger entries, on the chain of the
    workflow that asks: `effect.announced` before the first post, `effect.done` or `effect.failed` after. Raises
    `refused` (or the other side's own code, such as `late`) where trying again is useless, `unavailable` otherwise.
    """

    def __init__(self, deps: Dependencies, residency: Residency) -> None:
        self._deps = deps
        self._residency = residency

    @activity.defn(name=ACTIVITY_POST_PACKET)
    async def post(self, call: PostPacketCall) -> PostReceipt:
        return await self._send(call, "packet")

    @activity.defn(name=ACTIVITY_POST_ANSWER)
    async def answer(self, call: PostPacketCall) -> PostReceipt:
        return await self._send(call, "answer")

    async def _send(self, call: PostPacketCall, kind: Kind) -> PostReceipt:
        deps = self._deps
        peer = deps.peers.get(call["to_region"])
        if call["region"] != deps.region or peer is None:
            raise _refused(ErrorType.NOT_BOUND, f"`{deps.region}` knows no gateway of region `{call['to_region']}`")
        try:
            posted = self._close(call, kind, peer)
        except PacketRefused as error:
            await self._note(call, kind, EntryKind.FAILED, {"why": ErrorType.REFUSED})
            raise _refused(ErrorType.REFUSED, str(error)) from error
        await self._note(call, kind, EntryKind.ANNOUNCED, {"digest": posted.digest})
        try:
            told = await self._post(peer, kind, posted)
        except ApplicationError as error:
            if error.non_retryable:
                await self._note(call, kind, EntryKind.FAILED, {"digest": posted.digest, "why": error.type or ""})
            raise
        await self._note(call, kind, EntryKind.DONE, {"digest": posted.digest, "workflow": told["workflow"]})
        return {
            "workflow": told["workflow"],
            "digest": posted.digest,
            "posted_at": render_instant(deps.clock()),
            "peer_keys": dict(peer.keys.packets),
        }

    def _close(self, call: PostPacketCall, kind: Kind, peer: Peer) -> Posted:
        body: dict[str, Json] = dict(call["body"])
        routing = {"handoff": call["handoff"], "from_region": call["region"], "to_region": call["to_region"]}
        if any(body.get(name) != value for name, value in routing.items()):
            raise PacketRefused("the packet names another handoff or other regions than the call")
        if kind == "packet":
            return close_packet(body, self._deps.keys, peer.keys, self._residency)
        return close_answer(body, self._deps.keys, peer.keys)

    async def _post(self, peer: Peer, kind: Kind, posted: Posted) -> dict[str, str]:
        url = f"{peer.url.rstrip('/')}/handoffs/{kind}s"
        try:
            async with self._deps.http.stream(
                "POST", url, json=posted.sealed, timeout=_TIMEOUT, follow_redirects=False
            ) as response:
                content = await _read(response)
        except CallRefused as error:
            raise _refused(ErrorType.NOT_BOUND, f"the gateway of `{peer.region}` may not be called: {error}") from None
        except httpx2.HTTPError as error:
            raise ApplicationError(
                f"the gateway of `{peer.region}` did not answer: {type(error).__name__}", type=ErrorType.UNAVAILABLE
            ) from None
        status = response.status_code
        if status in _COME_AGAIN or status >= 500:
            raise ApplicationError(
                f"the gateway of `{peer.region}` answered {status}",
                type=ErrorType.UNAVAILABLE,
                next_retry_delay=_pause(response.headers.get("retry-after")),
            )
        told = _object(content)
        if not 200 <= status < 300:
            code = told.get("code")
            known = code if isinstance(code, str) and _CODE.match(code) else ErrorType.REFUSED
            raise _refused(known, f"the gateway of `{peer.region}` refused the {kind} ({status})")
        workflow = told.get("workflow")
        if told.get("digest") != posted.digest or not isinstance(workflow, str):
            raise ApplicationError(
                f"the gateway of `{peer.region}` acknowledged something else", type=ErrorType.UNAVAILABLE
            )
        return {"workflow": workflow[:100]}

    async def _note(self, call: PostPacketCall, kind: Kind, what: str, data: dict[str, Json]) -> None:
        """Append an effect entry once: its id is made of the key, and the first of its kind stays."""
        entry_id = f"{call['key']}:{what.removeprefix('effect.')}"
        if what != EntryKind.FAILED and await asyncio.to_thread(self._deps.ledger.find, entry_id) is not None:
            return
        info = activity.info()
        entry: Entry = {
            "v": ENTRY_VERSION,
            "id": entry_id if what != EntryKind.FAILED else f"{entry_id}:{info.attempt}",
            "chain": info.workflow_id or call["handoff"],
            "kind": what,
            "at": render_instant(self._deps.clock()),
            "actor": "engine",
            "step": "handoff",
            "path": kind,
            "data": {
                "action": f"handoff.{'post' if kind == 'packet' else 'answer'}",
                "effect": "discloses",
                "key": call["key"],
                "handoff": call["handoff"],
                "to": call["to_region"],
                **data,
            },
        }
        await self._append([entry])

    async def _append(self, entries: list[Entry]) -> None:
        try:
            if entries:
                await asyncio.to_thread(self._deps.ledger.append, entries)
        except EntryRefused as error:
            raise _refused(ErrorType.BAD_INPUT, f"the ledger refused an entry: {error}") from error
        except LedgerError as error:
            raise ApplicationError("the ledger took nothing, so nothing was sent", type=ErrorType.LEDGER) from error


def build(deps: Dependencies, residency: Residency | None = None) -> list[Callable[..., Any]]:
    """The activities of this module; `residency` is the shipped rules unless given.

    Raises:
        watchfloor.regions.residency.ResidencyRefused: the rules cannot be followed.
    """
    posts = HandoffPosts(deps, residency or load_residency())
    return [posts.post, posts.answer]


async def _read(response: httpx2.Response) -> bytes:
    content = b""
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > ANSWER_LIMIT:
            return b""
    return content


def _object(content: bytes) -> dict[str, Json]:
    try:
        told = json.loads(content)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _pause(retry_after: str | None) -> timedelta | None:
    if retry_after is None or not retry_after.isdigit():
        return None
    return min(timedelta(seconds=int(retry_after[:6])), _LONGEST_PAUSE)


def _refused(kind: str, message: str) -> ApplicationError:
    return ApplicationError(message, type=kind, non_retryable=True)
