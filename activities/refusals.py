"""What an activity may raise to the engine: typed, retried or not by its type, never by its text."""

from datetime import timedelta

from temporalio.exceptions import ApplicationError

from schemas.actions import ErrorType
from watchfloor.connections.port import CallFailed
from watchfloor.ledger.port import CapReached, EntryConflict, LedgerError, LedgerUnavailable

RETRIED = frozenset({ErrorType.UNAVAILABLE, ErrorType.LEDGER})
CONFLICT_PAUSE = timedelta(seconds=2)


def refusal(type_: str, message: str, *, retry_after: timedelta | None = None) -> ApplicationError:
    """The error of a type; whether it is retried follows from the type alone."""
    return ApplicationError(message, type=type_, non_retryable=type_ not in RETRIED, next_retry_delay=retry_after)


def from_call(failure: CallFailed) -> ApplicationError:
    return refusal(failure.type, str(failure), retry_after=failure.retry_after)


def from_ledger(error: LedgerError) -> ApplicationError:
    """Nothing was sent, whichever it is: the announcement comes first."""
    if isinstance(error, LedgerUnavailable):
        return refusal(ErrorType.LEDGER, str(error))
    if isinstance(error, CapReached):
        return refusal(ErrorType.KILLED, str(error))
    if isinstance(error, EntryConflict):
        message = "another attempt is at the same effect right now"
        return refusal(ErrorType.UNAVAILABLE, message, retry_after=CONFLICT_PAUSE)
    return refusal(ErrorType.BAD_INPUT, str(error))
