"""How long the law keeps a hold, and when people are told that it ends. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from schemas.json_value import Json
from schemas.plan import ClockLaw
from watchfloor.signing import render_instant
from workflows.spans import find_due


def find_expiry(law: ClockLaw, placed_at: datetime) -> datetime | None:
    """When the law's period ends; None when the register gives no number and only people can end the hold.

    An internal target is no legal period, so it never ends a hold.

    Args:
        placed_at: aware UTC; when the hold was placed.
    """
    if law["months"] is None and law["business_days"] is None and law["duration"] is None:
        return None
    return find_due(law, placed_at)


def find_release(law: ClockLaw, placed_at: datetime, expires_at: datetime | None) -> datetime:
    """From when people may decide to release: a minimum retention must have ended; any other hold may end any day."""
    return expires_at if law["kind"] == "min_retention" and expires_at is not None else placed_at


def describe_terms(law: ClockLaw, placed_at: datetime, expires_at: datetime | None) -> dict[str, Json]:
    """What a hold claims, for whoever decides about a deletion: its kind, its law, from when to when."""
    return {
        "kind": "floor" if law["kind"] == "min_retention" else "litigation",
        "title": law["title"],
        "law": law["legal_ref"],
        "since": render_instant(placed_at),
        "until": render_instant(expires_at) if expires_at else "",
    }


def find_warnings(placed_at: datetime, expires_at: datetime | None, before: Sequence[float]) -> list[datetime]:
    """The instants at which people are told that a hold is about to expire, earliest first; none before it began."""
    if expires_at is None:
        return []
    instants = {expires_at - timedelta(seconds=seconds) for seconds in before}
    return sorted(at for at in instants if placed_at < at <= expires_at)
