"""How much is begun at once: what is too much is told when to come again, instead of waiting until it times out.

Who is turned away gets an appointment: `retry-after` counts everybody who was turned away before and is not due yet, at
the pace at which things have been done lately. So a burst comes back spread over the time that it takes, and not all
together in two seconds.
"""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic

from starlette.types import ASGIApp, Receive, Scope, Send

from watchfloor.gateway.problems import Problem, turn_away

WAITS = 3.0
"""Seconds for which somebody may have to wait for a place; who would wait longer is told to come again, because many
senders give up after five or ten."""
LONGEST = 60
"""Seconds of the latest appointment: nobody who can wait should think that nobody answers."""
_WEIGHT = 0.1
"""How much of the pace the last one makes up."""
_BUSY = "more is begun here than can be at once; nothing was done; come again when `retry-after` says"
_STREAMS = (
    "{most} event streams of yours are open already, as many as one key or person may have; close some of them first"
)
_REQUESTS = "{most} requests of yours are under way already; nothing was done; wait for answers, then come again"
_PLACE = "watchfloor.place"


class Admission:
    """Lets so many in at once and so many wait for it."""

    def __init__(self, at_once: int = 16, room: int = 64, *, clock: Callable[[], float] = monotonic) -> None:
        """`room` is how many may wait at most; fewer where things take so long that it would be for over `WAITS`."""
        self._turns = asyncio.Semaphore(at_once)
        self._at_once = at_once
        self._room = room
        self._clock = clock
        self._waiting = 0
        self._takes = 0.1
        self._next = clock()
        self.turned_away = 0

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        """A place, in the order of coming.

        Raises:
            Problem: 503 with the appointment; no place and no room to wait for one, or none came free in time.
        """
        if self._waiting >= self._room or self._waiting * self._pace > WAITS:
            raise self._turn_away()
        self._waiting += 1
        try:
            # the pace is what was, and a burst begins with what was before it
            async with asyncio.timeout(WAITS):
                await self._turns.acquire()
        except TimeoutError:
            raise self._turn_away() from None
        finally:
            self._waiting -= 1
        began = self._clock()
        try:
            yield
        finally:
            self._turns.release()
            self._takes += _WEIGHT * (self._clock() - began - self._takes)

    @property
    def _pace(self) -> float:
        """Seconds between two that come out, as things have been lately."""
        return self._takes / self._at_once

    def _turn_away(self) -> Problem:
        self.turned_away += 1
        return Problem(503, "busy", _BUSY, retry_after=self._appoint())

    def _appoint(self) -> int:
        now, pace = self._clock(), self._pace
        self._next = min(max(self._next, now + self._waiting * pace) + pace, now + LONGEST)
        return max(1, math.ceil(self._next - now))


class Places:
    """ASGI: so many requests at once in the whole process, and apart from them so many event streams.

    Of both one visitor, a key or a person, has only a part (`claim`): a flood by one leaves room for the others.
    """

    def __init__(
        self,
        app: ASGIApp,
        requests: int = 1000,
        streams: int = 500,
        *,
        requests_each: int = 250,
        streams_each: int = 50,
    ) -> None:
        """`requests_each` and `streams_each` are what one visitor has at most."""
        self._app = app
        self._free = {False: requests, True: streams}
        self._most = {False: requests_each, True: streams_each}
        self._taken: Counter[tuple[bool, str]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        streams = scope["method"] == "GET" and scope["path"].endswith("/events")
        if self._free[streams] <= 0:
            await turn_away(scope, receive, send, Problem(503, "busy", _BUSY, retry_after=2))
            return
        self._free[streams] -= 1
        place = scope[_PLACE] = _Place(streams, self._most[streams], self._taken)
        try:
            await self._app(scope, receive, send)
        finally:
            self._free[streams] += 1
            place.leave()


class _Place:
    """The place of one request, nobody's until it is claimed."""

    def __init__(self, streams: bool, most: int, taken: Counter[tuple[bool, str]]) -> None:
        self._streams, self._most, self._taken = streams, most, taken
        self._of: str | None = None

    def claim(self, visitor: str) -> None:
        if self._of == visitor:
            return
        self.leave()
        if self._taken[self._streams, visitor] >= self._most:
            if self._streams:
                raise Problem(429, "rate", _STREAMS.format(most=self._most), retry_after=30)
            raise Problem(429, "rate", _REQUESTS.format(most=self._most), retry_after=1)
        self._taken[self._streams, visitor] += 1
        self._of = visitor

    def leave(self) -> None:
        if self._of is None:
            return
        mine = self._streams, self._of
        self._taken[mine] -= 1
        if not self._taken[mine]:
            del self._taken[mine]
        self._of = None


def claim(scope: Scope, visitor: str) -> None:
    """Say whose request this is, as soon as it is known: a key, or a person however many browsers they have.

    Raises:
        Problem: 429, this visitor has as many under way as one may.
    """
    place = scope.get(_PLACE)
    if place is not None:
        place.claim(visitor)
