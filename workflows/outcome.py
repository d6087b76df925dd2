"""How a step ended, before it is recorded."""

from dataclasses import dataclass, field
from typing import Literal

from schemas.json_value import Json

Status = Literal["done", "skipped", "failed", "denied", "silent", "timed_out", "exhausted", "unanswered", "declined"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`outputs` is what later expressions see; `last` the last round of a `repeat`, for its `records`; `left_out` what
    approvers left out of an action (`watchfloor.signing.narrowing.describe_left_out`); `at` when it was done,
    where that is not now."""

    status: Status = "done"
    outputs: dict[str, Json] = field(default_factory=dict)
    last: dict[str, dict[str, Json]] | None = None
    left_out: dict[str, Json] = field(default_factory=dict)
    at: str = ""

    @property
    def ok(self) -> bool:
        return self.status == "done"
