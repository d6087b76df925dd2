"""The runbook document: what an author writes, as models. The published JSON Schema is generated from them.

The compiler reads the located tree itself (`watchfloor.language`), so that findings carry places; a test keeps the two
the same. Descriptions are what an editor shows when the cursor rests on a key.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Dotted = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$")]
Role = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="A role, for example legal_counsel.")]
Span = Annotated[
    str,
    Field(pattern=r"^[0-9]{1,6}(\.[0-9]{1,3})?(s|m|h|d)$", description="A duration: 30s, 15m, 4h, 7d."),
]
Expression = Annotated[
    str | bool | int,
    Field(
        description="A CEL expression, bare: inputs.x, facts.x, steps.<id>.x, has(facts.x), now. Quote it inside { }."
    ),
]
Template = Annotated[str, Field(min_length=1, max_length=4000, description="Text; ${{ expression }} may stand in it.")]
Text = Annotated[str, Field(min_length=1, max_length=4000)]
Severity = Literal["S0", "S1", "S2", "S3", "S4"]


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=False)


class Share(Document):
    """A duration that is a share of a clock."""

    share: float = Field(gt=0, le=1, description="The share, for example 0.15.")
    of: Name = Field(description="The clock, as declared under `clocks`.")


Duration = Span | Share


class AnyOf(Document):
    """A seat that any of several roles may fill."""

    any_of: list[Role] = Field(min_length=1, description="Roles of which one is enough.")


Seat = Role | AnyOf


class Steps(Document):
    """A path with steps of its own."""

    steps: "list[Step]" = Field(min_length=1, description="Steps, run in order.")


class SilencePath(Document):
    escalate: list[Role] = Field(
        default=[], description="Roles that are paged one after the other when the window has passed."
    )
    rung: Span | None = Field(default=None, description="How long each of them has (10m unless said).")
    then: Literal["fail"] | Steps = Field(description="`fail`, or steps that restrict, disclose and undo nothing.")


OnSilence = Annotated[
    Literal["fail"] | SilencePath,
    Field(description="What happens when nobody answers. Silence never acts."),
]
Show = Annotated[list[Expression], Field(max_length=50, description="Values put before the decider, as expressions.")]
Window = Annotated[Duration, Field(description="How long people have. Every question has a deadline.")]
Remind = Annotated[list[Duration], Field(max_length=10, description="When to remind, counted from the question.")]
Exclude = Annotated[list[Role], Field(description="Roles and people who may not answer.")]
Seats = Annotated[
    list[Seat], Field(min_length=1, max_length=8, description="Seats, each filled by a different person.")
]


class Approval(Document):
    """Asks before the action. The grant is bound to the exact inputs."""

    from_: Seats = Field(alias="from")
    not_: Exclude = Field(default=[], alias="not")
    within: Window
    remind: Remind = []
    show: Show = []
    on_deny: Literal["stop", "fail"] | Steps = Field(description="What a no leads to. It must be written.")
    on_silence: OnSilence = "fail"


class RetryRule(Document):
    times: int | None = Field(default=None, ge=1, le=100, description="Attempts, the first included (5).")
    first: Span | None = Field(default=None, description="Pause before the second attempt (1s).")
    factor: float | int | None = Field(default=None, ge=1, le=10, description="What each pause is multiplied by (2).")
    up_to: Span | None = Field(default=None, description="The longest pause (60s).")


class UndoRule(Document):
    never: Template | None = Field(default=None, description="Why this is never undone.")
    action: Dotted | None = Field(default=None, description="What reverses the action (the catalogue's unless said).")
    on: list[Name] = Field(default=[], description="Facts on which it is undone without asking again.")
    with_: dict[Name, Any] = Field(default={}, alias="with", description="Inputs of the undo.")


class DoubtRule(Document):
    """Who says what became of an effect that can neither be deduplicated nor looked up."""

    ask: list[Role] = Field(min_length=1, description="Roles that may say it.")
    within: Span = Field(description="How long they have.")


class StepCommon(Document):
    id: Name = Field(description="Unique in the runbook; `steps.<id>` in expressions.")
    name: Text | None = Field(default=None, description="What people see instead of the id.")
    if_: Expression | None = Field(default=None, alias="if", description="Run the step only when this holds.")
    unless: Expression | None = Field(default=None, description="Run the step only when this does not hold.")
    timeout: Span | None = Field(default=None, description="The longest the whole step may take.")
    on_error: Literal["fail", "continue"] | Steps | None = Field(
        default=None, description="What a failure leads to; `fail` asks a person whether to retry, skip or give up."
    )
    records: dict[Name, Expression] | None = Field(
        default=None, min_length=1, description="Facts this step records when it is done, each with its expression."
    )


class ActionStep(StepCommon):
    """Runs one registered action."""

    action: Dotted = Field(description="The action's name in the catalogue.")
    with_: dict[Name, Any] = Field(
        default={},
        alias="with",
        description="Inputs. One that is left out is taken from the run's input of the same name, if there is one.",
    )
    retry: RetryRule | None = Field(default=None, description="Attempts and pauses.")
    attempt_timeout: Span | None = Field(default=None, description="The longest one attempt may take.")
    approval: Approval | None = Field(default=None, description="Who says yes before it acts.")
    undo: UndoRule | None = Field(default=None, description="What takes it back, and on which facts.")
    doubt: DoubtRule | None = Field(default=None, description="Who is asked when it is unknown whether it happened.")


class Option(Document):
    also: Seats | None = Field(default=None, description="Further seats that this option needs.")
    steps: "list[Step]" = Field(default=[], description="What this choice leads to.")


class DecideBody(Document):
    ask: Template = Field(description="The question.")
    show: Show = []
    from_: Seats = Field(alias="from")
    not_: Exclude = Field(default=[], alias="not")
    within: Window
    remind: Remind = []
    options: dict[Name, Option] = Field(min_length=2, description="Named answers, each with its own steps.")
    on_silence: OnSilence = "fail"
    escalate: list[Role] | None = Field(default=None, description="Short for on_silence: {escalate, then: fail}.")


class DecideStep(StepCommon):
    """A choice by people among named options."""

    decide: DecideBody


class TypeRule(Document):
    """A type in its long form."""

    type: "TypeName" = Field(description="The type.")
    of: "TypeRule | TypeName | None" = Field(default=None, description="Type of a list's items.")
    enum: list[str | int] | None = Field(default=None, min_length=1, description="The only values it may have.")
    pattern: str | None = Field(
        default=None, max_length=200, description="A regular expression the whole text matches."
    )
    min: float | int | None = Field(default=None, description="Smallest number.")
    max: float | int | None = Field(default=None, description="Largest number.")
    min_items: int | None = Field(default=None, ge=0, le=2000, description="Fewest items of a list.")
    max_items: int | None = Field(default=None, ge=1, le=2000, description="Most items of a list.")
    max_length: int | None = Field(default=None, ge=1, description="Most characters of a text.")
    default: Any = Field(default=None, description="The value when none is given.")
    optional: bool | None = Field(default=None, description="True when it may be left out.")
    data_class: Literal["us_protected", "us_public_content", "us_interop", "aggregate", "non_us"] | None = Field(
        default=None, description="Residency class; us_protected never leaves the region."
    )


TypeName = Literal["string", "text", "int", "number", "bool", "timestamp", "duration", "url", "ref", "list", "map"]
TypeDecl = TypeName | TypeRule


class TaskBody(Document):
    assignee: Seat = Field(description="Who does it.")
    do: Template = Field(description="What is to be done outside.")
    show: Show = []
    form: dict[Name, TypeDecl] = Field(default={}, description="What the person reports; outputs of the step.")
    within: Window
    remind: Remind = []
    on_silence: OnSilence = "fail"
    escalate: list[Role] | None = Field(default=None, description="Short for on_silence: {escalate, then: fail}.")


class TaskStep(StepCommon):
    """A person does something outside and reports through a typed form."""

    task: TaskBody


class WaitBody(Document):
    for_: Duration | None = Field(default=None, alias="for", description="For how long.")
    until: Expression | None = Field(default=None, description="Until a condition holds or an instant comes.")
    fact: Name | None = Field(default=None, description="Until this fact is recorded.")
    within: Duration | None = Field(default=None, description="How long to wait for the condition or the fact.")
    on_timeout: Literal["fail", "continue"] | Steps | None = Field(default=None, description="What then (fail).")


class WaitStep(StepCommon):
    """Waits for a duration, an instant, a condition, or a fact from outside."""

    wait: WaitBody


class ParallelBody(Document):
    branches: "dict[Name, Annotated[list[Step], Field(min_length=1)]]" = Field(
        min_length=2, max_length=50, description="Named lists of steps that run at once."
    )
    join: Literal["all", "any"] = Field(default="all", description="`any` cancels the rest when one is done.")


class ParallelStep(StepCommon):
    """Named branches at once."""

    parallel: ParallelBody


class ForEachBody(Document):
    item: Name = Field(description="The name of the item in expressions.")
    in_: Expression = Field(alias="in", description="The list; an input needs max_items.")
    at_once: int | None = Field(default=None, ge=1, le=200, description="How many items at the same time (10).")
    on_item_error: Literal["fail", "collect"] | None = Field(
        default=None, description="`collect` goes on and gives `failed`; `fail` stops at the first."
    )


class ForEachStep(StepCommon):
    """Steps for each item; gives results, succeeded, failed, total."""

    for_each: ForEachBody
    steps: "list[Step]" = Field(min_length=1, description="Steps for one item.")


class WhenCase(Document):
    when: Expression = Field(description="The condition.")
    steps: "list[Step]" = Field(description="Steps when it is the first that holds.")


class OtherwiseCase(Document):
    otherwise: "list[Step]" = Field(description="Steps when no condition holds; the last case.")


class ChooseStep(StepCommon):
    """The first `when` that holds, else `otherwise`."""

    choose: list[WhenCase | OtherwiseCase] = Field(min_length=1, max_length=50)


class RepeatBody(Document):
    every: Duration = Field(description="Pause between rounds; the first runs at once.")
    times: int = Field(ge=1, le=1000, description="The most rounds.")
    until: Expression = Field(description="Ends the loop; sees `last.<id>.x` of the round just done.")
    on_exhausted: Literal["fail", "continue"] | Steps = Field(description="What follows when the rounds are used up.")


class RepeatStep(StepCommon):
    """Steps until a condition holds."""

    repeat: RepeatBody
    steps: "list[Step]" = Field(min_length=1, description="Steps of one round.")


class HoldBody(Document):
    basis: Dotted = Field(description="The row of the clock register (min_retention) that demands it.")
    scope: dict[Name, Expression] = Field(min_length=1, description="Exactly what is held, by list.")
    sources: list[Name] = Field(min_length=1, description="Custodians whose deletion is frozen.")
    storage: Literal["governance", "compliance"] = Field(default="governance", description="Kind of write-once lock.")
    release: Seats | None = Field(default=None, description="Who releases it; never fewer than two people.")


class HoldStep(StepCommon):
    """Places a legal hold that outlives the incident."""

    hold: HoldBody


class HandoffBody(Document):
    to: Name = Field(description="The receiving region.")
    mode: Literal["assist", "command"] = Field(default="assist", description="Help, or pass the command.")
    share: list[Expression] = Field(max_length=50, description="Everything that crosses, and nothing else.")
    accept_within: Duration = Field(description="How long the other region has.")
    from_: Seats | None = Field(default=None, alias="from", description="Who may accept there (its desk).")
    fallback: Literal["keep", "fail"] | Steps | None = Field(
        default=None, description="What no acceptance leads to; `keep` goes on here."
    )


class HandoffStep(StepCommon):
    """Offers the incident, or a part, to another region."""

    handoff: HandoffBody


class PostmortemBody(Document):
    facilitator: Seat = Field(description="Who leads the review.")
    within: Annotated[str, Field(pattern=r"^[0-9]{1,6}(\.[0-9]{1,3})?(s|m|h|d|bd)$")] = Field(
        description="When it is due: 10bd, 7d."
    )


class PostmortemStep(StepCommon):
    """Drafts the review from the ledger and assigns it."""

    postmortem: PostmortemBody


class StopBody(Document):
    outcome: Name = Field(description="How the run ends.")


class StopStep(StepCommon):
    """Ends the run."""

    stop: StopBody


STEP_KINDS: dict[str, type[StepCommon]] = {
    "action": ActionStep,
    "decide": DecideStep,
    "task": TaskStep,
    "wait": WaitStep,
    "parallel": ParallelStep,
    "for_each": ForEachStep,
    "choose": ChooseStep,
    "repeat": RepeatStep,
    "hold": HoldStep,
    "handoff": HandoffStep,
    "postmortem": PostmortemStep,
    "stop": StopStep,
}


def kind_of(value: Any) -> str | None:
    """The kind of a step: the first key that is one."""
    keys = value if isinstance(value, dict) else type(value).model_fields
    return next((kind for kind in STEP_KINDS if kind in keys), None)


Step = Annotated[
    Annotated[ActionStep, Tag("action")]
    | Annotated[DecideStep, Tag("decide")]
    | Annotated[TaskStep, Tag("task")]
    | Annotated[WaitStep, Tag("wait")]
    | Annotated[ParallelStep, Tag("parallel")]
    | Annotated[ForEachStep, Tag("for_each")]
    | Annotated[ChooseStep, Tag("choose")]
    | Annotated[RepeatStep, Tag("repeat")]
    | Annotated[HoldStep, Tag("hold")]
    | Annotated[HandoffStep, Tag("handoff")]
    | Annotated[PostmortemStep, Tag("postmortem")]
    | Annotated[StopStep, Tag("stop")],
    Discriminator(kind_of),
]


class ModeRule(Document):
    default: Literal["incident", "case"] = Field(description="`case` skips commander, room and review.")


class Floor(Document):
    when: Expression = Field(description="A condition over inputs and facts.")
    at_least: Severity = Field(description="The severity is never lower while it holds.")


class SeverityRule(Document):
    default: Severity = Field(description="The severity at the start.")
    floors: list[Floor] = Field(default=[], max_length=20, description="Conditions that raise it.")


class Regions(Document):
    command: Name = Field(description="The region that commands.")
    allowed: list[Name] = Field(min_length=1, description="Regions that the run may involve.")


class Revise(Document):
    by: list[Role] = Field(min_length=1, description="Who may revise the fact.")
    reason: Literal["required"] = Field(default="required", description="A revision always has a reason.")


class FactRule(Document):
    type: TypeDecl = Field(description="The type of its value.")
    from_: list[Dotted] = Field(
        alias="from", min_length=1, description="Who may set it: inputs.x, steps.x, or a system or role by name."
    )
    revise: Revise | None = Field(default=None, description="Who may revise it; nobody unless said.")


class PageRule(Document):
    page: Role = Field(description="The role to page.")


class Assign(Document):
    assign: Role = Field(description="Who owns the clock when the run closes before it stops.")


class ClockRule(Document):
    use: Dotted = Field(description="The row of the clock register.")
    start: Expression = Field(description="The instant it starts, usually a fact; may lie in the past.")
    restart: Expression | None = Field(default=None, description="The fact that starts it anew.")
    stop: Expression | None = Field(default=None, description="The fact that stops it.")
    warn: list[Duration] = Field(default=[], max_length=20, description="Warnings, counted from the start.")
    on_breach: list[PageRule] = Field(default=[], max_length=20, description="Who hears of a breach.")
    on_close: Assign | None = Field(default=None, description="Who owns it when the run closes.")


class TrackRule(Document):
    id: Name = Field(description="The track's name.")
    when: Expression = Field(description="Fires once, when it becomes true.")
    steps: list[Step] = Field(min_length=1, description="Steps that run beside the phases.")


class Runbook(Document):
    """One runbook: strict, pinned by id, version and digest."""

    runbook: str = Field(pattern=r"^[a-z][a-z0-9-]{1,63}$", description="The runbook's id.")
    version: int = Field(ge=1, le=1_000_000, description="Raised with every change that is published.")
    title: Text = Field(description="What people see.")
    owners: list[Text] = Field(min_length=1, description="Teams that answer for it.")
    harm: Name | None = Field(default=None, description="The kind of harm, for example terrorism.")
    mode: Literal["incident", "case"] | ModeRule | None = Field(default=None, description="Incident or case.")
    severity: Severity | SeverityRule = Field(description="Severity at the start, and floors.")
    compartment: Name | None = Field(default=None, description="Who may see the run.")
    regions: Regions = Field(description="Where it is commanded and where it may go.")
    handoff: Literal["never"] | None = Field(default=None, description="`never` forbids handoffs.")
    inputs: dict[Name, TypeDecl] | None = Field(default=None, description="What the trigger must give.")
    facts: dict[Name, FactRule] | None = Field(default=None, description="What becomes known, and from whom.")
    clocks: dict[Name, ClockRule] | None = Field(default=None, description="Legal and own deadlines.")
    alongside: list[TrackRule] | None = Field(default=None, max_length=50, description="Tracks beside the phases.")
    phases: list[
        Annotated[dict[Name, Annotated[list[Step], Field(min_length=1)]], Field(min_length=1, max_length=1)]
    ] = Field(min_length=1, max_length=50, description="Named blocks of steps, in order.")
    close_when: Expression | None = Field(default=None, description="What must hold before the run closes.")


for _model in (Steps, Option, ParallelBody, ForEachStep, WhenCase, OtherwiseCase, RepeatStep, TypeRule):
    _model.model_rebuild()
