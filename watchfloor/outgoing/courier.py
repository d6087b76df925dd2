"""Sends what the book says is due: signed anew at every attempt, in order within an incident.

A receiver that is down, slow or busy holds up nobody but itself: each subscription has a task of its own and at most
`AT_ONCE` requests under way. Within an incident the next event goes out only when the one before it was taken or given
up; other incidents go on meanwhile.
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from time import monotonic
from typing import Literal

import structlog
from standardwebhooks.webhooks import Webhook

from schemas.events import MEDIA_TYPE
from watchfloor.connections.answers import Outcome, read_retry_after
from watchfloor.connections.bindings import Subscription
from watchfloor.connections.calls import USER_AGENT, Request
from watchfloor.connections.port import CallFailed
from watchfloor.connections.rates import Bucket
from watchfloor.outgoing.book import Attempt, Book, BookUnavailable, Due

AT_ONCE = 8
"""Requests under way to one receiver."""
LOOK_EVERY = 1.0
"""Seconds at most between two looks at the book, so that what another process changed is seen."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=1)
"""After the first failure and at most between two attempts; doubled each time, with up to a half of it taken off."""
MAX_ANSWER = 64 * 1024
BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
"""Answers after which the whole receiver is left alone for a while."""
LONGEST_REST = timedelta(minutes=5)
"""A receiver that answers nothing at all is left alone for so long at most before a few events try it again."""
EXPIRE_EVERY = 600.0

Send = Callable[[Request], Awaitable[Outcome]]
Verdict = Literal["delivered", "later", "busy", "gone"]

