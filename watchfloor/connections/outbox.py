"""One destination's outbox: what comes faster than its rate is told in one message, the gravest first and alone.

Nothing is dropped: whoever hands a notice in waits until a message that carries it was taken, or is told that it was
not. The queue is in memory; the engine's own retries bring back what dies with the process.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from schemas.actions import ErrorType
from watchfloor.connections.bindings import Rate
from watchfloor.connections.deliveries import Delivery
from watchfloor.connections.port import CallFailed, Notice
from watchfloor.connections.rates import Bucket

MOST = 50
"""Notices that one message counts."""
PATIENCE = 10.0
"""Seconds that a notice waits for its turn here before it is handed back to be brought again later."""
LIFE = "S0"
"""The severity of danger to life: never held back behind anything else, never only counted."""


@dataclass(slots=True)
class _Waiting:
    notice: Notice
    again: Delivery | None
    taken: "asyncio.Future[datetime]"
    number: int

    @property
    def rank(self) -> tuple[bool, bool, int]:
        """Danger to life, then pages, then the tidying up of pages; each in the order they came."""
        return self.notice.severity != LIFE, self.notice.state != "open", self.number


Send = Callable[[Sequence[Notice], Delivery | None], Awaitable[datetime]]


class Outbox:
    """Serves its callers one message at a time."""

    def __init__(
        self,
        rate: Rate,
        send: Send,
        *,
        gathers: bool,
        clock: Callable[[], float] = monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Make an outbox.

        Args:
            rate: how often a message may go.
            send: sends one message with these notices, or one that may have been sent before once more.
            gathers: whether several notices may go in one message.
            clock: seconds that never go back.
            sleep: waits that long.
        """
        self._bucket = Bucket(rate, clock)
        self._send = send
        self._gathers = gathers
        self._clock, self._sleep = clock, sleep
        self._waiting: list[_Waiting] = []
        self._serving: asyncio.Task[None] | None = None
        self._closed_until = 0.0
        self._count = 0

    async def deliver(self, notice: Notice, again: Delivery | None = None) -> datetime:
        """Hand a notice in; gives when a message that carries it was taken.

        Raises:
            CallFailed: it was not, or nobody knows; `retry_after` when the destination asked to be left alone.
        """
        closed = self._closed_until - self._clock()
        if closed > PATIENCE:
            raise _busy(closed)
        self._count += 1
        mine = _Waiting(notice, again, asyncio.get_running_loop().create_future(), self._count)
        self._waiting.append(mine)
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
        try:
            return await mine.taken
        finally:
            if mine in self._waiting:
                self._waiting.remove(mine)

    async def _serve(self) -> None:
        while self._waiting:
            pause = max(self._closed_until - self._clock(), 0.0)
            if pause > PATIENCE:
                self._refuse_all(_busy(pause))
                return
            if pause:
                await self._sleep(pause)
            turn = self._bucket.reserve(PATIENCE)
            if turn is None:
                self._refuse_all(_busy(PATIENCE))
                return
            if turn:
                await self._sleep(turn)
            batch = self._pick()
            if batch:
                await self._carry(batch)

    def _pick(self) -> list[_Waiting]:
        """What goes next: one alone, or all that wait and may be counted together."""
        waiting = sorted(self._waiting, key=lambda one: one.rank)
        if not waiting:
            return []
        first = waiting[0]
        batch = [first]
        together = [one for one in waiting if _may_gather(one)]
        if self._gathers and _may_gather(first) and len(together) > 1 + self._bucket.left():
            batch = together[:MOST]
        self._waiting = [one for one in self._waiting if one not in batch]
        return batch

    async def _carry(self, batch: list[_Waiting]) -> None:
        try:
            at = await self._send([one.notice for one in batch], batch[0].again)
        except CallFailed as failure:
            if failure.retry_after is not None:
                self._closed_until = self._clock() + failure.retry_after.total_seconds()
            for one in batch:
                if not one.taken.done():
                    one.taken.set_exception(failure)
            return
        except BaseException:
            for one in batch:
                one.taken.cancel()
            raise
        for one in batch:
            if not one.taken.done():
                one.taken.set_result(at)

    def _refuse_all(self, failure: CallFailed) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.taken.done():
                one.taken.set_exception(failure)


def _may_gather(one: _Waiting) -> bool:
    """Danger to life goes alone; so does what ends a page, and what may have been sent before."""
    return one.notice.severity != LIFE and one.notice.state == "open" and one.again is None


def _busy(seconds: float) -> CallFailed:
    message = "the destination is sent more than its rate allows; it is brought again later"
    after = timedelta(seconds=seconds)
    return CallFailed(ErrorType.UNAVAILABLE, message, possible=False, retry_after=after, detail={"why": "rate"})
