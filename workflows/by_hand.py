"""What was done by hand before the run could be started: taken with the start, before the first step.

If any of it does not count, the run begins paused: what is not recorded as done would be done again.
"""

from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from schemas.decision import CONTROL, FACT, RefusalType
from schemas.ledger import EntryKind
from workflows.clocks import Clocks
from workflows.control import accept_control
from workflows.outside import OUTSIDE_VERBS
from workflows.refused import note_refusal
from workflows.run import Run

SETTLING = 200
"""Looks for which everything else may come to rest; a block of a plan takes a few."""
GRACE = timedelta(minutes=5)


def take_by_hand(run: Run) -> None:
    """Record the facts and what was done outside that came with the start; a run without any is left as it is."""
    refused = False
    for envelope in run.start.get("by_hand", ()):
        try:
            _take(run, envelope)
        except ApplicationError as error:
            note_refusal(run.journal, envelope, error)
            refused = True
    if refused:
        run.note(EntryKind.PAUSED, reason="by_hand_refused")
        run.state["paused"] = {"by": "", "role": "", "at": run.now, "reason_ref": ""}


async def tick_clocks(run: Run, clocks: Clocks) -> None:
    """Give the alarms of the clocks, of a run that came with a record only when the walk has passed what is recorded: a
    clock that was stopped in time on paper pages nobody. What the walk must do itself in between may take `GRACE`; a
    clock that was really missed is told that much later."""
    if run.start.get("by_hand") and run.state["runs"] == 0:
        for _ in range(SETTLING):
            # conditions are looked at when everything else has come to rest
            await workflow.wait_condition(lambda: True)
        if _is_pending(run):
            with suppress(TimeoutError):
                await workflow.wait_condition(lambda: _is_over(run), timeout=GRACE)
    await clocks.tick()


def _is_over(run: Run) -> bool:
    return run.stopped or run.draining or not _is_pending(run)


def _is_pending(run: Run) -> bool:
    """Whether the walk has not come to something that is recorded as done."""
    return any("counted" not in record for record in run.state.get("outside", {}).values())


def _take(run: Run, envelope: object) -> None:
    body = envelope.get("body") if isinstance(envelope, dict) else None
    if isinstance(envelope, dict) and envelope.get("domain") == FACT:
        run.facts.accept(envelope)
    elif isinstance(envelope, dict) and envelope.get("domain") == CONTROL and isinstance(body, dict):
        if body.get("verb") not in OUTSIDE_VERBS:
            raise ApplicationError("a start steers nothing", type=RefusalType.UNKNOWN_OPTION, non_retryable=True)
        accept_control(run, envelope)
    else:
        raise ApplicationError("no fact and no record", type=RefusalType.BAD_VALUE, non_retryable=True)
