"""When a clock ends that stood still for a legal reason, or was renewed. Pure.

The end moves by exactly the time that the clock stood still, seconds of overlapping reasons counted once; only time
between its start and its end counts. An open span moves nothing yet: until it closes, the end that is given is the one
which it would have if the clock went on in the instant in which it was paused.
"""

from datetime import datetime, timedelta

from schemas.incident import ClockState, PauseSpan
from schemas.plan import ClockLaw
from watchfloor.signing import parse_instant
from workflows.spans import find_due


def find_end(law: ClockLaw, clock: ClockState, *, upto: datetime | None = None) -> datetime | None:
    """When the clock is due, with its renewals and pauses.

    Args:
        clock: with `started_at`.
        upto: where spans that are still open end, for a clock that stops while it stands still.
    """
    if clock["started_at"] is None:
        return None
    end = find_due(law, parse_instant(clock["started_at"]))
    if end is None:
        return None
    renew = law.get("renew")
    if renew is not None:
        end += timedelta(seconds=renew["add"] * sum(one["granted"] for one in clock.get("renewals", ())))
    return move(end, clock, upto=upto)


def move(at: datetime, clock: ClockState, *, upto: datetime | None = None) -> datetime:
    """An instant of a clock's own time, moved by what it stood still before it."""
    for begin, end in _merged(clock, upto):
        if begin >= at:
            break
        at += end - begin
    return at


def find_open(law: ClockLaw, clock: ClockState) -> PauseSpan | None:
    """The span in which the clock stands still now, the earliest of them; None when it runs, or ended before it."""
    end = find_end(law, clock)
    found = [one for one in clock.get("pauses", ()) if one["until"] is None and counts(one, clock, end)]
    return min(found, key=lambda one: (one["since"], one["reason"]), default=None)


def counts(span: PauseSpan, clock: ClockState, end: datetime | None) -> bool:
    """Whether a span lies, at least in part, between a clock's start and its end."""
    started = parse_instant(clock["started_at"]) if clock["started_at"] is not None else None
    if started is None or (span["until"] is not None and parse_instant(span["until"]) < started):
        return False
    return end is None or max(parse_instant(span["since"]), started) < end


def _merged(clock: ClockState, upto: datetime | None) -> list[tuple[datetime, datetime]]:
    """The spans after the clock's start, in order, none overlapping another; those open end at `upto` or cut off what
    comes after them."""
    if clock["started_at"] is None:
        return []
    started = parse_instant(clock["started_at"])
    given = [(parse_instant(one["since"]), one["until"]) for one in clock.get("pauses", ())]
    cut = min((since for since, until in given if until is None), default=None) if upto is None else None
    spans: list[tuple[datetime, datetime]] = []
    for since, until in given:
        end = parse_instant(until) if until is not None else upto
        if end is None:
            continue
        spans.append((max(since, started), end if cut is None else min(end, cut)))
    merged: list[tuple[datetime, datetime]] = []
    for since, end in sorted(spans):
        if end <= since:
            continue
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((since, end))
    return merged
