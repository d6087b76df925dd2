"""Messages of the legal hold: a durable process that outlives the incident that placed it."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from schemas.decision import Envelope, OpenAsk
from schemas.incident import RenewalSeen
from schemas.json_value import Json
from schemas.paging import Page, PagingPolicy
from schemas.plan import ClockLaw


class HoldStart(TypedDict):
    """The one argument of the hold workflow.

    `scope` names exactly what is held (ids, URLs and hashes by list name). `sources` are custodians, each frozen and
    proved by a canary deletion that must be refused. `release` are the slots of the release decision; never fewer than
    two people. `warn_before` are seconds before expiry.
    """

    v: int
    hold: str
    incident: str
    path: str
    region: str
    namespace: str
    plan: str
    basis: str
    law: ClockLaw
    scope: dict[str, Json]
    sources: list[str]
    storage: Literal["governance", "compliance"]
    release: list[dict[str, list[str]]]
    requester: str
    decision_keys: dict[str, str]
    warn_before: list[float]
    reverify_every: float
    carried: "HoldCarried | None"
    ledger_by_activity: NotRequired[bool]
    """As `schemas.incident.IncidentStart.ledger_by_activity`."""
    tells_terms: NotRequired[bool]
    """Whether each freeze says what the hold claims and under which law, for the conflict order. Absent in holds that
    older engines placed: their calls, and so the keys of these, stay as they were."""
    root: NotRequired[str]
    """With `revoked`, `keyed` and `recused`: `schemas.keys.Pins`."""
    revoked: NotRequired[dict[str, str]]
    keyed: NotRequired[list[str]]
    recused: NotRequired[list[str]]
    compartment: NotRequired[str]
    """The incident's; absent outside compartments."""
    paging: NotRequired[PagingPolicy]
    """How its pages climb; without it each is sent once."""


class SourceState(TypedDict):
    source: str
    state: Literal["freezing", "frozen", "verified", "failed", "released"]
    reference: str
    """The custodian's own id of the freeze."""
    verified_at: str | None
    detail: str


class HoldCarried(TypedDict):
    placed_at: str
    expires_at: str
    sources: dict[str, SourceState]
    warned: list[str]
    ask: OpenAsk | None
    answers: list[Envelope]
    entry_seq: int
    next_verify_at: str
    seen: NotRequired[list[str]]
    """Statements already accepted, so that none counts twice."""
    round: NotRequired[int]
    """How often the release has been asked in vain."""
    effects: NotRequired[dict[str, int]]
    """Source -> how many freezes, and `<source>!canary` -> how many canaries were sent; part of their keys."""
    renewals: NotRequired[list[RenewalSeen]]
    reported: NotRequired[str]
    """Digest of the last report, so that nothing is reported twice."""
    revoked: NotRequired[dict[str, str]]
    """Key id -> instant from which on nothing under it counts."""
    recused: NotRequired[list[str]]
    pages: NotRequired[dict[str, Page]]
    paged: NotRequired[int]
    """How many pages there were so far."""


class HoldResult(TypedDict):
    """How a hold ended: released at every source, by decision of the people named."""

    hold: str
    state: Literal["released"]
    placed_at: str
    expires_at: str
    released_at: str
    by: list[str]
    sources: dict[str, SourceState]
