"""Who is asked, how long they have, and what a no or silence leads to."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from schemas.runbook.words import Document, Duration, Expression, Role, Seat, Span

if TYPE_CHECKING:
    from schemas.runbook.steps import Step


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
    remind: Remind = Field(default=[])
    show: Show = Field(default=[])
    on_deny: Literal["stop", "fail"] | Steps = Field(description="What a no leads to. It must be written.")
    on_silence: OnSilence = "fail"
    break_glass: BreakGlass | None = Field(default=None, description="Who may act when nobody answers in time.")
    blind: bool = Field(default=False, description="Nobody sees what others said before all seats have answered.")
    summary: Expression | None = Field(default=None, description="With `blind`: what everybody is shown first.")
