"""Keys that every kind of step has."""

from typing import Literal

from pydantic import Field

from schemas.runbook.failures import ByFailure, Catch
from schemas.runbook.gates import Steps
from schemas.runbook.words import Document, Expression, Name, Span, Text


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
