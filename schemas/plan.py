"""The compiled plan: what the engine runs.

A plan is a plain JSON document made by `watchfloor.language.compile` and interpreted by `workflows.interpreter`. It
is complete: nothing outside it (register, catalogue, runbook file) is read while a run goes on, so a run belongs to
exactly the plan it started with. Its digest is SHA-256 over its RFC 8785 bytes (`watchfloor.signing.digest`).

Durations are seconds (int or float) in the plan. Instants are RFC 3339 UTC strings ending in `Z`.
"""

from typing import Literal, NotRequired, get_args

from typing_extensions import TypedDict

from schemas.actions import Effect, Idempotency
from schemas.decision import Narrowing
from schemas.json_value import Json

PLAN_FORMAT = 1
"""Bumped when a plan of the old format could be read wrongly by a new engine, or the other way round."""


class Expr(TypedDict):
    """One CEL expression, self-contained.

    `cel` is `src` with every `has(path)` rewritten to the boolean variable `has.path` (same length, so positions
    agree). `vars` maps each variable the expression mentions to its CEL type; only these are supplied at evaluation.
    Variable names are dotted paths: `inputs.x`, `facts.x`, `facts.x.at`, `steps.<id>.<output>`, `incident.x`, `now`,
    `last.<id>.<output>`, a loop item (`url`) or its field (`url.ref`), and `has.<any of these>`.
    """

    src: str
    cel: str
    vars: dict[str, str]
    type: str


class LiteralValue(TypedDict):
    lit: Json


class ExprValue(TypedDict):
    expr: Expr


class TextValue(TypedDict):
    """Text with expressions in it: the parts are joined, each expression's value rendered as text."""

    text: list[str | Expr]


class ListValue(TypedDict):
    list: "list[Value]"


class MapValue(TypedDict):
    map: "dict[str, Value]"


Value = LiteralValue | ExprValue | TextValue | ListValue | MapValue


class ShareOfClock(TypedDict):
    """A duration that is a share of a clock's length: `{share: 0.15, of: removal}`."""

    share: float
    of: str


Duration = float | ShareOfClock


class TypeSpec(TypedDict):
    """The type of an input, a fact or a form field.

    `type` is one of string, text, int, number, bool, timestamp, duration, url, ref, list, map.
    """

    type: str
    of: NotRequired["TypeSpec"]
    enum: NotRequired[list[Json]]
    pattern: NotRequired[str]
    min: NotRequired[float]
    max: NotRequired[float]
    min_items: NotRequired[int]
    max_items: NotRequired[int]
    max_length: NotRequired[int]
    default: NotRequired[Json]
    optional: NotRequired[bool]
    data_class: NotRequired[str]
    attachment: NotRequired[bool]
    """A form field that holds the reference of something in the region's evidence store (type `ref`)."""


class Slot(TypedDict):
    """One seat at a gate: any one person who holds one of the roles. Different slots, different people."""

    any_of: list[str]


class Silence(TypedDict):
    """What happens when a human step's window ends without an answer.

    First each role in `escalate` is paged, one after the other, the window divided evenly from its end backwards is
    NOT used: the ladder runs *after* the window, each rung getting `rung` seconds. Then `then`: `fail` (the step
    fails) or the steps, which the compiler has proved to restrict, disclose and undo nothing.
    """

    escalate: list[str]
    rung: float
    then: Literal["fail"] | list["Step"]


class Review(TypedDict):
    """A gate after the action: people look at what was done. `undo` takes the measure back; silence only escalates.

    The run does not wait for it. Each time the window ends unanswered the ladder is paged, and the review is asked
    again, until a person decides.
    """

    slots: list[Slot]
    exclude: list[str]
    within: Duration
    on_deny: Literal["undo", "keep"] | list["Step"]
    escalate: list[str]
    rung: float


class BreakGlass(TypedDict):
    """Who may act when approvers stay silent: after `after` seconds of the approval's window a holder of `by` may
    choose the option `break_glass`, if `when` (life is at risk) holds. `review` then asks until a person decides."""

    by: Slot
    after: float
    when: Expr
    review: Review


class Approval(TypedDict):
    slots: list[Slot]
    exclude: list[str]
    within: Duration
    remind: list[Duration]
    on_deny: Literal["stop", "fail"] | list["Step"]
    on_silence: Silence
    show: "list[Shown]"
    break_glass: NotRequired[BreakGlass | None]
    blind: NotRequired[bool]
    """Nobody is shown what others said before every seat has answered."""


