"""Clocks of a plan: the row of the register that each keeps, its calendar, and when it starts, pauses and ends."""

from typing import Literal, NotRequired, get_args

from typing_extensions import TypedDict

from schemas.plan.values import Duration, Expr


class Calendar(TypedDict):
    """Days as a place counts them, written out by the compiler so that nothing is looked up while a run goes on.

    `offsets` are the instants from which the place's clocks differ from UTC by so many seconds, earliest first; the
    first holds for all time before. The table knows the days from `known_from` to `known_until`, both included.
    """

    kind: Literal["calendar_days", "business_days"]
    zone: str
    place: str
    """Country and part, `DE` or `US-CA`, whose public holidays are left out; empty: weekends only."""
    weekend: list[int]
    """Days of the week, Monday is 0."""
    workdays: list[str]
    """Days of a weekend on which the place works, in exchange for others."""
    holidays: list[str]
    offsets: list[tuple[str, int]]
    known_from: str
    known_until: str


class Renewal(TypedDict):
    """What one renewal adds to a clock's end, in seconds, and how often the law allows one."""

    add: float
    max: int


ConflictClass = Literal["destruction", "floor", "litigation", "erasure", "ttl"]
CONFLICT_CLASSES: tuple[ConflictClass, ...] = get_args(ConflictClass)
"""What may claim the same material, the strongest first: lawful destruction, statutory floors of preservation,
litigation holds, erasure for a person, ordinary deletion after a time."""


class ClockLaw(TypedDict):
    """One row of the clock register, as `runbooks/clocks.yaml` gives it.

    Rows of kind `info` and `retired` set no clock: no plan holds one.
    """

    id: str
    kind: Literal["deadline", "promptly", "min_retention", "max_retention", "info", "retired"]
    title: str
    legal_ref: str
    duration: float | None
    """Seconds on the wall clock; null when counted in `business_days` or `months`, or when the law gives no number."""
    business_days: int | None
    months: int | None
    internal_slo: float | None
    basis: Literal["V", "S", "T", "P"]
    owner: str
    review_after: str
    holidays: list[str]
    calendar: NotRequired[Calendar]
    """Absent on the wall clock, and for business days that are counted in UTC without a place."""
    renew: NotRequired[Renewal]
    conflicts: NotRequired[list[str]]
    """Ids of rows and names of classes that may claim the same material."""
    conflict_class: NotRequired[ConflictClass]


class Page(TypedDict):
    page: str


class ClockPlan(TypedDict):
    name: str
    law: ClockLaw
    start: Expr
    restart: Expr | None
    stop: Expr | None
    warn: list[Duration]
    on_breach: list[Page]
    each: NotRequired["ClockEach | None"]
    """One clock per member, named `<clock>[<member>]`; the expressions see the member under `item`."""
    cond: NotRequired[Expr | None]
    """The clock exists only while this holds when its start is seen."""
    on_close: str | None
    """Role that owns the clock when the run closes before it stops; null where every path stops it."""
    pause: NotRequired[dict[str, "ClockPause"]]
    """Reason of the law -> the facts from which and until which it holds."""
    after_pause: NotRequired[Literal["restart"]]
    """The law begins the whole length anew when the reason has gone; absent where the end only moves."""
    renew: NotRequired[Expr]
    """The instant of a renewal; what it adds stands in the law."""


class ClockPause(TypedDict):
    since: Expr
    until: Expr


class ClockEach(TypedDict):
    item: str
    in_: Expr
