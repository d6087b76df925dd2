"""Steps of a plan, one shape for each kind, and the gates, ladders and reviews that stand in them.

One module, because they refer to each other: what a no or silence leads to is a list of steps.
"""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from schemas.actions import Effect
from schemas.decision import Narrowing
from schemas.plan.clocks import ClockLaw
from schemas.plan.constructs import Exposure
from schemas.plan.values import Duration, Expr, TypeSpec, Value


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
    law: ClockLaw
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
