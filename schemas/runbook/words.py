"""Words of a runbook: the smallest things an author writes, and the model that every other is one of."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

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
