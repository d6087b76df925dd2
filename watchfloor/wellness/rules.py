"""Whether somebody may take work that exposes them. Pure; the words are for that person alone and accuse nobody."""

from dataclasses import dataclass
from datetime import datetime, timedelta

NOT_OPTED_IN = "not_opted_in"
RESTING = "resting"
AT_CAP = "at_cap"


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


def in_minutes(length: timedelta) -> str:
    """`90 min`; rounded up, so that nothing looks shorter than it is."""
    return f"{-(-int(length.total_seconds()) // 60)} min"
