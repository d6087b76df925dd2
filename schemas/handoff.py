"""Messages of the cross-region handoff. What crosses is a `Packet`, signed by the sender, sealed to the receiver."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from schemas.decision import Envelope
from schemas.json_value import Json
from schemas.paging import PagingPolicy

PACKET = "watchfloor.packet.v1"
ANSWER = "watchfloor.packet-answer.v1"
ANCHOR = "watchfloor.anchor.v1"


class SharedItem(TypedDict):
    """One value that the plan's `share` names. `data_class` is empty where the plan declares none."""

    label: str
    data_class: str
    value: Json


class PacketClock(TypedDict):
    """A clock as the other region is told of it; instants are absolute. `law` is the register's id."""

    name: str
    law: str
    state: str
    started_at: str | None
    due_at: str | None


class Packet(TypedDict):
    """The body of a `PACKET` envelope. Only what the plan's `share` names, each item labelled with its class.

    `fence` is the sender's command fencing number; an answer carries it back, and one with another number is refused.
    """

    v: int
    handoff: str
    from_region: str
    to_region: str
    mode: Literal["assist", "command"]
    incident: str
    title: str
    severity: str
    fence: int
    offered_at: str
    accept_by: str
    accept_slots: list[dict[str, list[str]]]
    """Exactly one seat: one person accepts, with any of its roles."""
    clocks: list[PacketClock]
    shared: list[SharedItem]
    """In the order of `share`."""


class Sealed(TypedDict):
    """What travels over HTTP. X25519 ephemeral key, HKDF-SHA256, AES-256-GCM; associated data binds the routing."""

    v: int
    handoff: str
    from_region: str
    to_region: str
    kind: Literal["packet", "answer"]
    to_kid: str
    epk: str
    nonce: str
    box: str


class PacketAnswer(TypedDict):
    """The body of an `ANSWER` envelope, signed by the receiving region."""

    v: int
    handoff: str
    from_region: str
    to_region: str
    fence: int
    verdict: Literal["accepted", "declined"]
    person: str
    role: str
    read_back: dict[str, Json] | None
    """Null when declined. The receiver's severity, nearest deadline and next action: proof that the packet was read."""
    decided_at: str
    workflow: str
    """The receiving region's workflow id."""


class HandoffStart(TypedDict):
    """The one argument of the (sending) handoff workflow."""

    v: int
    handoff: str
    incident: str
    path: str
    region: str
    namespace: str
    plan: str
    packet: Packet
    """`offered_at` and `accept_by` are absolute; the packet crosses exactly as given here."""
    fallback: str
    decision_keys: dict[str, str]
    requester: NotRequired[str]
    ledger_by_activity: NotRequired[bool]
    """As `schemas.incident.IncidentStart.ledger_by_activity`."""
    root: NotRequired[str]
    """With `revoked`, `keyed` and `recused`: `schemas.keys.Pins`."""
    revoked: NotRequired[dict[str, str]]
    keyed: NotRequired[list[str]]
    recused: NotRequired[list[str]]
    compartment: NotRequired[str]
    """The incident's; absent outside compartments. It does not cross the border."""
    tells_incident: NotRequired[bool]
    """The incident has pages: that nobody answered is told by it, where it climbs. Absent in offers of before."""


class IncomingStart(TypedDict):
    """The one argument of the (receiving) handoff workflow, started by the region's gateway."""

    v: int
    handoff: str
    region: str
    namespace: str
    packet: Envelope
    """The opened packet, still carrying the sender's signature; the workflow verifies it again."""
    sender_keys: dict[str, str]
    decision_keys: dict[str, str]
    received_at: str
    ledger_by_activity: NotRequired[bool]
    """As `schemas.incident.IncidentStart.ledger_by_activity`."""
    root: NotRequired[str]
    """With `revoked`, `keyed` and `recused`: `schemas.keys.Pins`."""
    revoked: NotRequired[dict[str, str]]
    keyed: NotRequired[list[str]]
    recused: NotRequired[list[str]]
    paging: NotRequired[PagingPolicy]
    """How its pages climb; without it each is sent once."""


UNTOLD = "untold"
"""In the data of a report that nobody took an offer: the incident has still to tell its commander."""
UPDATE_ANSWER = "answer"
"""Envelope(ANSWER) -> AnswerReceipt, on the sending handoff. Accepting it is the moment at which command passes."""


class AnswerReceipt(TypedDict):
    """`state` is what became of the offer; a repeated answer gets the same receipt as the first."""

    handoff: str
    state: Literal["accepted", "declined"]
    answer: str
    """Digest of the answer that counted."""
    at: str


class HandoffResult(TypedDict):
    """How an offer ended, on either side. `by` is empty unless a person accepted or declined."""

    handoff: str
    state: Literal["accepted", "declined", "unanswered", "recalled", "refused", "void"]
    """`refused`: the packet may not or could not cross; `void`: the receiver's answer came too late to count."""
    by: str
    role: str
    workflow: str
    """The other side's process, empty when it was never reached."""
    answer: str
    at: str
    detail: str
