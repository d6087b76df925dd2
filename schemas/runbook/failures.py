"""What a failure leads to, by its type."""

from typing import TYPE_CHECKING

from pydantic import Field

from schemas.plan.constructs import Failure
from schemas.runbook.words import Document

if TYPE_CHECKING:
    from schemas.runbook.steps import Step


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
