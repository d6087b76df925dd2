"""The runbook document: what an author writes, as models. The published JSON Schema is generated from them.

The compiler reads the located tree itself (`watchfloor.language`), so that findings carry places; a test keeps the two
the same. Descriptions are what an editor shows when the cursor rests on a key.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from schemas.plan import Exposure

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


class Review(Document):
    """Asks after the action. Silence only escalates; the question comes again until a person decides."""

    from_: Seats = Field(alias="from")
    not_: Exclude = Field(default=[], alias="not")
    within: Window
    on_deny: Literal["undo", "keep"] | Steps | None = Field(
        default=None, description="What a no leads to; may be left out where `undo: {on: [deny]}` says it."
    )
    escalate: list[Role] = Field(default=[], description="Roles that are paged when the window has passed.")
    rung: Span | None = Field(default=None, description="How long each of them has (10m unless said).")


class BreakGlass(Document):
    """Who may act while approvers stay silent and life is at risk."""

    by: Seat = Field(description="Who may act.")
    after: Span = Field(description="How long the approvers must have been silent.")
    when: Expression = Field(description="That life is at risk: `has(facts.imminent_threat)`.")
    review: Review = Field(description="Who looks at it afterwards, until a person decides.")


class Approval(Document):
    """Asks before the action. The grant is bound to the exact inputs."""

    from_: Seats = Field(alias="from")
    not_: Exclude = Field(default=[], alias="not")
    within: Window
    remind: Remind = []
    show: Show = []
    on_deny: Literal["stop", "fail"] | Steps = Field(description="What a no leads to. It must be written.")
    on_silence: OnSilence = "fail"
    break_glass: BreakGlass | None = Field(default=None, description="Who may act when nobody answers in time.")
    blind: bool = Field(default=False, description="Nobody sees what others said before all seats have answered.")
    summary: Expression | None = Field(default=None, description="With `blind`: what everybody is shown first.")


class RetryRule(Document):
    times: int | None = Field(default=None, ge=1, le=100, description="Attempts, the first included (5).")
    first: Span | None = Field(default=None, description="Pause before the second attempt (1s).")
    factor: float | int | None = Field(default=None, ge=1, le=10, description="What each pause is multiplied by (2).")
    up_to: Span | None = Field(default=None, description="The longest pause (60s).")


class UndoRule(Document):
    never: Template | None = Field(default=None, description="Why this is never undone.")
    action: Dotted | None = Field(default=None, description="What reverses the action (the catalogue's unless said).")
    on: list[Name] = Field(
        default=[],
        description="Facts on which it is undone without asking again; also `deny` (a review says no), `expires`.",
    )
    with_: dict[Name, Any] = Field(default={}, alias="with", description="Inputs of the undo.")


class DoubtRule(Document):
    """Who says what became of an effect that can neither be deduplicated nor looked up."""

    ask: list[Role] = Field(min_length=1, description="Roles that may say it.")
    within: Span = Field(description="How long they have.")


Failure = Literal[
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
]


class Catch(Document):
    """Steps for failures of these types."""

    on: list[Failure] = Field(min_length=1, description="Types of failure; `any` for the rest.")
    steps: "list[Step]" = Field(min_length=1, description="Steps, run in order.")


_Caught = Field(default=None, min_length=1, description="Steps after a failure of this type.")


class ByFailure(Document):
    """Steps by the type of failure; what is not named asks a person."""

    outcome_unknown: "list[Step] | None" = _Caught
    refused: "list[Step] | None" = _Caught
    unavailable: "list[Step] | None" = _Caught
    timed_out: "list[Step] | None" = _Caught
    denied: "list[Step] | None" = _Caught
    silent: "list[Step] | None" = _Caught
    exhausted: "list[Step] | None" = _Caught
    bad_input: "list[Step] | None" = _Caught
    no_grant: "list[Step] | None" = _Caught
    not_bound: "list[Step] | None" = _Caught
    switched_off: "list[Step] | None" = _Caught
    too_large: "list[Step] | None" = _Caught
    failed: "list[Step] | None" = _Caught
    any: "list[Step] | None" = _Caught


class StepCommon(Document):
    id: Name = Field(description="Unique in the runbook; `steps.<id>` in expressions.")
    name: Text | None = Field(default=None, description="What people see instead of the id.")
    if_: Expression | None = Field(default=None, alias="if", description="Run the step only when this holds.")
    unless: Expression | None = Field(default=None, description="Run the step only when this does not hold.")
    timeout: Span | None = Field(default=None, description="The longest the whole step may take.")
    on_error: Literal["fail", "continue"] | Steps | ByFailure | list[Catch] | None = Field(
        default=None,
        description="What a failure leads to; `fail` asks a person whether to retry, skip or give up. Steps for all"
        " failures, or by type: `{timed_out: [...], any: [...]}`.",
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
    review: Review | None = Field(default=None, description="Who looks at it after it was done.")
    expires: Duration | None = Field(default=None, description="After how long the undo runs by itself.")


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
    blind: bool = Field(default=False, description="Nobody sees what others said before all seats have answered.")
    summary: Expression | None = Field(default=None, description="With `blind`: what everybody is shown first.")


class DecideStep(StepCommon):
    """A choice by people among named options."""

    decide: DecideBody


class TypeRule(Document):
    """A type in its long form."""

    type: "TypeName" = Field(description="The type.")
    of: "TypeRule | TypeName | None" = Field(default=None, description="Type of a list's items, or of a map's values.")
    enum: list[str | int] | None = Field(default=None, min_length=1, description="The only values it may have.")
    pattern: str | None = Field(
        default=None, max_length=200, description="A regular expression the whole text matches."
    )
    min: float | int | None = Field(default=None, description="Smallest number.")
    max: float | int | None = Field(default=None, description="Largest number.")
    min_items: int | None = Field(default=None, ge=0, le=2000, description="Fewest items of a list, entries of a map.")
    max_items: int | None = Field(default=None, ge=1, le=2000, description="Most items of a list, entries of a map.")
    max_length: int | None = Field(default=None, ge=1, description="Most characters of a text.")
    default: Any = Field(default=None, description="The value when none is given.")
    optional: bool | None = Field(default=None, description="True when it may be left out.")
    data_class: (
        Literal[
            "us_protected",
            "us_public_content",
            "us_interop",
            "aggregate",
            "non_us",
            "operational",
            "public_content",
            "internal",
        ]
        | None
    ) = Field(default=None, description="Residency class; us_protected never leaves the region.")


TypeName = Literal["string", "text", "int", "number", "bool", "timestamp", "duration", "url", "ref", "list", "map"]
TypeDecl = TypeName | TypeRule


class NamedAssignee(Document):
    """A person, and the role that does it when they are not there."""

    person: str = Field(
        pattern="^[a-z][a-z0-9-]{0,63}$", description="Id of the directory of people; looked up when the task is asked."
    )
    else_: Seat = Field(alias="else", description="The role it is for when that person is not there.")


class AttachmentType(Document):
    """A form field that holds something put into the region's evidence store."""

    type: Literal["attachment"] = Field(description="A reference of the evidence store.")
    optional: bool = Field(default=False, description="True when it may be left out.")


