"""Messages of the engine's own activities: telling people, appending to the ledger."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from schemas.ledger import Entry

ACTIVITY_NOTIFY = "people.notify"
ACTIVITY_FIND_PERSON = "people.find"
ACTIVITY_LEDGER = "ledger.append"
ACTIVITY_DRAFT = "postmortem.draft"
ACTIVITY_POST_PACKET = "handoff.post"
ACTIVITY_POST_ANSWER = "handoff.answer"
ACTIVITY_ANCHOR = "ledger.anchor"

NoticeKind = Literal[
    "ask",
    "remind",
    "escalate",
    "reassigned",
    "question",
    "answer",
    "narrowed",
    "failed_step",
    "doubtful_effect",
    "clock_warning",
    "clock_breach",
    "clock_assigned",
    "hold_expiry",
    "hold_failed",
    "handoff_offered",
    "handoff_unanswered",
    "review_due",
    "page_climbed",
    "page_acknowledged",
    "page_settled",
    "status_due",
    "key_revoked",
    "command_offered",
    "command_returned",
]
FOLLOW_UPS: frozenset[str] = frozenset({"page_acknowledged", "page_settled"})
"""Told only to channels that keep an alert open: they page nobody."""


class AboutPage(TypedDict, total=False):
    """To which page a notice belongs."""

    page: str
    """All notices of one page are one conversation at a channel that has such."""
    alerts: list[str]
    """Alerts to open (one), or of which a follow-up tells the end."""
    rung: int
    """How often the page has climbed."""
    backup: bool
    """Reach whoever holds the roles beside those on call."""
    channels: list[str]
    """Of a follow-up: the channels that keep something open; empty for all of the roles' that do."""


class NotifyCall(AboutPage):
    """Tell roles that something waits. Ids, roles and instants only: never a title, a name, a value or a reason."""

    v: int
    kind: NoticeKind
    region: str
    workflow: str
    incident: str
    path: str
    step: str
    roles: list[str]
    severity: str
    deadline_at: str | None
    clock: str
    exposure: NotRequired[str]
    """What the task exposes to: who does not take that now is told only where nobody else can be."""
    person: NotRequired[str]
    """Whose task it is while it is nobody else's: told on their own channels in place of the roles."""
    key: str
    """Idempotency key of this notice (`watchfloor.signing.effect_key`); channels deduplicate by it."""
    entries: list[Entry]
    excluded: NotRequired[list[str]]
    """People who stand aside: what reaches only them is left out."""


class NotifyReceipt(TypedDict):
    """`delivered` and `failed` name channels. A notice that reached nobody is a fact on the board, not a failed run."""

    delivered: list[str]
    failed: list[str]
    fell_back: NotRequired[list[str]]
    """Roles for which nobody was on call though a rota covers them: everybody who holds them was told."""
    follows: NotRequired[list[str]]
    """Channels that took it and keep something open until they are told of the end."""
    people: NotRequired[dict[str, list[str]]]
    """Role -> whom it really reached: those for whom a channel took it, in the order in which they were told."""


class FindPersonCall(TypedDict):
    """Is this person in the region's directory now, with one of these roles?"""

    v: int
    region: str
    person: str
    roles: list[str]
    entries: list[Entry]


class FindPersonReceipt(TypedDict):
    found: bool


class AppendCall(TypedDict):
    v: int
    region: str
    entries: list[Entry]


class AnchorCall(TypedDict):
    """Sign the head of a chain and put it where the ledger does not live: evidence store and the other regions."""

    v: int
    region: str
    chain: str
    entries: list[Entry]


class AnchorReceipt(TypedDict):
    """`seq` is 0 when the chain has no entry. `posted` and `failed` name the other regions."""

    seq: int
    head: str
    ref: str
    """Where the signed checkpoint stands in the evidence store; empty when there was nothing to sign."""
    posted: list[str]
    failed: list[str]


class PostPacketCall(TypedDict):
    """Sign, seal and post a packet (or an answer) to the other region's gateway. The worker holds the keys."""

    v: int
    region: str
    to_region: str
    handoff: str
    body: dict[str, object]
    """A `schemas.handoff.Packet` or `PacketAnswer`."""
    key: str
    entries: list[Entry]


class PostReceipt(TypedDict):
    """`workflow` is the other side's process; `digest` the sealed packet's, as the other side acknowledged it."""

    workflow: str
    digest: str
    posted_at: str
    peer_keys: NotRequired[dict[str, str]]
    """Key id -> public key with which the other region signs; recorded here, so that the workflow can verify."""
