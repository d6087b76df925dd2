"""Runs that this gateway has just started, of which its index has not heard yet."""

from time import monotonic

REMEMBERED = 60.0
"""Seconds for which it is remembered; a burst of a thousand starts is in the index after as long at most."""
MOST = 10_000
HEARD_WITHIN = 3.0
"""Seconds for which somebody who asks for such a run waits until the index has heard of it."""


class Fresh:
    """Ids of runs and since when, the earliest first. For one event loop."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def note(self, incident: str) -> None:
        """A run has been started; the earliest are forgotten."""
        now = monotonic()
        self._since.setdefault(incident, now)
        while self._since:
            earliest = next(iter(self._since))
            if len(self._since) <= MOST and now - self._since[earliest] <= REMEMBERED:
                return
            del self._since[earliest]

    def __contains__(self, incident: str) -> bool:
        since = self._since.get(incident)
        return since is not None and monotonic() - since <= REMEMBERED
