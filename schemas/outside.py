"""What people did or decided outside a run, as the run keeps it."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from schemas.json_value import Json


class Outside(TypedDict):
    """An action or task that people carried out outside the run, with its real time; the run does not do it again.

    `by` are who did it, `witnesses` who saw it, `person` who says so here. `proposed` where the step's tier wants a
    second person, who has not confirmed it yet: the step then neither acts nor counts as done.
    """

    path: str
    """Runtime path of the step; `[*]` in place of an iteration stands for every item of that loop."""
    step: str
    done_at: str
    by: list[str]
    witnesses: list[str]
    outputs: dict[str, Json]
    person: str
    role: str
    at: str
    reason_ref: str
    statement: str
    state: Literal["proposed", "recorded"]
    counted: NotRequired[bool]
    """The walk has come to the step, or to the first item of the loop, and passed it."""


class OnPaper(TypedDict):
    """A decision that somebody made while the run could not be asked. It is a record: it fills no seat and lets nothing
    act."""

    step: str
    option: str
    by: str
    decided_as: str
    decided_at: str
    witnesses: list[str]
    person: str
    role: str
    at: str
    reason_ref: str
    statement: str
