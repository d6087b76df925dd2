"""What surrounds an action: its attempts, what takes it back, who is asked when it is in doubt."""

from typing import Any

from pydantic import Field

from schemas.runbook.words import Document, Dotted, Name, Role, Span, Template


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