class Shown(TypedDict):
    """One thing put before the decider: its label (the path as written) and where its value comes from."""

    label: str
    value: Expr


class Retry(TypedDict):
    """`times` counts attempts, the first included. Backoff in seconds: first, then multiplied, capped at `up_to`."""

    times: int
    first: float
    factor: float
    up_to: float


class Undo(TypedDict):
    """What reverses an action, and on which facts it is done without being asked again."""

    action: str
    on: list[str]
    with_: dict[str, Value]
    effect: Effect
    tier: str


class Doubt(TypedDict):
    """Who says what became of an effect that can neither be deduplicated nor looked up."""

    ask: list[str]
    within: float


class StepCommon(TypedDict):
    id: str
    path: str
    """Block path from the root, `containment/remove/disable`; iterations are added by the engine: `remove[3]`."""
    at: str
    """`line:column` in the runbook's source."""
    name: str
    cond: Expr | None
    timeout: float | None
    on_error: Literal["fail", "continue"] | list["Step"]
    records: dict[str, Expr]
    catches: NotRequired[list["Catch"]]
    """Typed `on_error`: the first whose `on` names the failure's type is taken; else `on_error` counts."""


FAILURES = (
    "outcome_unknown",
    "refused",
    "unavailable",
    "timed_out",
    "denied",
    "silent",
    "exhausted",
    "bad_input",
    "no_grant",
    "not_bound",
    "switched_off",
    "too_large",
    "failed",
    "any",
)
"""What `catch` and a typed `on_error` may name: the codes a step fails with, and `any`."""

Exposure = Literal["text", "graphic", "csea", "terror", "selfharm"]
EXPOSURES: tuple[Exposure, ...] = get_args(Exposure)
"""Classes of what people may have to see, read or hear (domain model, responder wellness)."""

CONSTRUCTS = frozenset(
    {
        "blind",
        "break_glass",
        "catches",
        "clock.each",
        "clock.if",
        "clock.pause",
        "clock.renew",
        "expires",
        "mode.incident_when",
        "outputs",
        "review",
        "run",
        "run.each",
        "run.key",
        "run.known_at",
        "run.reroute",
        "severity.score",
        "task.exposure",
        "track.detached",
        "track.on_fact",
        "track.watch",
        "triggers",
        "try",
        "undo.deny",
        "undo.expires",
    }
)
"""Constructs of the language that an engine may or may not carry out, by the name a finding uses."""

CARRIED_OUT: frozenset[str] = frozenset(
    {
        "blind",
        "break_glass",
        "catches",
        "clock.each",
        "clock.if",
        "clock.pause",
        "clock.renew",
        "expires",
        "mode.incident_when",
        "outputs",
        "review",
        "run",
        "run.each",
        "run.key",
        "run.known_at",
        "run.reroute",
        "severity.score",
        "task.exposure",
        "track.detached",
        "track.on_fact",
        "track.watch",
        "triggers",
        "try",
        "undo.deny",
        "undo.expires",
    }
)
"""Those of `CONSTRUCTS` that this engine carries out; the compiler refuses the rest by name (WF128)."""


class Catch(TypedDict):
    """`on` holds words of `FAILURES`. Static paths: the n-th of a step's `catches` is the block `on_error<n>`, the n-th
    of a try's `handlers` the block `catch<n>`, both counted from 1; `finally_` is the block `finally`, the body of a
    `try` stands in the step's own path, a review's and a break-glass review's `on_deny` in `review`, `break_glass`."""

    on: list[str]
    steps: list["Step"]


class ActionStep(StepCommon):
    kind: Literal["action"]
    action: str
    with_: dict[str, Value]
    retry: Retry
    attempt_timeout: float
    effect: Effect
    irreversible: bool
    tier: str
    outputs: dict[str, TypeSpec]
    approval: Approval | None
    undo: Undo | None
    doubt: Doubt
    review: NotRequired[Review | None]
    narrows: NotRequired[dict[str, Narrowing]]
    """Inputs of which an approver may approve less, as the action's contract declares them; only behind an approval."""
    expires: NotRequired[Duration | None]
    """After this long the undo runs by itself; `undo.on` may name `expires` or `deny` in words."""


class Option(TypedDict):
    also: list[Slot]
    steps: list["Step"]


