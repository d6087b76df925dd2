"""Comparing rows of the clock register: is the law's time longer or shorter, and is that good?"""

from collections.abc import Iterator

from schemas.plan import ClockLaw
from watchfloor.language.diff_model import Danger, Verdict, render_duration
from watchfloor.language.diff_rules import LOOK, STRONGER, WEAKER

MONTH = 30 * 86400.0
"""Only to tell which of two retentions is longer; a deadline in months is counted on the calendar."""


def compare_laws(old: ClockLaw, new: ClockLaw, kind: str) -> Iterator[Verdict]:
    """Another row, or another number in the same row.

    A longer deadline is weaker; so is a shorter time of keeping (`min_retention`).
    """
    before, after = describe_law(old), describe_law(new)
    lengths = _length(old), _length(new)
    if old["kind"] != new["kind"]:
        yield Verdict(LOOK, kind, "the law demands something else", before, after)
    elif None in lengths or _unit(old) != _unit(new):
        if before != after:
            yield Verdict(LOOK, kind, "the law's time is counted otherwise", before, after)
    elif lengths[0] != lengths[1]:
        longer = (lengths[1] or 0) > (lengths[0] or 0)
        keeps = old["kind"] == "min_retention"
        danger: Danger = STRONGER if longer == keeps else WEAKER
        yield Verdict(danger, kind, f"the law's time is {'longer' if longer else 'shorter'}", before, after)
    elif old["id"] != new["id"]:
        yield Verdict(LOOK, kind, "another row of the register, with the same time", before, after)


def describe_law(law: ClockLaw) -> str:
    """`eu.tco.removal (1h)`."""
    if law["business_days"] is not None:
        return f"{law['id']} ({law['business_days']}bd{_place(law)})"
    if law["months"] is not None:
        return f"{law['id']} ({law['months']} months{_place(law)})"
    length = law["duration"] or law["internal_slo"]
    return f"{law['id']} ({render_duration(length)}{_place(law)})" if length is not None else law["id"]


def _place(law: ClockLaw) -> str:
    """` of DE`, ` of Europe/Dublin`; nothing on the wall clock."""
    known = law.get("calendar")
    return f" of {known['place'] or known['zone']}" if known is not None else ""


def _length(law: ClockLaw) -> float | None:
    if law["months"] is not None:
        return law["months"] * MONTH
    if law["business_days"] is not None:
        return float(law["business_days"])
    return law["duration"] or law["internal_slo"]


def _unit(law: ClockLaw) -> str:
    return ("business days" if law["business_days"] is not None else "seconds") + _place(law)
