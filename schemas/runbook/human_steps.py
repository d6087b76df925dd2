"""Steps that people do: decisions and tasks."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from schemas.plan import Exposure
from schemas.runbook.gates import Exclude, OnSilence, Remind, Seats, Show, Window
from schemas.runbook.step_keys import StepCommon
from schemas.runbook.types import TypeDecl
from schemas.runbook.words import Document, Duration, Expression, Name, Role, Seat, Template

if TYPE_CHECKING:
    from schemas.runbook.steps import Step


class Option(Document):
    also: Seats | None = Field(default=None, description="Further seats that this option needs.")
    steps: "list[Step]" = Field(default=[], description="What this choice leads to.")


class DecideBody(Document):
    ask: Template = Field(description="The question.")
    show: Show = Field(default=[])
    from_: Seats = Field(alias="from")
    not_: Exclude = Field(default=[], alias="not")
    within: Window
    remind: Remind = Field(default=[])
    options: dict[Name, Option] = Field(min_length=2, description="Named answers, each with its own steps.")
    on_silence: OnSilence = "fail"
    escalate: list[Role] | None = Field(default=None, description="Short for on_silence: {escalate, then: fail}.")
    blind: bool = Field(default=False, description="Nobody sees what others said before all seats have answered.")
    summary: Expression | None = Field(default=None, description="With `blind`: what everybody is shown first.")


class DecideStep(StepCommon):
    """A choice by people among named options."""

    decide: DecideBody


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
    show: Show = Field(default=[])
    form: dict[Name, TypeDecl | Literal["attachment"] | AttachmentType] = Field(
        default={}, description="What the person reports; outputs of the step."
    )
    within: Window
    remind: Remind = Field(default=[])
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
