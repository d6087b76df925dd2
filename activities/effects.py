"""Exactly once in effect: the one way in which every action is carried out.

    check the call and its grant ─> announce in the ledger ─> send ─> record the outcome

What a later attempt does is decided from the ledger alone (`activities.records`). A request that was announced and
has no outcome may have taken effect: a target that honours the key gets it again, one that can be looked up is asked
once the request can no longer be under way, for any other a person is asked. So nothing is sent twice blindly,
whichever process died where (security.md, "Effects").
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import uuid4

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.dependencies import Dependencies
from activities.guards import PRECONDITIONS, check_call
from activities.records import Past, Standing, announcement, receipt_of, record, recorded_receipt
from activities.refusals import from_call, from_ledger, refusal
from activities.registry import CATALOG, INTERNAL
from activities.values import Mismatch, check_values, size_of
from schemas.actions import OUTPUT_LIMIT, ActionCall, ActionContract, ActionReceipt, ErrorType
from schemas.json_value import Json
from schemas.ledger import Entry, EntryKind, StoredEntry
from watchfloor.connections.port import IN_STORE, OF_STORE, THROUGH_CHANNELS, CallFailed, Terms
from watchfloor.ledger.port import LedgerError
from watchfloor.signing import render_instant

Act = Callable[[], Awaitable[ActionReceipt]]

_CLEAN = frozenset({ErrorType.REFUSED, ErrorType.BAD_INPUT, ErrorType.NO_GRANT, ErrorType.NOT_BOUND, ErrorType.KILLED})
"""Types by which a body says that nothing was done."""
_HEARTBEAT = 1.0

_admitted: ContextVar[str] = ContextVar("admitted")


def require_admission(call: ActionCall) -> None:
    """Refuse to act for a call that did not come through `EffectRunner`: a worker wired without its interceptor.

    Raises:
        CallFailed: `ledger_unavailable`; nothing was announced, so nothing is sent.
    """
    if _admitted.get("") != call["key"]:
        message = "this call was not announced; wire the worker with `activities.assembly.interceptors`"
        raise CallFailed(ErrorType.LEDGER, message, possible=False)


class EffectRunner:
    """Carries out calls for one worker.

    Durable: the announcement and every outcome, in the ledger, before the next thing is done. What may run twice: the
    request, at a target that honours its key. The idempotency key is `ActionCall.key`. Ledger entries:
    `effect.announced` (one per request sent), then one of `effect.done`, `effect.failed`, `effect.doubtful`;
    `effect.resolved` when a person has said what became of it; for reads one of `read.done`, `read.failed`.
    """

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    async def carry_out(self, call: ActionCall, act: Act) -> ActionReceipt:
        """Carry out one call.

        Args:
            call: as the workflow made it.
            act: sends the request once; raises `CallFailed`.

        Raises:
            ApplicationError: its type is one of `ErrorType`.
        """
        try:
            contract = check_call(self._deps, call)
            if call["action"] in PRECONDITIONS:
                await PRECONDITIONS[call["action"]](self._deps, call)
            terms = self._terms(call["action"])
        except CallFailed as failure:
            await self._note_refusal(call, failure)
            raise from_call(failure) from failure
        if contract["effect"] == "reads":
            return await self._read(call, contract, terms, act)
        if terms is None:
            raise refusal(ErrorType.NOT_BOUND, f"`{call['action']}` is not bound to a system")
        return await self._effect(call, contract, terms, act)

    def _terms(self, action: str) -> Terms | None:
        if action in IN_STORE:
            return OF_STORE
        return None if action in THROUGH_CHANNELS else self._deps.bindings.terms(action)

    async def _admit(self, action: str) -> None:
        if action not in IN_STORE:
            await self._deps.bindings.admit(action)

    async def append(self, entries: Sequence[Entry]) -> list[StoredEntry]:
        """Append entries on behalf of an activity.

        Raises:
            ApplicationError: `ledger_unavailable`, or `bad_input` for what is no entry.
        """
        if not entries:
            return []
        try:
            # a write that has begun is completed even when the activity is cancelled meanwhile
            return await asyncio.shield(asyncio.to_thread(self._deps.ledger.append, list(entries)))
        except LedgerError as error:
            raise from_ledger(error) from error

    async def _read(self, call: ActionCall, contract: ActionContract, terms: Terms | None, act: Act) -> ActionReceipt:
        past = await self._past(call)
        await self.append(call["entries"])
        if past.done is not None:
            return self._recorded(call, past.done)
        try:
            if terms is not None:
                await self._admit(call["action"])
            receipt = await self._act(call, act)
        except CallFailed as failure:
            await self.append([self._failure(call, EntryKind.READ_FAILED, failure)])
            raise from_call(failure) from failure
        return await self._record(call, contract, receipt, EntryKind.READ, "read")

    async def _effect(self, call: ActionCall, contract: ActionContract, terms: Terms, act: Act) -> ActionReceipt:
        past = await self._past(call)
        if past.standing is Standing.DONE and past.done is not None:
            await self.append(call["entries"])
            return self._recorded(call, past.done)
        riding = list(call["entries"])
        word = call.get("resolution")
        if word is not None and past.takes_word:
            number = sum(entry["kind"] == EntryKind.RESOLVED for entry in past.entries) + 1
            resolved = self._entry(call, EntryKind.RESOLVED, f"resolved:{number}", {"resolution": word})
            if word == "happened":
                return await self._confirm(call, contract, past, [*riding, resolved])
            riding.append(resolved)
        elif past.standing in {Standing.DOUBTFUL, Standing.ASKED}:
            found = await self._clear_doubt(call, contract, terms, past)
            if found is not None:
                return found
        return await self._send(call, contract, terms, act, past, riding)

    async def _clear_doubt(
        self, call: ActionCall, contract: ActionContract, terms: Terms, past: Past
    ) -> ActionReceipt | None:
        """Find out what became of the last request; None when the request may be sent (again)."""
        if terms.idempotency == "none":
            raise await self._doubt(call, past, call["entries"])
        if terms.idempotency != "lookup":
            return None
        await self._settle(terms, past)
        try:
            answer = await self._deps.bindings.look_up(call)
        except CallFailed as failure:
            # what was asked is only a question; the effect stays as doubtful as it was
            raise refusal(ErrorType.UNAVAILABLE, str(failure), retry_after=failure.retry_after) from failure
        if answer is None:
            return None
        receipt = receipt_of(call, answer.outputs, answer.at)
        receipt["resolved"] = "looked_up"
        await self.append(call["entries"])
        return await self._record(call, contract, receipt, EntryKind.DONE, "done")

    async def _send(
        self,
        call: ActionCall,
        contract: ActionContract,
        terms: Terms,
        act: Act,
        past: Past,
        riding: list[Entry],
    ) -> ActionReceipt:
        number = past.announcements + 1
        try:
            await self._admit(call["action"])
        except CallFailed as failure:
            # the turn may be far off; what the run has to say does not wait for it
            await self.append(call["entries"])
            raise from_call(failure) from failure
        announced = announcement(call, contract, at=self._now(), number=number)
        # from here to the request may pass no longer than `patience`: a look-up counts on it
        begun = monotonic()
        try:
            await asyncio.to_thread(self._deps.ledger.announce, riding, announced, terms.cap if number == 1 else None)
        except LedgerError as error:
            raise from_ledger(error) from error
        try:
            if monotonic() - begun > terms.patience.total_seconds():
                message = "the worker stood still between the announcement and the request; nothing was sent"
                raise CallFailed(ErrorType.UNAVAILABLE, message, possible=False, detail={"why": "stalled"})
            receipt = await self._act(call, act)
        except CallFailed as failure:
            if failure.possible and terms.idempotency == "none":
                raise await self._doubt(call, await self._past(call), [], failure) from failure
            await self.append([self._failure(call, EntryKind.FAILED, failure, number)])
            raise from_call(failure) from failure
        return await self._record(call, contract, receipt, EntryKind.DONE, "done")

    async def _act(self, call: ActionCall, act: Act) -> ActionReceipt:
        token = _admitted.set(call["key"])
        try:
            return await act()
        except ApplicationError as error:
            type_ = error.type or ErrorType.UNAVAILABLE
            raise CallFailed(
                type_, str(error), possible=type_ not in _CLEAN, retry_after=error.next_retry_delay
            ) from error
        finally:
            _admitted.reset(token)

    async def _record(
        self, call: ActionCall, contract: ActionContract, receipt: ActionReceipt, kind: str, suffix: str
    ) -> ActionReceipt:
        """Record what was done and hold its outputs against the contract. An answer that cannot be used is no reason to
        do an effect again: it is recorded as done with its outputs withheld. A read is not done by such an answer."""
        outputs = receipt["outputs"]
        withheld = _withheld(contract, outputs)
        if withheld is None:
            data: dict[str, Json] = {"resolved": receipt["resolved"], "outputs": outputs}
        else:
            data = {"resolved": receipt["resolved"], "withheld": withheld.type}
            if kind == EntryKind.READ:
                await self.append([self._failure(call, EntryKind.READ_FAILED, withheld)])
                raise from_call(withheld) from withheld
        (stored,) = await self.append([self._entry(call, kind, suffix, data)])
        if withheld is not None:
            raise from_call(withheld) from withheld
        if stored["kind"] == EntryKind.CONFLICT:
            # another attempt recorded its outcome first; there is one truth and it is the ledger's
            first = (await self._past(call)).done
            return receipt if first is None else self._recorded(call, first)
        return receipt

    def _recorded(self, call: ActionCall, done: StoredEntry) -> ActionReceipt:
        withheld = done["data"].get("withheld")
        if withheld is not None:
            message = f"`{call['action']}` is done, but its answer could not be used; it is not done again"
            raise refusal(str(withheld), message)
        return recorded_receipt(call, done)

    async def _confirm(
        self, call: ActionCall, contract: ActionContract, past: Past, entries: list[Entry]
    ) -> ActionReceipt:
        """A person says that it happened. Nobody has the answer; its instants are those of the request."""
        at = past.announced_at or self._now()
        outputs: dict[str, Json] = {
            name: render_instant(at) for name, spec in contract["outputs"].items() if spec["type"] == "timestamp"
        }
        done = self._entry(call, EntryKind.DONE, "done", {"resolved": "confirmed", "outputs": outputs})
        await self.append([*entries, done])
        return {"outputs": outputs, "key": call["key"], "resolved": "confirmed", "done_at": done["at"]}

    async def _doubt(
        self, call: ActionCall, past: Past, riding: Sequence[Entry], failure: CallFailed | None = None
    ) -> ApplicationError:
        """Write down that nobody knows, and give the error by which the run asks a person."""
        entries = list(riding)
        if past.standing is not Standing.ASKED:
            data: dict[str, Json] = {"n": past.announcements, **(failure.detail if failure else {})}
            entries.append(self._entry(call, EntryKind.DOUBTFUL, f"doubtful:{past.announcements}", data))
        await self.append(entries)
        message = f"`{call['action']}` may have taken effect; its target can neither deduplicate nor be looked up"
        return refusal(ErrorType.OUTCOME_UNKNOWN, message)

    async def _settle(self, terms: Terms, past: Past) -> None:
        """Wait until the last request can no longer be under way, here when the attempt has the time, else later."""
        if past.announced_at is None:
            return
        # a ledger clock that was set back must not make anybody wait longer than the promise
        left = min(past.announced_at + terms.settle - self._now(), terms.settle)
        if left <= timedelta():
            return
        if left + 2 * terms.patience > _time_left():
            message = "the last request may still be under way; it is looked up when that is over"
            raise refusal(ErrorType.UNAVAILABLE, message, retry_after=left)
        until = monotonic() + left.total_seconds()
        while (rest := until - monotonic()) > 0:
            await asyncio.sleep(min(rest, _HEARTBEAT))
            activity.heartbeat()

    async def _past(self, call: ActionCall) -> Past:
        try:
            return Past(await asyncio.to_thread(self._deps.ledger.about, call["key"]))
        except LedgerError as error:
            raise from_ledger(error) from error

    async def _note_refusal(self, call: ActionCall, failure: CallFailed) -> None:
        """What was refused here leaves no history but this."""
        contract = CATALOG.get(call["action"]) or INTERNAL.get(call["action"])
        reads = contract is not None and contract["effect"] == "reads"
        kind = EntryKind.READ_FAILED if reads else EntryKind.FAILED
        await self.append([*call["entries"], self._failure(call, kind, failure)])

    def _failure(self, call: ActionCall, kind: str, failure: CallFailed, number: int = 0) -> Entry:
        """Each attempt's failure is an entry of its own, so its id is not made from the key alone."""
        data: dict[str, Json] = {"error": failure.type, "possible": failure.possible, **failure.detail}
        if number:
            data["n"] = number
        return self._entry(call, kind, f"failed:{uuid4().hex[:12]}", data)

    def _entry(self, call: ActionCall, kind: str, suffix: str, data: dict[str, Json]) -> Entry:
        return record(call, kind, suffix, at=self._now(), data=data)

    def _now(self) -> datetime:
        return self._deps.clock()


def _withheld(contract: ActionContract, outputs: dict[str, Json]) -> CallFailed | None:
    """Why outputs are not given to the run; None when they are as agreed."""
    if size_of(outputs) > OUTPUT_LIMIT:
        message = f"`{contract['name']}` gave more than {OUTPUT_LIMIT} bytes"
        return CallFailed(ErrorType.TOO_LARGE, message, possible=True, detail={"why": "outputs"})
    try:
        check_values(outputs, contract["outputs"], what="output")
    except Mismatch as error:
        message = f"the answer to `{contract['name']}` is not what was agreed: {error}"
        return CallFailed(ErrorType.REFUSED, message, possible=True, detail={"why": "outputs"})
    return None


def _time_left() -> timedelta:
    """How long this attempt may still last; nothing outside a worker."""
    if not activity.in_activity():
        return timedelta()
    info = activity.info()
    if info.start_to_close_timeout is None:
        return timedelta()
    return info.started_time + info.start_to_close_timeout - datetime.now(UTC)
