"""What is drawn once for everybody who looks within the same few seconds.

When something changes on a full board, every screen asks for it at once; what they get differs in little. A key names
everything that a thing is made of: a line's case and revision, a judgement's person and run. What is one visitor's
alone, such as the token of their forms, is never kept here.
"""

from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Any, TypeVar, cast

T = TypeVar("T")
MOST = 20_000
"""Things that are kept; a span in which more are drawn draws some of them twice."""
SPAN = 5
"""Seconds for which a thing is good: the time that is left is told as of this long before at most, and people look at a
page for longer."""
_NOTHING = object()


class Drawn:
    """Things drawn within one span; those of another are forgotten."""

    def __init__(self) -> None:
        self._span = 0
        self._made: dict[Hashable, Any] = {}

    def once(self, key: Hashable, now: datetime, make: Callable[[], T]) -> T:
        """The thing of this key, made when it is not there yet, as of the `now` of whoever asked first."""
        span = int(now.timestamp()) // SPAN
        if span != self._span or len(self._made) >= MOST:
            self._span, self._made = span, {}
        found = self._made.get(key, _NOTHING)
        if found is _NOTHING:
            found = self._made[key] = make()
        return cast(T, found)
