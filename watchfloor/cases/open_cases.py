"""Everything that is open now, kept in memory: read from the index once, then only what has changed since.

A board of hundreds of incidents is looked at by dozens of screens each time anything changes; reading it anew for each
of them would parse every incident again. What is here is the index's and is read, never changed.
"""

import threading
from dataclasses import dataclass

from watchfloor.cases.index import PAGE, Case, CaseIndex, Place

OPEN = ("open", "paused")
KINDS = ("incident", "hold", "handoff", "incoming", "postmortem")


@dataclass(frozen=True, slots=True)
class OpenNow:
    """What is open as of a revision of the index, the latest opened first."""

    revision: int
    cases: tuple[Case, ...]


class OpenCases:
    """The open cases of an index. Safe with several threads."""

    def __init__(self, index: CaseIndex) -> None:
        self._index = index
        self._lock = threading.Lock()
        self._seen: int | None = None
        self._cases: dict[str, Case] = {}
        self._last = OpenNow(-1, ())

    def now(self) -> OpenNow:
        """All that are open.

        Raises:
            IndexUnavailable: nobody can say.
        """
        with self._lock:
            if self._seen is None:
                self._load()
            self._catch_up()
            seen = self._seen or 0
            if seen != self._last.revision:
                by_id = sorted(self._cases.values(), key=lambda case: case.incident)
                latest = sorted(by_id, key=lambda case: case.opened_at, reverse=True)
                self._last = OpenNow(seen, tuple(latest))
            return self._last

    def _load(self) -> None:
        # the revision is read first: what changes while the pages are read is read once more, and nothing is missed
        revision = self._index.revision()
        after: Place | None = None
        while page := self._index.page(kinds=KINDS, states=OPEN, after=after):
            self._cases.update((case.incident, case) for case in page)
            after = Place(page[-1].opened_at, page[-1].incident)
        self._seen = revision

    def _catch_up(self) -> None:
        while changed := self._index.since(self._seen or 0):
            for case in changed:
                if case.state in OPEN:
                    self._cases[case.incident] = case
                else:
                    self._cases.pop(case.incident, None)
            self._seen = changed[-1].revision
            if len(changed) < PAGE:
                return
