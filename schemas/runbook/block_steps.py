"""Steps made of steps: branches, loops, cases, and what a failure inside leads to."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from schemas.runbook.failures import Catch
from schemas.runbook.gates import Steps
from schemas.runbook.step_keys import StepCommon
from schemas.runbook.words import Document, Duration, Expression, Name

if TYPE_CHECKING:
    from schemas.runbook.steps import Step


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