class DecideStep(StepCommon):
    kind: Literal["decide"]
    ask: Value
    show: list[Shown]
    slots: list[Slot]
    exclude: list[str]
    within: Duration
    remind: list[Duration]
    options: dict[str, Option]
    on_silence: Silence
    order: NotRequired[list[str]]
    """The options as their author wrote them: a plan travels with its keys sorted."""
    blind: NotRequired[bool]
    """Nobody is shown what others said before every seat has answered."""


class ChecklistItem(TypedDict):
    """One thing that a task is made of, ticked by who did it."""

    id: str
    do: str
    required: bool


class TaskStep(StepCommon):
    kind: Literal["task"]
    assignee: Slot
    do: Value
    show: list[Shown]
    form: dict[str, TypeSpec]
    within: Duration
    remind: list[Duration]
    on_silence: Silence
    exposure: NotRequired[Exposure]
    """What the person who does it will be exposed to."""
    claim_for: NotRequired[Duration]
    """How long a claim holds before others may take the task."""
    checklist: NotRequired[list[ChecklistItem]]
    person: NotRequired[str]
    """Whom the task is for if they are there and hold a role of `assignee` at run time; else it is for the role."""


class WaitStep(StepCommon):
    """Exactly one of `for_`, `until`, `fact` is set. `within` bounds `until` on a condition and `fact`."""

    kind: Literal["wait"]
    for_: Duration | None
    until: Expr | None
    fact: str | None
    within: Duration | None
    on_timeout: Literal["fail", "continue"] | list["Step"]


class ParallelStep(StepCommon):
    kind: Literal["parallel"]
    branches: dict[str, list["Step"]]
    """They start at once, so no order is promised: a plan travels as RFC 8785 bytes, whose keys are sorted."""
    join: Literal["all", "any"]


class ForEachStep(StepCommon):
    kind: Literal["for_each"]
    item: str
    in_: Expr
    at_once: int
    on_item_error: Literal["fail", "collect"]
    steps: list["Step"]


class Case(TypedDict):
    when: Expr
    steps: list["Step"]


class ChooseStep(StepCommon):
    kind: Literal["choose"]
    cases: list[Case]
    otherwise: list["Step"] | None


class RepeatStep(StepCommon):
    """The body runs at once, then every `every` seconds, until `until` holds or `times` rounds were run."""

    kind: Literal["repeat"]
    every: Duration
    times: int
    until: Expr
    on_exhausted: Literal["fail", "continue"] | list["Step"]
    steps: list["Step"]


class HoldStep(StepCommon):
    """`law` is the register's row for `basis`; the floor's length comes from it."""

    kind: Literal["hold"]
    basis: str
    law: "ClockLaw"
    scope: dict[str, Expr]
    sources: list[str]
    storage: Literal["governance", "compliance"]
    release: list[Slot]


class HandoffStep(StepCommon):
    kind: Literal["handoff"]
    to: str
    mode: Literal["assist", "command"]
    share: list[Shown]
    accept_within: Duration
    slots: list[Slot]
    """Who may accept in the receiving region."""
    fallback: Literal["keep", "fail"] | list["Step"]


class PostmortemStep(StepCommon):
    kind: Literal["postmortem"]
    facilitator: Slot
    within: float
    within_text: str
    business_days: int | None


class TryStep(StepCommon):
    """The body; if a step of it fails, first `undo` (ids of steps of the body, taken back in reverse as far as their
    measures are in force), then the first of `handlers` whose `on` names the type, in any case `finally_`.

    Inside the body a failing step asks nobody: it fails the body. What no catch names fails the `try` step itself.
    """

    kind: Literal["try"]
    steps: list["Step"]
    handlers: list[Catch]
    undo: list[str]
    finally_: list["Step"]


class EachRun(TypedDict):
    item: str
    in_: Expr
    at_once: int


class RunStep(StepCommon):
    """Another runbook as a run of its own, linked. `plan` names its plan in `Plan.library`.

    `each` starts one run per item. `key` is its dedup key (two parents with the same key share one run); `known_at` a
    fact's instant given to it as the time of knowledge. `wait: false` goes on when it has started. `reroute` moves the
    incident itself: clocks and commander go along, this run stops with outcome `rerouted`.
    """

    kind: Literal["run"]
    runbook: str
    plan: str
    with_: dict[str, Value]
    wait: bool
    each: EachRun | None
    key: Expr | None
    known_at: Expr | None
    reroute: bool
    outputs: dict[str, TypeSpec]