class ChecklistItem(Document):
    """One thing that is ticked by who did it."""

    id: Name = Field(description="Its name; `watchfloor tick` says it.")
    do: str = Field(min_length=1, description="What is to be done.")
    optional: bool = Field(default=False, description="The task may be done without it.")


class TaskBody(Document):
    assignee: Seat | NamedAssignee = Field(description="Who does it: a role, or a person with the role as fallback.")
    do: Template = Field(description="What is to be done outside.")
    show: Show = []
    form: dict[Name, TypeDecl | Literal["attachment"] | AttachmentType] = Field(
        default={}, description="What the person reports; outputs of the step."
    )
    within: Window
    remind: Remind = []
    on_silence: OnSilence = "fail"
    escalate: list[Role] | None = Field(default=None, description="Short for on_silence: {escalate, then: fail}.")
    exposure: Exposure | None = Field(default=None, description="What the person will be exposed to; shown before.")
    checklist: list[ChecklistItem] = Field(default=[], description="Done when every item that is needed is ticked.")
    claim_for: Duration | None = Field(
        default=None, description="How long a claim holds (30m), then others may take it."
    )


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


class TryBody(Document):
    steps: "list[Step]" = Field(min_length=1, description="The body. A failing step of it asks nobody.")
    catch: list[Catch] | None = Field(
        default=None, min_length=1, max_length=14, description="What follows a failure, by type; the first that fits."
    )
    undo: list[Name] | None = Field(
        default=None, description="Steps of the body whose measures are taken back in reverse when it fails."
    )
    finally_: "list[Step] | None" = Field(
        default=None, alias="finally", min_length=1, description="Steps that run in any case, last."
    )


class TryStep(StepCommon):
    """Steps whose failure is dealt with here."""

    try_: TryBody = Field(alias="try")


class EachRun(Document):
    """One run per member of a list."""

    item: Name = Field(description="The name of the member in expressions.")
    in_: Expression = Field(alias="in", description="The list; an input needs max_items.")
    at_once: int | None = Field(default=None, ge=1, le=200, description="How many runs at the same time (10).")


