"""A runbook as a whole."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.runbook.steps import Step
from schemas.runbook.surroundings import (
    ClockRule,
    FactRule,
    FragmentRule,
    Jurisdictions,
    ModeRule,
    OutputRule,
    Regions,
    SeverityRule,
    TrackRule,
    TriggerRule,
)
from schemas.runbook.types import TypeDecl
from schemas.runbook.words import Document, Expression, Name, Role, Severity, Text


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
