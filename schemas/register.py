"""A whole row of the clock register: what a plan takes of it (`schemas.plan.ClockLaw`) and what people need to know."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from schemas.plan import ClockLaw

Mark = Literal["V", "S", "T", "P"]


class Trap(TypedDict):
    basis: Mark
    says: str


class CalendarRule(TypedDict):
    """Which calendar a row names; written out for a plan by `watchfloor.language.calendars`."""

    kind: Literal["calendar_days", "business_days"]
    zone: str
    place: str


class RegisterRow(ClockLaw):
    """Keys that a row does not give are absent, so that equal rows are equal whoever wrote them."""

    jurisdiction: NotRequired[str]
    trigger: NotRequired[str]
    """The fact that starts it, in words."""
    actor: NotRequired[str]
    record: NotRequired[list[str]]
    """What must be recorded."""
    traps: NotRequired[list[Trap]]
    thresholds: NotRequired[dict[str, int]]
    pause_on: NotRequired[list[str]]
    """The reasons for which the law lets the clock stand still."""
    after_pause: NotRequired[Literal["resume", "restart"]]
    renew_basis: NotRequired[Mark]
    counted: NotRequired[CalendarRule]
