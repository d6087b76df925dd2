"""The compiled plan: what the engine runs.

A plan is a plain JSON document made by `watchfloor.language.compile` and interpreted by `workflows.interpreter`. It
is complete: nothing outside it (register, catalogue, runbook file) is read while a run goes on, so a run belongs to
exactly the plan it started with. Its digest is SHA-256 over its RFC 8785 bytes (`watchfloor.signing.digest`).

Durations are seconds (int or float) in the plan. Instants are RFC 3339 UTC strings ending in `Z`.
"""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from schemas.actions import Effect, Idempotency
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


class Approval(TypedDict):
    slots: list[Slot]
    exclude: list[str]
    within: Duration
    remind: list[Duration]
    on_deny: Literal["stop", "fail"] | list["Step"]
    on_silence: Silence
    show: "list[Shown]"


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


class TaskStep(StepCommon):
    kind: Literal["task"]
    assignee: Slot
    do: Value
    show: list[Shown]
    form: dict[str, TypeSpec]
    within: Duration
    remind: list[Duration]
    on_silence: Silence


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
    """In the order written; JSON objects keep order and the engine walks them in it."""
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
)


class FactSpec(TypedDict):
    """`sources` names who may set it: `inputs.x`, `steps.<id>`, or a system or role by name. `revise` or null."""

    type: TypeSpec
    sources: list[str]
    revise: dict[str, Json] | None


class ClockLaw(TypedDict):
    """One row of the clock register, as `runbooks/clocks.yaml` gives it."""

    id: str
    kind: Literal["deadline", "promptly", "min_retention", "max_retention"]
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
    on_close: str | None
    """Role that owns the clock when the run closes before it stops; null where every path stops it."""


class Track(TypedDict):
    id: str
    when: Expr
    steps: list[Step]


class Phase(TypedDict):
    name: str
    steps: list[Step]


class Floor(TypedDict):
    when: Expr
    at_least: str


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


_ = Idempotency  # re-exported for the compiler's binding check
