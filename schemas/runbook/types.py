"""Types of inputs, facts, form fields and outputs."""

from typing import Any, Literal

from pydantic import Field

from schemas.runbook.words import Document


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

TypeRule.model_rebuild()
