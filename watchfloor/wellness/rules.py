"""Whether somebody may take work that exposes them. Pure; the words are for that person alone and accuse nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchfloor.identity.resting import Spell
from watchfloor.wellness.caps import Break

NOT_OPTED_IN = "not_opted_in"
RESTING = "resting"
AT_CAP = "at_cap"
BREAK_DUE = "break_due"
BETWEEN_SHIFTS = "between_shifts"


@dataclass(frozen=True, slots=True)
class Standing:
    """One person and one class now.

    `used` counts work that is still claimed as if it went on to the claim's end, so that nothing claimed at once goes
    past a cap. `days` are the days (UTC) of the last seven with an exposure, today among them if so.
    """

    opted_in: bool
    used: timedelta
    cap: timedelta
    days: int
    days_cap: int
    today: bool
    rest_until: datetime | None = None
    own_cap: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """`code` is empty when allowed; `words` then hold a warning, or nothing."""

    allowed: bool
    code: str = ""
    words: str = ""


def judge(exposure: str, standing: Standing, length: timedelta, *, soft: float, now: datetime) -> Verdict:
    """May this person take something of this class for so long?

    The hard stop lies at the cap itself: what would go past it is refused before it begins.
    """
    if not standing.opted_in:
        return Verdict(
            False,
            NOT_OPTED_IN,
            f"this exposes to `{exposure}`, which is taken by those who have opted in to it; nothing is held against "
            f"anybody; the others are asked (`watchfloor wellness optin {exposure}` changes it, and can be taken back)",
        )
    if standing.rest_until is not None and now < standing.rest_until:
        return Verdict(
            False,
            RESTING,
            f"you rest from exposure until {standing.rest_until:%H:%M} UTC; the task stays with the others",
        )
    if standing.used + length > standing.cap:
        left = max(standing.cap - standing.used, timedelta(0))
        return Verdict(
            False,
            AT_CAP,
            f"{in_minutes(length)} of `{exposure}` would go past {'your own' if standing.own_cap else 'the'} cap of "
            f"{in_minutes(standing.cap)} in 24 hours ({in_minutes(left)} left); the task stays with the others",
        )
    if not standing.today and standing.days >= standing.days_cap:
        return Verdict(
            False,
            AT_CAP,
            f"`{exposure}` was yours on {standing.days} of the last seven days, and {standing.days_cap} is the cap; "
            "the task stays with the others",
        )
    after = standing.used + length
    if after >= soft * standing.cap:
        share = round(100 * after / standing.cap) if standing.cap else 100
        return Verdict(
            True, "", f"with this, {share} % of your `{exposure}` cap of 24 hours is used; take a break soon"
        )
    return Verdict(True)


def judge_break(
    exposure: str, spans: Sequence[tuple[datetime, datetime]], since: datetime, until: datetime, rule: Break
) -> Verdict:
    """May somebody be exposed from `since` to `until`, beside what they had of this class before and have claimed?

    Exposures with less than a whole break between them are one stretch; none may last longer than `rule.after`.

    Args:
        spans: begin and end of the others, in any order; what is still claimed counts to the claim's end.
    """
    spent, last = timedelta(0), None
    reached: datetime | None = None
    holds_it = False
    for start, end in sorted([*spans, (since, until)]):
        if reached is not None and start - reached >= rule.length:
            if holds_it:
                break
            spent, last, reached = timedelta(0), None, None
        spent += max(end - max(start, reached or start), timedelta(0))
        reached = end if reached is None else max(reached, end)
        if (start, end) == (since, until):
            holds_it = True
        else:
            last = end if last is None else max(last, end)
    if spent <= rule.after:
        return Verdict(True)
    if last is None:
        return Verdict(
            False,
            BREAK_DUE,
            f"{in_minutes(until - since)} of `{exposure}` at once would pass {in_minutes(rule.after)} without a break; "
            "its runbook claims it for too long (`claim_for`); the task stays with the others",
        )
    return Verdict(
        False,
        BREAK_DUE,
        f"this would make {in_minutes(spent)} of `{exposure}` without a break of {in_minutes(rule.length)}, and "
        f"{in_minutes(rule.after)} is the most; you have had one from {last + rule.length:%H:%M} UTC on; "
        "the task stays with the others",
    )


def say_between(before: Spell | None, after: Spell | None, rest: timedelta) -> str:
    """Why somebody is not proposed for what exposes between two shifts; empty where nothing speaks against it."""
    hours = f"{rest / timedelta(hours=1):g} h"
    if before is not None:
        return (
            f"your night shift ended at {before.end_at:%H:%M} UTC and exposed you; for {hours} after it, until "
            f"{before.end_at + rest:%H:%M} UTC, what exposes is for the others first"
        )
    if after is not None:
        return (
            f"your next shift begins at {after.start_at:%H:%M} UTC; in the {hours} before it what exposes is for the "
            "others first"
        )
    return ""


def in_minutes(length: timedelta) -> str:
    """`90 min`; rounded up, so that nothing looks shorter than it is."""
    return f"{-(-int(length.total_seconds()) // 60)} min"
