"""Messages of the postmortem: a workflow of its own that starts with the incident and drafts when it has closed."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from schemas.incident import ClockState
from schemas.json_value import Json
from schemas.paging import PagingPolicy


class PostmortemStart(TypedDict):
    v: int
    postmortem: str
    incident: str
    path: str
    region: str
    namespace: str
    plan: str
    title: str
    runbook: str
    facilitator: dict[str, list[str]]
    within: float
    within_text: str
    business_days: int | None
    requester: str
    commander: str
    decision_keys: dict[str, str]
    ledger_by_activity: NotRequired[bool]
    """As `schemas.incident.IncidentStart.ledger_by_activity`."""
    root: NotRequired[str]
    """With `revoked`, `keyed` and `recused`: `schemas.keys.Pins`."""
    revoked: NotRequired[dict[str, str]]
    keyed: NotRequired[list[str]]
    recused: NotRequired[list[str]]
    compartment: NotRequired[str]
    """The incident's; absent outside compartments."""
    paging: NotRequired[PagingPolicy]
    """How its pages climb; without it each is sent once."""


class DraftCall(TypedDict):
    """The argument of the `postmortem.draft` activity. The draft is made from the ledger alone."""

    v: int
    postmortem: str
    incident: str
    region: str
    title: str
    runbook: str
    plan: str
    outcome: str
    clocks: list[ClockState]
    due_at: str


class DraftReceipt(TypedDict):
    """Content addresses of what was written, and where a reader finds the copies (relative to the region's home)."""

    markdown: str
    html: str
    timeline: str
    folder: str
    entries: int
    head: str
    metrics: dict[str, Json]


class PostmortemResult(TypedDict):
    """How a review ended. `attendees` and `actions` are counts from the facilitator's form, never names."""

    postmortem: str
    state: Literal["done"]
    by: str
    done_at: str
    due_at: str
    late: bool
    attendees: int
    actions: int
    folder: str
