"""A clock is renewed by a recorded renewal whose own instant lies before the end, as often as the law allows.

A renewal that sat in a mailbox counts by when it was received: what had already run out runs again. One that came
after the end, before the start, or once too often is written down as not counting. Ledger entries: `clock.renewed`,
`clock.not_renewed`.
"""

from datetime import datetime

from schemas.incident import ClockState
from schemas.ledger import EntryKind
from schemas.plan import ClockLaw, ClockPlan
from watchfloor.signing import parse_instant, render_instant
from workflows.pausing import FindInstant, Note, settle
from workflows.scope import Frame
from workflows.standstill import find_end, find_open

TOO_LATE = "it came after the end"
TOO_EARLY = "it came before the start"
TOO_OFTEN = "the law allows no more"


def find_fault(
    law: ClockLaw,
    started: datetime,
    end: datetime | None,
    received: datetime,
    granted: int,
    *,
    stands_still: bool = False,
) -> str:
    """Why a renewal does not count; empty when it does."""
    renew = law.get("renew")
    if renew is None or granted >= renew["max"]:
        return TOO_OFTEN
    if received < started:
        return TOO_EARLY
    return TOO_LATE if end is not None and received >= end and not stands_still else ""


def look_at_renewal(
    plan: ClockPlan, clock: ClockState, frame: Frame, find_instant: FindInstant, now: datetime, note: Note
) -> None:
    """Take in a renewal that the facts show and that was not seen before."""
    received = find_instant(plan.get("renew"), frame)
    if received is None or clock["started_at"] is None:
        return
    known = clock.get("renewals", [])
    written = render_instant(received)
    if any(one["at"] == written for one in known):
        return
    law = plan["law"]
    fault = find_fault(
        law,
        parse_instant(clock["started_at"]),
        find_end(law, clock),
        received,
        sum(one["granted"] for one in known),
        stands_still=find_open(law, clock) is not None,
    )
    clock["renewals"] = [*known, {"at": written, "granted": not fault}]
    if fault:
        note(EntryKind.CLOCK_NOT_RENEWED, clock, renewed_at=written, why=fault)
        return
    before = clock["due_at"]
    if clock["state"] == "met":
        clock["state"], clock["stopped_at"] = "running", None
    settle(plan, clock, now)
    note(EntryKind.CLOCK_RENEWED, clock, renewed_at=written, due_before=before)


def ended_by_itself(plan: ClockPlan, clock: ClockState) -> bool:
    """Whether a retention ran out, rather than being stopped by its fact."""
    is_retention = plan["law"]["kind"] == "min_retention"
    return is_retention and clock["state"] == "met" and clock["stopped_at"] == clock["due_at"]