class RunStep(StepCommon):
    """Another runbook as a linked run of its own."""

    run: str = Field(pattern=r"^[a-z][a-z0-9-]{1,63}$", description="The other runbook's id, from the library.")
    with_: dict[Name, Any] = Field(
        default={},
        alias="with",
        description="Its inputs. One that is left out is taken from this run's input of the same name and type.",
    )
    wait: bool | None = Field(default=None, description="False goes on when it has started (true).")
    each: EachRun | None = Field(default=None, description="One run per member of a list.")
    key: Expression | None = Field(default=None, description="Its dedup key: the same key never starts it twice.")
    known_at: Expression | None = Field(default=None, description="Since when its cause was known; may be past.")
    reroute: bool | None = Field(
        default=None, description="Moves the incident itself: clocks and compartment go along, this run stops."
    )


class UseStep(Document):
    """Stands for the steps of a fragment."""

    id: Name = Field(description="Prefix of the fragment's step ids: `<id>_<step>`.")
    use: Name = Field(description="The fragment, as declared under `fragments`.")
    with_: dict[Name, Any] = Field(default={}, alias="with", description="Values of its parameters.")
    if_: Expression | None = Field(default=None, alias="if", description="Use it only when this holds.")


STEP_KINDS: dict[str, type[Document]] = {
    "run": RunStep,
    "use": UseStep,
    "try": TryStep,
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
    """The kind of a step: the first key that is one; `run` comes first, it has a key `wait` of its own."""
    if not isinstance(value, dict):
        return next((kind for kind, model in STEP_KINDS.items() if isinstance(value, model)), None)
    return next((kind for kind in STEP_KINDS if kind in value), None)


Step = Annotated[
    Annotated[RunStep, Tag("run")]
    | Annotated[UseStep, Tag("use")]
    | Annotated[TryStep, Tag("try")]
    | Annotated[ActionStep, Tag("action")]
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
    incident_when: Expression | None = Field(
        default=None, description="A case becomes an incident as soon as this holds, and stays one."
    )


class Floor(Document):
    when: Expression = Field(description="A condition over inputs and facts.")
    at_least: Severity = Field(description="The severity is never lower while it holds.")


_Dimension = Field(default=None, description="A whole number from 0 to 5.")


class Score(Document):
    """Severity from six dimensions: 5*I + 5*H + 3*V + 3*R + 2*C + 2*E; S0 from 75, S1 from 55, S2 from 35, S3 from 15.

    Each is written by its name or its letter.
    """

    imminence: Expression | None = Field(default=None, description="0 historic … 5 happening now.")
    harm: Expression | None = Field(default=None, description="0 nuisance … 5 death, abuse of a child, mass violence.")
    vulnerability: Expression | None = Field(default=None, description="0 none … 5 a child or a person in crisis.")
    reach: Expression | None = Field(default=None, description="0 no views … 5 over ten million, across platforms.")
    clock: Expression | None = Field(default=None, description="0 no duty … 5 a duty of three hours or less.")
    exposure: Expression | None = Field(default=None, description="0 nobody asks … 5 heads of state, markets.")
    I: Expression | None = _Dimension  # noqa: E741
    H: Expression | None = _Dimension
    V: Expression | None = _Dimension
    R: Expression | None = _Dimension
    C: Expression | None = _Dimension
    E: Expression | None = _Dimension


class SeverityRule(Document):
    default: Severity = Field(description="The severity at the start.")
    floors: list[Floor] = Field(default=[], max_length=20, description="Conditions that raise it.")
    score: Score | None = Field(
        default=None, description="All six dimensions; `default` counts while one of them is unknown."
    )
    unverified: Expression | None = Field(
        default=None,
        description="While it holds the run is tagged `unverified`; S0 and S1 do not fall by themselves.",
    )


class Jurisdictions(Document):
    """Where the people and the data of an incident are: `incident.jurisdictions` holds all of them."""

    uploader: Expression | None = Field(default=None, description="Where who put it up is.")
    viewer: Expression | None = Field(default=None, description="Where it is seen.")
    victim: Expression | None = Field(default=None, description="Where who suffers from it is.")
    order_issuer: Expression | None = Field(default=None, description="Whose authority has ordered something.")
    data_location: Expression | None = Field(default=None, description="Where the data is kept.")


JURISDICTION_ROLES = tuple(Jurisdictions.model_fields)


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


class Member(Document):
    """A list and the name of its member in the clock's expressions."""

    item: Name = Field(description="The name of the member in expressions.")
    in_: Expression = Field(alias="in", description="The list; an input needs max_items.")


class PauseRule(Document):
    """The facts from which and until which a legal reason holds."""

    from_: Expression = Field(alias="from", description="The fact with which the reason began.")
    until: Expression = Field(description="The fact with which it was gone.")


class ClockRule(Document):
    use: Dotted = Field(description="The row of the clock register.")
    start: Expression = Field(description="The instant it starts, usually a fact; may lie in the past.")
    restart: Expression | None = Field(default=None, description="The fact that starts it anew.")
    stop: Expression | None = Field(default=None, description="The fact that stops it.")
    warn: list[Duration] = Field(default=[], max_length=20, description="Warnings, counted from the start.")
    on_breach: list[PageRule] = Field(default=[], max_length=20, description="Who hears of a breach.")
    on_close: Assign | None = Field(default=None, description="Who owns it when the run closes.")
    each: Member | None = Field(default=None, description="One clock per member of a list.")
    pause: dict[Name, PauseRule] | None = Field(
        default=None, description="Reasons of the law (`pause_on` of its row) for which the clock stands still."
    )
    renew: Expression | None = Field(default=None, description="The fact that renews it, as its law allows.")
    if_: Expression | None = Field(
        default=None, alias="if", description="The clock exists only if this holds when its start is seen."
    )


class TrackRule(Document):
    id: Name = Field(description="The track's name.")
    when: Expression | None = Field(default=None, description="Fires once, when it becomes true.")
    on_fact: Name | None = Field(default=None, description="Fires when this fact is recorded; its value is `fact`.")
    each: bool | None = Field(default=None, description="With `on_fact`: every time it is recorded.")
    from_: Expression | None = Field(default=None, alias="from", description="A watch: the instant it begins at.")
    every: Span | None = Field(default=None, description="A watch: pause between its rounds.")
    for_: Span | None = Field(default=None, alias="for", description="A watch: how long it goes on.")
    detached: bool | None = Field(
        default=None, description="Outlives the incident as a run of its own; sees inputs and facts only."
    )
    steps: list[Step] = Field(min_length=1, description="Steps that run beside the phases.")


class OutputRule(Document):
    type: TypeDecl = Field(description="The type of its value.")
    value: Expression = Field(description="What it is when the run closes.")


class TriggerRule(Document):
    """What may start an incident. The kind's value names where it comes from."""

    manual: Name | None = Field(default=None, description="A person at this place starts it.")
    webhook: Name | None = Field(default=None, description="A delivery from this source; `event` is its JSON.")
    schedule: Name | None = Field(default=None, description="Time starts it; `event.at` is the instant.")
    where: Expression | None = Field(default=None, description="Whether a delivery starts anything at all.")
    map: dict[Name, Any] | None = Field(default=None, description="The inputs, from `event`.")
    dedup: Template | None = Field(default=None, description="The key under which the same never starts twice.")
    content: Template | None = Field(
        default=None, description="A content hash or a list of them: one that an open incident has is merged into it."
    )
    account: Template | None = Field(
        default=None, description="An account's opaque id or a list of them: incidents that share one are linked."
    )
    known_at: Template | None = Field(default=None, description="When it was first known; may lie in the past.")
    every: Span | None = Field(default=None, description="How often a schedule starts it.")


class FragmentRule(Document):
    """Steps to be used in several places."""

    params: dict[Name, TypeDecl] | None = Field(default=None, description="What a use gives; `params.x` in the steps.")
    steps: list[Step] = Field(min_length=1, description="Steps, run in order where the fragment is used.")


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
    jurisdictions: Jurisdictions | None = Field(
        default=None, description="Where uploader, viewer, victim, issuer of the order and data are."
    )
    recuse: list[Role] | None = Field(default=None, description="Roles that no gate of this runbook asks.")
    triggers: list[TriggerRule] | None = Field(default=None, max_length=20, description="What may start it.")
    inputs: dict[Name, TypeDecl] | None = Field(default=None, description="What the trigger must give.")
    facts: dict[Name, FactRule] | None = Field(default=None, description="What becomes known, and from whom.")
    clocks: dict[Name, ClockRule] | None = Field(default=None, description="Legal and own deadlines.")
    alongside: list[TrackRule] | None = Field(default=None, max_length=50, description="Tracks beside the phases.")
    phases: list[
        Annotated[dict[Name, Annotated[list[Step], Field(min_length=1)]], Field(min_length=1, max_length=1)]
    ] = Field(min_length=1, max_length=50, description="Named blocks of steps, in order.")
    close_when: Expression | None = Field(default=None, description="What must hold before the run closes.")
    outputs: dict[Name, OutputRule] | None = Field(default=None, description="What it gives to a runbook that ran it.")
    fragments: dict[Name, FragmentRule] | None = Field(default=None, description="Steps to be used in several places.")


for _model in (
    Steps,
    Catch,
    ByFailure,
    Review,
    BreakGlass,
    Approval,
    TryBody,
    TryStep,
    FragmentRule,
    Option,
    ParallelBody,
    ForEachStep,
    WhenCase,
    OtherwiseCase,
    RepeatStep,
    TypeRule,
):
    _model.model_rebuild()
