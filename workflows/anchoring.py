"""Anchoring a chain: its signed head leaves the place where the ledger lives."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from schemas.notify import ACTIVITY_ANCHOR, AnchorCall
from workflows.journal import RIDE_LIMIT, Journal

_ATTEMPT = timedelta(seconds=30)
_PATIENCE = timedelta(minutes=5)
_RETRY = RetryPolicy(maximum_interval=timedelta(seconds=30))


async def anchor(journal: Journal) -> None:
    """Append what waits and anchor the chain's head. A failure is logged: the chain's next anchor covers as much."""
    if len(journal.entries) > RIDE_LIMIT and not await journal.flush():
        return
    try:
        with journal.riding() as entries:
            call: AnchorCall = {"v": 1, "region": journal.region, "chain": journal.chain, "entries": entries}
            await workflow.execute_activity(
                ACTIVITY_ANCHOR,
                call,
                start_to_close_timeout=_ATTEMPT,
                schedule_to_close_timeout=_PATIENCE,
                retry_policy=_RETRY,
            )
    except ActivityError:
        workflow.logger.error("the head of the chain could not be anchored")