log = structlog.get_logger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Receiver:
    """A subscription with what signs its events: the secret, and the old one while it is being changed."""

    name: str
    subscription: Subscription
    secrets: tuple[Webhook, ...]

    def request(self, event: str, body: str, at: datetime, timeout: float) -> Request:
        """The request of one attempt (Standard Webhooks; CloudEvents over HTTP in structured mode)."""
        headers = {
            "User-Agent": USER_AGENT,
            "Content-Type": f"{MEDIA_TYPE}; charset=utf-8",
            "Accept-Encoding": "identity",
            "webhook-id": event,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(one.sign(event, at, body) for one in self.secrets),
        }
        return Request("POST", self.subscription.url, headers, body.encode(), timeout, MAX_ANSWER)


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one request."""

    verdict: Verdict
    outcome: str
    status: int | None
    after: timedelta | None = None


async def post(send: Send, request: Request, now: datetime) -> Answered:
    """Send once and judge the answer: 2xx is taken, 410 ends the subscription, everything else is tried again."""
    try:
        answer = await send(request)
    except CallFailed as failure:
        found = failure.detail.get("status")
        status = found if isinstance(found, int) else None
        if status is not None and 200 <= status < 300:
            return Answered("delivered", "taken; its answer is too large and was not read", status)
        return Answered("later", str(failure)[:200], status)
    status = answer.status
    after = read_retry_after(answer.retry_after, now=now)
    if 200 <= status < 300:
        return Answered("delivered", "taken", status)
    if status == HTTPStatus.GONE:
        return Answered("gone", "gone: the receiver wants nothing more", status)
    if 300 <= status < 400:
        return Answered("later", "a redirect, which is not followed", status)
    if status in BUSY:
        return Answered("busy", "busy", status, after)
    return Answered("later", "refused" if status < 500 else "failed", status, after)


class Courier:
    """Sends to the receivers of one region. One at a time for each book."""

    def __init__(
        self,
        book: Book,
        receivers: Mapping[str, Receiver],
        send: Send,
        *,
        timeout: float = 10.0,
        clock: Callable[[], datetime] = _now,
        spread: Callable[[], float] = random.random,
        seen: Callable[[str, Attempt], None] = lambda verdict, attempt: None,
        look_every: float = LOOK_EVERY,
    ) -> None:
        """Args:
        book: what is due.
        receivers: whom to send to, by name.
        send: the guarded way out, `Wire.send`.
        timeout: seconds of one attempt as a whole.
        clock: aware UTC now.
        spread: a number from 0 to 1, another each time.
        seen: told of every attempt: what became of the event (delivered, waiting, dead), and the attempt.
        look_every: seconds at most between two looks at the book.
        """
        self._book, self._receivers, self._send = book, receivers, send
        self._timeout, self._clock, self._spread, self._seen = timeout, clock, spread, seen
        self._look_every = look_every
        self._silent: dict[str, int] = {}
        """Receiver -> attempts in a row that got no answer at all."""
        self._news = asyncio.Event()

    def tell(self) -> None:
        """There is something new in the book."""
        self._news.set()
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Send for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._expire())
            for receiver in self._receivers.values():
                group.create_task(self._serve(receiver))

    async def _serve(self, receiver: Receiver) -> None:
        bucket = Bucket(receiver.subscription.rate)
        under_way: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                # taken before the book is read: news in between are not slept over
                news = self._news
                pause = self._look_every
                try:
                    now = self._clock()
                    if await asyncio.to_thread(self._book.may_send, receiver.name, now):
                        for due in await asyncio.to_thread(
                            self._book.due, receiver.name, now, without=set(under_way), limit=AT_ONCE - len(under_way)
                        ):
                            under_way[due.chain] = asyncio.create_task(self._deliver(receiver, due, bucket))
                        next_at = await asyncio.to_thread(self._book.next_due, receiver.name)
                        if next_at is not None and next_at > now:
                            pause = min(pause, (next_at - now).total_seconds())
                except BookUnavailable as error:
                    log.warning("webhooks wait", subscription=receiver.name, error=type(error).__name__)
                await _wait_for(news, list(under_way.values()), pause)
                for chain in [chain for chain, task in under_way.items() if task.done()]:
                    under_way.pop(chain).result()
        finally:
            for task in under_way.values():
                task.cancel()

    async def _deliver(self, receiver: Receiver, due: Due, bucket: Bucket) -> None:
        """One attempt. Whatever ends it before the book has it, the event is due again with the same id."""
        await bucket.take(math.inf)
        at, began = self._clock(), monotonic()
        event = f"{due.chain}:{due.seq}"
        answered = await post(self._send, receiver.request(event, due.body, at, self._timeout), at)
        number, took = due.attempts + 1, timedelta(seconds=monotonic() - began)
        state: Literal["waiting", "delivered", "dead"] = "delivered"
        if answered.status is not None:
            self._silent[receiver.name] = 0
        next_at = rests_until = None
        if answered.verdict != "delivered":
            state, next_at = "waiting", at + self._pause(number, answered.after)
            rests_until = self._rest(receiver.name, answered, at)
            if next_at >= due.until and answered.verdict != "gone":
                state, next_at = "dead", None
        attempt = Attempt(
            receiver.name, due.chain, due.seq, due.kind, number, at, took, answered.status, answered.outcome, next_at
        )
        try:
            if answered.verdict == "gone":
                await asyncio.to_thread(self._book.disable, receiver.name, "the receiver answered 410 (gone)", at)
            await asyncio.to_thread(self._book.note, attempt, state, rests_until=rests_until)
        except BookUnavailable as error:
            log.warning("attempt not written down", subscription=receiver.name, error=type(error).__name__)
            await asyncio.sleep(self._look_every)
            return
        self._seen(state, attempt)
        if answered.verdict == "gone":
            log.error("subscription disabled", subscription=receiver.name, status=answered.status)
        elif state == "dead":
            log.error("event given up", subscription=receiver.name, incident=due.chain, seq=due.seq)

    def _rest(self, name: str, answered: Answered, at: datetime) -> datetime | None:
        """Until when the whole receiver is left alone: as long as it asks when it is busy; longer and longer when it
        has answered nobody at all for a while, so that one that is down costs little however much waits for it."""
        if answered.verdict == "busy":
            return at + (answered.after if answered.after is not None else FIRST_PAUSE)
        if answered.status is not None:
            return None
        silent = self._silent[name] = self._silent.get(name, 0) + 1
        if silent < AT_ONCE:
            return None
        return at + min(FIRST_PAUSE * (1 << min(silent // AT_ONCE - 1, 20)), LONGEST_REST)

    def _pause(self, number: int, after: timedelta | None) -> timedelta:
        """Doubled with each attempt, spread so that what failed together does not come back together."""
        longest = min(FIRST_PAUSE * (1 << min(number - 1, 20)), LONGEST_PAUSE)
        spread = longest * (1 - self._spread() / 2)
        return max(spread, after) if after is not None else spread

    async def _expire(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._book.expire, self._clock())
            except BookUnavailable as error:
                log.warning("webhooks wait", error=type(error).__name__)
            await asyncio.sleep(EXPIRE_EVERY)


async def _wait_for(news: asyncio.Event, tasks: list[asyncio.Task[None]], pause: float) -> None:
    """Until there is news, a task is done, or the time is over."""
    waiting = asyncio.create_task(news.wait())
    try:
        await asyncio.wait([waiting, *tasks], timeout=pause, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
