"""Refused signals, written down without letting a flood of them fill the ledger.

Each of the first `MOST` refusals of an hour is an entry of its own. After that only every doubling of the count is: one
entry with how many came since the hour began. So ten thousand bad signals leave about a hundred entries, and the
count of the last entry is never less than half of what came. Every one counts in a metric of the worker.
"""

from datetime import datetime, timedelta

from temporalio import workflow

from schemas.json_value import Json

MOST = 100
WINDOW = timedelta(hours=1)
METRIC = "watchfloor_refused_signals"


class Refusals:
    """How many signals were refused in the current hour of one execution; begins anew with continue-as-new."""

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._count = 0
        self._told = MOST

    def count(self, why: str, mark: str) -> dict[str, Json] | None:
        """Count a refusal; gives the `data` of the entry to write, None when it is only counted."""
        workflow.metric_meter().create_counter(METRIC, "signals that a run refused").add(1, {"why": why})
        now = workflow.now()
        if self._since is None or now - self._since >= WINDOW:
            self._since, self._count, self._told = now, 0, MOST
        self._count += 1
        if self._count <= MOST:
            return {"statement": mark, "why": why}
        if self._count < 2 * self._told:
            return None
        self._told = self._count
        return {"statement": mark, "why": why, "count": self._count}
