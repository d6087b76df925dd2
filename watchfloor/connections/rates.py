"""How fast a system may be called: one token bucket per action, per worker process."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from watchfloor.connections.bindings import Rate


@dataclass(slots=True)
class Bucket:
    """Tokens come back at `rate.per_second`, up to `rate.burst`; callers are served in the order they came."""

    rate: Rate
    clock: Callable[[], float] = monotonic
    _level: float = 0.0
    _at: float = 0.0

    def __post_init__(self) -> None:
        self._level, self._at = float(self.rate.burst), self.clock()

    def reserve(self, patience: float) -> float | None:
        """Take a token now or in the future: seconds until it is there, or None when that is beyond `patience`."""
        now = self.clock()
        self._level = min(self.rate.burst, self._level + (now - self._at) * self.rate.per_second)
        self._at = now
        wait = max(0.0, (1.0 - self._level) / self.rate.per_second)
        if wait > patience:
            return None
        self._level -= 1.0
        return wait

    def left(self) -> int:
        """Whole tokens that are there now."""
        level = min(self.rate.burst, self._level + (self.clock() - self._at) * self.rate.per_second)
        return max(0, int(level))

    async def take(self, patience: float) -> bool:
        """Wait for a token; False, at once, when it would come later than `patience` seconds from now."""
        wait = self.reserve(patience)
        if wait is None:
            return False
        if wait > 0:
            await asyncio.sleep(wait)
        return True
