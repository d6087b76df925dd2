"""What a runbook declares around its steps: severity, places, facts, clocks, tracks, triggers."""

from typing import Any, Literal

from pydantic import Field

from schemas.runbook.steps import Step
from schemas.runbook.types import TypeDecl
from schemas.runbook.words import Document, Dotted, Duration, Expression, Name, Role, Severity, Span, Template


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
