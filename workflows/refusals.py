"""Refused statements: counted and logged by the worker, and signals written down without a flood filling the ledger.

A refused update leaves no history, so nothing but the metric and the log shows it to whoever watches the workers; a
face that was refused writes that down itself (`watchfloor.client.refusals`). What a statement says is never logged.

Each of the first `MOST` refusals of an hour is an entry of its own. After that only every doubling of the count is: one
entry with how many came since the hour began. So ten thousand bad signals leave about a hundred entries, and the
count of the last entry is never less than half of what came. Every one counts in a metric of the worker.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from schemas.decision import RefusalType
from schemas.json_value import Json

MOST = 100
WINDOW = timedelta(hours=1)
SIGNALS = "watchfloor_refused_signals"
UPDATES = "watchfloor_refused_updates"
_WHYS = frozenset(value for name, value in vars(RefusalType).items() if name.isupper())


def count_update(update: str, why: str) -> None:
    """Count and log an update that its validator refuses. Changes nothing of the run.

    Args:
        update: the update's name.
        why: a `RefusalType`; anything else counts as `other`, so that no sender makes up labels.
    """
    known = label(why)
    _add(UPDATES, known)
    workflow.logger.warning("a statement was refused", extra={"update": update, "why": known})


@contextmanager
def counted(update: str) -> Iterator[None]:
    """The body of a validator: what it refuses is counted and logged."""
    try:
        yield
    except ApplicationError as error:
        count_update(update, error.type or "")
        raise


def label(why: str) -> str:
    """A refusal's type as a metric and a log may carry it."""
    return why if why in _WHYS else "other"


def _add(metric: str, why: str) -> None:
    workflow.metric_meter().create_counter(metric, "statements that runs refused").add(1, {"why": why})


class Refusals:
    """How many signals were refused in the current hour of one execution; begins anew with continue-as-new."""

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._count = 0
        self._told = MOST

    def count(self, why: str, mark: str) -> dict[str, Json] | None:
        """Count a refusal; gives the `data` of the entry to write, None when it is only counted."""
        _add(SIGNALS, label(why))
        now = workflow.now()
        if self._since is None or now - self._since >= WINDOW:
            self._since, self._count, self._told = now, 0, MOST
        self._count += 1
        if self._count <= MOST:
            workflow.logger.warning("a signal was refused", extra={"why": why})
            return {"statement": mark, "why": why}
        if self._count < 2 * self._told:
            return None
        self._told = self._count
        workflow.logger.warning("signals were refused", extra={"why": why, "count": self._count})
        return {"statement": mark, "why": why, "count": self._count}
