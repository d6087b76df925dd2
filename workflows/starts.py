"""Start messages of the workflows beside the incident: one that is none ends the run at once, with a reason.

An exception in `@workflow.init` fails the workflow task, and the server tries that again for ever with the run shown as
running. So the init keeps what is wrong, and the run raises it. Whoever reaches the server can start a run with
anything, or with nothing at all.
"""

import functools
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter, ValidationError
from temporalio.exceptions import ApplicationError

START_REFUSED = "start_refused"
"""`ApplicationError.type` of a run whose start message is not one."""


class RefusesBadStarts:
    """Mix-in of a workflow whose init is under `refuse_bad_start`; its run begins with `require_start`.

    Handlers may run before the run has ended: what a signal's handler touches needs a value on the class.
    """

    bad_start = ""

    def require_start(self) -> None:
        """Raises `ApplicationError`, type `START_REFUSED`: the start message is not one."""
        if self.bad_start:
            raise ApplicationError(self.bad_start, type=START_REFUSED, non_retryable=True)


def refuse_bad_start(shape: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Have an `@workflow.init` take any start message, validated against `shape` before its body sees it.

    Init and run take any number of arguments: one too few or too many would fail the task. The body gets what
    pydantic made of the message. No part of the message is quoted in the refusal.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(shape)

    def around(init: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(init)
        def checked(self: RefusesBadStarts, *said: Any) -> None:
            try:
                (start,) = said
                init(self, adapter.validate_python(start))
            except (ValidationError, LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
                self.bad_start = f"the start message is not one: {type(error).__name__}"

        return checked

    return around
