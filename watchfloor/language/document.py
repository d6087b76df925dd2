"""The runbook as a typed object: what the reader makes of the tree and the checks and the compiler read.

Names, expressions and texts stay located scalars (`Scalar`), so that every finding can point at its letters. The
shape is the language's, not the plan's: nothing is resolved, nothing is defaulted but absence (None, empty).
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from schemas.plan import TypeSpec
from watchfloor.language.nodes import Node, Scalar, Span


@dataclass(frozen=True, slots=True)
class Time:
    """A duration as written: seconds, business days, or a share of a clock. Exactly one of the three is set."""

    text: str
    span: Span
    seconds: float | None = None
    business_days: int | None = None
    share: float | None = None
    of: Scalar | None = None


@dataclass(frozen=True, slots=True)
class Seat:
    """One slot of a gate: any of these roles."""

    roles: tuple[Scalar, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Course:
    """What happens then: a word (`fail`, `stop`, `keep`, `continue`) or steps."""

    word: str | None
    steps: "tuple[Step, ...]"
    span: Span


@dataclass(frozen=True, slots=True)
class OnSilence:
    escalate: tuple[Scalar, ...]
    rung: Time | None
    then: Course
    span: Span


@dataclass(frozen=True, slots=True)
class Catch:
    """Steps for failures of these types."""

    on: tuple[Scalar, ...]
    steps: "tuple[Step, ...]"
    span: Span


@dataclass(frozen=True, slots=True)
class ReviewRule:
    """A gate after the action. `on_deny` is None where `undo: {on: [deny]}` says it."""

    seats: tuple[Seat, ...]
    exclude: tuple[Scalar, ...]
    within: Time
    on_deny: Course | None
    escalate: tuple[Scalar, ...]
    rung: Time | None
    span: Span


@dataclass(frozen=True, slots=True)
class BreakGlass:
    by: Seat
    after: Time
    when: Scalar
    review: ReviewRule
    span: Span


@dataclass(frozen=True, slots=True)
class ApprovalGate:
    seats: tuple[Seat, ...]
    exclude: tuple[Scalar, ...]
    within: Time
    remind: tuple[Time, ...]
    show: tuple[Scalar, ...]
    on_deny: Course
    silence: OnSilence | None
    span: Span
    break_glass: BreakGlass | None = None
    blind: bool = False


@dataclass(frozen=True, slots=True)
class RetryRule:
    times: int | None
    first: Time | None
    factor: float | None
    up_to: Time | None


@dataclass(frozen=True, slots=True)
class UndoRule:
    """`never` holds the reason; else what reverses the action (the catalogue's undo when `action` is None)."""

    never: Scalar | None
    action: Scalar | None
    on: tuple[Scalar, ...]
    with_: tuple[tuple[Scalar, Node], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class DoubtRule:
    ask: tuple[Scalar, ...]
    within: Time


@dataclass(frozen=True, slots=True)
class Action:
    action: Scalar
    with_: tuple[tuple[Scalar, Node], ...]
    retry: RetryRule | None
    attempt_timeout: Time | None
    approval: ApprovalGate | None
    undo: UndoRule | None
    doubt: DoubtRule | None
    review: ReviewRule | None = None
    expires: Time | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    name: Scalar
    also: tuple[Seat, ...]
    steps: "tuple[Step, ...]"


@dataclass(frozen=True, slots=True)
class Decide:
    ask: Scalar
    show: tuple[Scalar, ...]
    seats: tuple[Seat, ...]
    exclude: tuple[Scalar, ...]
    within: Time
    remind: tuple[Time, ...]
    options: tuple[Choice, ...]
    silence: OnSilence | None
    span: Span
    blind: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A named, typed thing: an input, a form field."""

    name: Scalar
    spec: TypeSpec
    span: Span


@dataclass(frozen=True, slots=True)
class Item:
    """One thing on a checklist."""

    name: Scalar
    do: str
    optional: bool


@dataclass(frozen=True, slots=True)
class Task:
    assignee: Seat
    do: Scalar
    show: tuple[Scalar, ...]
    form: tuple[Field, ...]
    within: Time
    remind: tuple[Time, ...]
    silence: OnSilence | None
    exposure: str | None = None
    exposed_at: Span | None = None
    """Where the class of exposure is written."""
    claim_for: Time | None = None
    checklist: tuple[Item, ...] = ()
    person: Scalar | None = None
    """Whom it is for while they are there; `assignee` is then who does it otherwise."""


@dataclass(frozen=True, slots=True)
class Wait:
    for_: Time | None
    until: Scalar | None
    fact: Scalar | None
    within: Time | None
    on_timeout: Course | None
    span: Span


@dataclass(frozen=True, slots=True)
class Parallel:
    branches: "tuple[tuple[Scalar, tuple[Step, ...]], ...]"
    join: Literal["all", "any"]


@dataclass(frozen=True, slots=True)
class ForEach:
    item: Scalar
    in_: Scalar
    at_once: int | None
    on_item_error: Literal["fail", "collect"]
    steps: "tuple[Step, ...]"


@dataclass(frozen=True, slots=True)
class Choose:
    cases: "tuple[tuple[Scalar, tuple[Step, ...]], ...]"
    otherwise: "tuple[Step, ...] | None"


@dataclass(frozen=True, slots=True)
class Repeat:
    every: Time
    times: int
    until: Scalar
    on_exhausted: Course
    steps: "tuple[Step, ...]"


@dataclass(frozen=True, slots=True)
class Hold:
    basis: Scalar
    scope: tuple[tuple[Scalar, Scalar], ...]
    sources: tuple[Scalar, ...]
    storage: Literal["governance", "compliance"]
    release: tuple[Seat, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Handoff:
    to: Scalar
    mode: Literal["assist", "command"]
    share: tuple[Scalar, ...]
    accept_within: Time
    seats: tuple[Seat, ...]
    fallback: Course | None
    span: Span


@dataclass(frozen=True, slots=True)
class Postmortem:
    facilitator: Seat
    within: Time


@dataclass(frozen=True, slots=True)
class Stop:
    outcome: Scalar


@dataclass(frozen=True, slots=True)
class Try:
    steps: "tuple[Step, ...]"
    handlers: tuple[Catch, ...]
    undo: tuple[Scalar, ...]
    finally_: "tuple[Step, ...]"
    span: Span


@dataclass(frozen=True, slots=True)
class Each:
    """One thing per member of a list: a run, a clock."""

    item: Scalar
    in_: Scalar
    at_once: int | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Another runbook. `wait` is None where nothing was said."""

    runbook: Scalar
    with_: tuple[tuple[Scalar, Node], ...]
    wait: bool | None
    each: Each | None
    key: Scalar | None
    known_at: Scalar | None
    reroute: bool
    span: Span


Body: TypeAlias = (
    Action
    | Decide
    | Task
    | Wait
    | Parallel
    | ForEach
    | Choose
    | Repeat
    | Hold
    | Handoff
    | Postmortem
    | Stop
    | Try
    | Run
)


@dataclass(frozen=True, slots=True)
class Argument:
    """What a step that uses a fragment gives to one of its parameters."""

    name: Scalar
    value: Node
    spec: TypeSpec


@dataclass(frozen=True, slots=True)
class Use:
    """The place where a step uses a fragment. Every step that comes of it points here."""

    id: str
    fragment: str
    line: int
    arguments: tuple[Argument, ...]
    outer: "Use | None" = None


@dataclass(frozen=True, slots=True)
class Step:
    id: Scalar
    span: Span
    name: str
    cond: Scalar | None
    negated: bool
    timeout: Time | None
    on_error: Course | None
    records: tuple[tuple[Scalar, Scalar], ...]
    body: Body
    catches: tuple[Catch, ...] = ()
    use: Use | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    name: Scalar
    spec: TypeSpec
    sources: tuple[Scalar, ...]
    revise_by: tuple[Scalar, ...] | None
    span: Span


@dataclass(frozen=True, slots=True)
class Pause:
    since: Scalar
    until: Scalar


@dataclass(frozen=True, slots=True)
class Clock:
    name: Scalar
    use: Scalar
    start: Scalar
    restart: Scalar | None
    stop: Scalar | None
    warn: tuple[Time, ...]
    on_breach: tuple[Scalar, ...]
    on_close: Scalar | None
    each: Each | None = None
    cond: Scalar | None = None
    pause: tuple[tuple[Scalar, Pause], ...] = ()
    renew: Scalar | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    start: Scalar
    every: Time
    length: Time


@dataclass(frozen=True, slots=True)
class Track:
    """Exactly one of `when`, `on_fact`, `watch` is set."""

    id: Scalar
    when: Scalar | None
    steps: tuple[Step, ...]
    on_fact: Scalar | None = None
    each: bool = False
    watch: Watch | None = None
    detached: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    name: Scalar
    spec: TypeSpec
    value: Scalar


@dataclass(frozen=True, slots=True)
class Trigger:
    kind: Literal["manual", "webhook", "schedule"]
    source: Scalar
    where: Scalar | None
    map: tuple[tuple[Scalar, Node], ...]
    dedup: Scalar | None
    every: Time | None
    span: Span
    content: Scalar | None = None
    account: Scalar | None = None
    known_at: Scalar | None = None


@dataclass(frozen=True, slots=True)
class Phase:
    name: Scalar
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Runbook:
    id: Scalar
    version: int
    title: str
    owners: tuple[str, ...]
    harm: str
    mode: Literal["incident", "case"]
    compartment: str
    severity: str
    floors: tuple[tuple[Scalar, str], ...]
    command: Scalar
    allowed: tuple[Scalar, ...]
    handoff_allowed: bool
    inputs: tuple[Field, ...]
    facts: tuple[Fact, ...]
    clocks: tuple[Clock, ...]
    tracks: tuple[Track, ...]
    phases: tuple[Phase, ...]
    close_when: Scalar | None
    span: Span
    score: tuple[tuple[Scalar, Scalar], ...] = ()
    mode_when: Scalar | None = None
    unverified: Scalar | None = None
    jurisdictions: tuple[tuple[Scalar, Scalar], ...] = ()
    outputs: tuple[Output, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    recuse: tuple[Scalar, ...] = ()
