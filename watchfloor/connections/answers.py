"""What an HTTP answer means for an effect: did it happen, did it not, may it be sent again, and when."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from schemas.actions import ErrorType
from schemas.json_value import Json
from watchfloor.connections.port import CallFailed

LONGEST_RETRY_AFTER = timedelta(hours=1)
"""A target that asks for more is asked again after this long."""

_COME_BACK = frozenset({408, 409, 425})
"""Timed out, still at work on the same key, too early: not a no, and nobody knows what became of it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer as it came."""

    status: int
    retry_after: str | None
    content: bytes


def classify(outcome: Outcome, *, now: datetime) -> Json:
    """The JSON body of a 2xx answer; None for an empty one.

    | answer | type | may have taken effect |
    |---|---|---|
    | 429 | unavailable, after `Retry-After` | no |
    | 408, 409, 425, 5xx | unavailable | yes |
    | 3xx (never followed), 1xx | refused | yes |
    | other 4xx | refused | no |
    | 2xx that is not JSON | unavailable | yes |

    Raises:
        CallFailed: for all but a 2xx with JSON or nothing in it.
    """
    status = outcome.status
    detail: dict[str, Json] = {"status": status}
    if 200 <= status < 300:
        return _parse(outcome)
    if status == 429:
        after = read_retry_after(outcome.retry_after, now=now)
        raise CallFailed(
            ErrorType.UNAVAILABLE, "the target is busy (429)", possible=False, retry_after=after, detail=detail
        )
    if status in _COME_BACK or status >= 500:
        after = read_retry_after(outcome.retry_after, now=now)
        message = f"the target answered {status}"
        raise CallFailed(ErrorType.UNAVAILABLE, message, possible=True, retry_after=after, detail=detail)
    if 400 <= status < 500:
        raise CallFailed(ErrorType.REFUSED, f"the target refused ({status})", possible=False, detail=detail)
    message = f"the target answered {status}; redirects are not followed"
    raise CallFailed(ErrorType.REFUSED, message, possible=True, detail=detail)


def _parse(outcome: Outcome) -> Json:
    if not outcome.content.strip():
        return None
    try:
        return json.loads(outcome.content)
    except (ValueError, RecursionError) as error:
        message = f"the target answered {outcome.status} with something that is not JSON"
        detail: dict[str, Json] = {"status": outcome.status, "why": "not_json"}
        raise CallFailed(ErrorType.UNAVAILABLE, message, possible=True, detail=detail) from error


def read_retry_after(text: str | None, *, now: datetime) -> timedelta | None:
    """Seconds or an HTTP date, bounded; None when there is none or it cannot be read."""
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdecimal():
        return min(timedelta(seconds=min(int(text), 10**6)), LONGEST_RETRY_AFTER)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return max(timedelta(), min(at - now, LONGEST_RETRY_AFTER))
