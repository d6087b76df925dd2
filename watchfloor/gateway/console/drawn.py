"""What is drawn once for everybody who looks within the same second.

When something changes on a full board, every screen asks for it at once; what they get differs in little. A key names
everything that a thing is made of: a line's case and revision, a judgement's person and run. What is one visitor's
alone, such as the token of their forms, is never kept here.
"""

from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Any, TypeVar, cast

T = TypeVar("T")
MOST = 20_000
"""Things that are kept; a second in which more are drawn draws some of them twice."""


class Drawn:
    """Things drawn as of one second; those of another are forgotten."""

    def __init__(self) -> None:
        self._second = 0
        self._made: dict[Hashable, Any] = {}

    def once(self, key: Hashable, now: datetime, make: Callable[[], T]) -> T:
        """The thing of this key, made when it is not there yet. `now` counts by the second, in the making too."""
        second = int(now.timestamp())
        if second != self._second or len(self._made) >= MOST:
            self._second, self._made = second, {}
        if key not in self._made:
            self._made[key] = make()
        return cast(T, self._made[key])
