"""Instants and spans as a tired person reads them: UTC first, local beside it, and how long from now."""

from datetime import datetime, tzinfo

from watchfloor.drawing.words import render_span
from watchfloor.signing import parse_instant


def clock_time(text: str | None, now: datetime, *, local: tzinfo | None = None) -> str:
    """`03:30:00Z (05:30 local)`; with the date when it is another day; the local part only where it differs.

    Args:
        text: an instant as the board gives it.
        now: what "today" is judged by.
        local: stands for the machine's own zone.
    """
    if text is None:
        return "—"
    at = parse_instant(text)
    here = at.astimezone(local)
    day = "" if at.date() == now.date() else f"{at:%Y-%m-%d} "
    if here.utcoffset() == at.utcoffset():
        return f"{day}{at:%H:%M:%S}Z"
    other_day = "" if here.date() == at.date() else f"{here:%a} "
    return f"{day}{at:%H:%M:%S}Z ({other_day}{here:%H:%M} local)"


def left(text: str | None, now: datetime) -> str:
    """`19m 58s left` or `4m over`."""
    if text is None:
        return "no deadline"
    seconds = (parse_instant(text) - now).total_seconds()
    return f"{span(seconds)} left" if seconds >= 0 else f"{span(-seconds)} over"


def ago(text: str, now: datetime) -> str:
    seconds = (now - parse_instant(text)).total_seconds()
    return "now" if seconds < 1 else f"{span(seconds)} ago"


def span(seconds: float) -> str:
    """Whole seconds in the two largest units: `19m 58s`."""
    return render_span(float(round(seconds)))
