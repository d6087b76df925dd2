"""One timer for many instants: waits for the earliest, sets it anew only when the earliest changes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from temporalio import workflow


class Stopping(Protocol):
    """What comes to rest at some time."""

    @property
    def stopped(self) -> bool: ...


async def tick(run: Stopping, find_next: Callable[[], datetime | None], take_due: Callable[[datetime], None]) -> None:
    """Run beside the walk until the run has come to rest; it goes on while the run drains and while it is paused.

    Args:
        find_next: the earliest instant that is due; cheap, for it is asked after every step of the run.
        take_due: handles what is due, and must move `find_next` on.
    """
    while not run.stopped:
        at = find_next()

        def is_stale(known: datetime | None = at) -> bool:
            return run.stopped or find_next() != known

        if at is None:
            await workflow.wait_condition(is_stale)
            continue
        left = at - workflow.now()
        if left > timedelta(0):
            try:
                await workflow.wait_condition(is_stale, timeout=left)
                continue
            except TimeoutError:
                pass
        take_due(workflow.now())