class StopStep(StepCommon):
    kind: Literal["stop"]
    outcome: str


Step = (
    ActionStep
    | DecideStep
    | TaskStep
    | WaitStep
    | ParallelStep
    | ForEachStep
    | ChooseStep
    | RepeatStep
    | HoldStep
    | HandoffStep
    | PostmortemStep
    | StopStep
    | TryStep
    | RunStep
)


class FactSpec(TypedDict):
    """`sources` names who may set it: `inputs.x`, `steps.<id>`, `trigger.known_at` or
    `trigger.received_at`, or a system or role by name. `revise` or null."""

    type: TypeSpec
    sources: list[str]
    revise: dict[str, Json] | None


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


class Watch(TypedDict):
    """A track that runs again and again: first when `start` is there, then every `every`, for `length` seconds."""

    start: Expr
    every: float
    length: float


class Track(TypedDict):
    """Fires once when `when` becomes true. With `on_fact` it fires when that fact is recorded, each time if `each`
    (the firing's value is the variable `fact`, its path `alongside/<id>[n]`). With `watch` it repeats. `detached`
    tracks outlive the incident: they are runs of their own, linked."""

    id: str
    when: Expr
    steps: list[Step]
    on_fact: NotRequired[str | None]
    each: NotRequired[bool]
    watch: NotRequired[Watch | None]
    detached: NotRequired[bool]


class Phase(TypedDict):
    name: str
    steps: list[Step]


class Floor(TypedDict):
    when: Expr
    at_least: str


class OutputSpec(TypedDict):
    """What a runbook gives to the one that ran it, evaluated when it closes."""

    type: TypeSpec
    value: Expr


class TriggerSpec(TypedDict):
    """How an incident of this runbook may start. `map` gives each input from `event` (the delivery's JSON); `dedup` the
    key under which the same thing never starts twice; `where` whether the delivery starts anything at all."""

    kind: Literal["manual", "webhook", "schedule"]
    source: str
    where: Expr | None
    map: dict[str, Value]
    dedup: Value | None
    every: float | None
    content: NotRequired[Value]
    """A content hash or a list of them; what an open incident of the runbook has too is merged into that one."""
    account: NotRequired[Value]
    """An account's opaque id or a list of them; incidents that share one are linked."""
    known_at: NotRequired[Value]
    """When it was first known; may lie in the past."""


class Plan(TypedDict):
    format: int
    language: int
    engine: int
    cel: int
    id: str
    version: int
    title: str
    source_digest: str
    owners: list[str]
    harm: str
    mode: Literal["incident", "case"]
    compartment: str
    command: str
    allowed_regions: list[str]
    handoff_allowed: bool
    severity: str
    floors: list[Floor]
    inputs: dict[str, TypeSpec]
    facts: dict[str, FactSpec]
    clocks: dict[str, ClockPlan]
    tracks: list[Track]
    phases: list[Phase]
    close_when: Expr | None
    step_outputs: dict[str, dict[str, str]]
    """Step id -> output name -> CEL type; how the engine knows which outputs are timestamps."""
    score: NotRequired[dict[str, Expr]]
    """The six dimensions I, H, V, R, C, E as whole numbers 0 to 5; `severity` is then the level while one is absent.
    score = 5*I + 5*H + 3*V + 3*R + 2*C + 2*E; S0 from 75, S1 from 55, S2 from 35, S3 from 15 (domain model)."""
    jurisdictions: NotRequired[dict[str, Expr]]
    """Role (`schemas.runbook.JURISDICTION_ROLES`) -> a text or a list of texts: where that is."""
    unverified: NotRequired[Expr]
    """While this holds what is known is doubtful: the run is tagged, and S0 and S1 do not fall by themselves."""
    mode_when: NotRequired[Expr | None]
    """A case becomes an incident as soon as this holds, and stays one."""
    outputs: NotRequired[dict[str, OutputSpec]]
    triggers: NotRequired[list[TriggerSpec]]
    library: NotRequired[dict[str, str]]
    """Plan digest -> packed plan (`watchfloor.signing.pack`) of every runbook that a `run:` step of this plan starts; a
    child's own library is inside its plan, cycles are refused. So the parent's digest covers what its children do."""


_ = Idempotency  # re-exported for the compiler's binding check
