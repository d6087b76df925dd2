"""Reminders come while there is still time to answer."""

from watchfloor.language import codes
from watchfloor.language.blocks import all_steps
from watchfloor.language.document import Action, Decide, Task, Time
from watchfloor.language.surroundings import Surroundings


def check(given: Surroundings) -> None:
    for step in all_steps(given.runbook):
        body = step.body
        asks = body.approval if isinstance(body, Action) else body if isinstance(body, Decide | Task) else None
        if asks is not None:
            for remind in asks.remind:
                _judge(given, remind, asks.within)


def _judge(given: Surroundings, remind: Time, within: Time) -> None:
    same_clock = remind.of is not None and within.of is not None and remind.of.value == within.of.value
    late = (remind.seconds is not None and within.seconds is not None and remind.seconds >= within.seconds) or (
        same_clock and (remind.share or 0) >= (within.share or 0)
    )
    if late:
        given.report.add(
            codes.WARN_LATE,
            remind.span,
            f"this reminder comes at {remind.text}, when the window is over",
            expected=f"less than {within.text}",
        )
