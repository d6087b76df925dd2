"""Events that leave Watchfloor as webhooks: a CloudEvents 1.0 envelope around ids, states, severities and deadlines.

What is not named here does not leave: no title, no fact, no reason, no person, nothing of what an incident is about.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.ledger import EntryKind

TYPE_PREFIX = "io.watchfloor."
TEST_TYPE = f"{TYPE_PREFIX}test"
DATA_SCHEMA: Literal["urn:watchfloor:event-data:1"] = "urn:watchfloor:event-data:1"
MEDIA_TYPE = "application/cloudevents+json"

PUBLISHED: dict[str, tuple[str, ...]] = {
    EntryKind.OPENED: ("runbook", "received_at"),
    EntryKind.CLOSED: ("outcome",),
    EntryKind.MERGED: (),
    EntryKind.LINKED: ("run",),
    EntryKind.DECLARED: (),
    EntryKind.DISMISSED: (),
    EntryKind.PHASE: ("phase",),
    EntryKind.PHASE_DONE: ("phase",),
    EntryKind.SEVERITY: ("before",),
    EntryKind.CLOCK_STARTED: ("clock", "law", "started_at", "due_at"),
    EntryKind.CLOCK_RESTARTED: ("clock", "law", "started_at", "due_at"),
    EntryKind.CLOCK_PAUSED: ("clock", "law", "started_at", "due_at"),
    EntryKind.CLOCK_RESUMED: ("clock", "law", "started_at", "due_at"),
    EntryKind.CLOCK_RENEWED: ("clock", "law", "started_at", "due_at"),
    EntryKind.CLOCK_WARNED: ("clock", "law", "started_at", "due_at"),
    EntryKind.CLOCK_BREACHED: ("clock", "law", "started_at", "due_at"),
    EntryKind.CLOCK_STOPPED: ("clock", "law", "started_at", "due_at", "stopped_at"),
    EntryKind.ASKED: ("deadline_at", "roles", "options"),
    EntryKind.REMINDED: ("roles",),
    EntryKind.ESCALATED: ("roles",),
    EntryKind.SETTLED: ("option",),
    EntryKind.SILENT: ("deadline_at",),
    EntryKind.PAGE_SENT: ("page", "roles", "acknowledge_by"),
    EntryKind.PAGE_CLIMBED: ("page", "roles"),
    EntryKind.PAGE_ACKNOWLEDGED: ("page",),
    EntryKind.STEP_FAILED: ("code",),
    EntryKind.DONE: ("action",),
    EntryKind.FAILED: ("action",),
    EntryKind.DOUBTFUL: ("action",),
    EntryKind.RESOLVED: ("action",),
    EntryKind.MEASURE: ("action",),
    EntryKind.UNDONE: ("action",),
    EntryKind.PAUSED: (),
    EntryKind.RESUMED: (),
    EntryKind.ABORTED: (),
    EntryKind.COMMAND: (),
}
"""Ledger entry kind -> fields of its data that an event may carry, beside what every event says."""

_LIKE_INCIDENTS = (
    EntryKind.ASKED,
    EntryKind.REMINDED,
    EntryKind.ESCALATED,
    EntryKind.SETTLED,
    EntryKind.SILENT,
    EntryKind.PAGE_SENT,
    EntryKind.PAGE_CLIMBED,
    EntryKind.PAGE_ACKNOWLEDGED,
    EntryKind.DONE,
    EntryKind.FAILED,
    EntryKind.DOUBTFUL,
    EntryKind.RESOLVED,
    EntryKind.COMMAND,
)
PUBLISHED_OF_PROCESSES: dict[str, tuple[str, ...]] = {
    EntryKind.HOLD_PLACED: ("expires_at",),
    EntryKind.HOLD_VERIFIED: (),
    EntryKind.HOLD_FAILED: (),
    EntryKind.HOLD_WARNED: ("expires_at", "roles"),
    EntryKind.HOLD_RENEWED: ("expires_at",),
    EntryKind.HOLD_RELEASED: (),
    EntryKind.OFFERED: ("handoff", "from", "to", "mode", "accept_by"),
    EntryKind.ACCEPTED: ("handoff",),
    EntryKind.DECLINED: ("handoff",),
    EntryKind.UNANSWERED: ("handoff",),
    EntryKind.REVIEW_STARTED: ("roles",),
    EntryKind.REVIEW_DRAFTED: (),
    EntryKind.REVIEW_DONE: (),
    **{kind: PUBLISHED[kind] for kind in _LIKE_INCIDENTS},
}
"""The same of what holds, handoffs (either side) and reviews write down in chains of their own. An incident's chain
names them too; that is told to nobody, so that each thing is told once."""

KINDS = frozenset({*PUBLISHED, *PUBLISHED_OF_PROCESSES})
"""Every kind of entry that may become an event."""

INSIDE_COMPARTMENTS = frozenset(
    {
        "before",
        "received_at",
        "started_at",
        "due_at",
        "stopped_at",
        "deadline_at",
        "acknowledge_by",
        "expires_at",
        "accept_by",
    }
)
"""Fields that may be said of an incident in a compartment to a receiver cleared for it; names of steps, clocks,
options, actions and runbooks tell what it is about."""

Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:@/+~\[\]-]*$")]
Instant = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$")]
Severity = Annotated[str, Field(pattern=r"^S[0-9]$")]
Words = Annotated[list[Word], Field(max_length=40)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EventData(_Shape):
    """What an event says of its incident, or of what belongs to it. A field that does not apply is left out."""

    v: Literal[1] = 1
    region: Word
    incident: Annotated[Word, Field(description="Id of the incident; of an offer of another region, its id there.")]
    process: Annotated[Word | None, Field(description="Id of the hold, handoff or review that this is of.")] = None
    name: Annotated[Word, Field(description="A neutral name for people, made of the id.")]
    kind: Annotated[Word, Field(description="What happened: the ledger's word for it.")]
    state: Annotated[Word, Field(description="open, paused, or how it ended.")]
    severity: Annotated[Severity | None, Field(description="How bad it was when this happened.")] = None
    compartment: Word | None = None
    runbook: Word | None = None
    step: Word | None = None
    received_at: Instant | None = None
    outcome: Word | None = None
    run: Word | None = None
    phase: Word | None = None
    before: Annotated[Severity | None, Field(description="The severity before this.")] = None
    clock: Word | None = None
    law: Word | None = None
    started_at: Instant | None = None
    due_at: Instant | None = None
    stopped_at: Instant | None = None
    deadline_at: Instant | None = None
    roles: Words | None = None
    options: Words | None = None
    option: Word | None = None
    page: Word | None = None
    acknowledge_by: Instant | None = None
    code: Word | None = None
    action: Word | None = None
    expires_at: Instant | None = None
    handoff: Word | None = None
    from_region: Word | None = None
    to_region: Word | None = None
    mode: Word | None = None
    accept_by: Instant | None = None


class Event(_Shape):
    """A CloudEvents 1.0 event in structured JSON, with the `sequence` extension.

    `id` is the ledger's chain and place in it: the same on every repeat, and never given twice. `sequence` grows along
    an incident, hold, handoff or review; what a subscription does not ask for leaves gaps.
    """

    specversion: Literal["1.0"] = "1.0"
    id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,80}:[0-9]{1,12}$")]
    source: Annotated[str, Field(pattern=r"^/regions/[a-z0-9-]+/(incidents|holds|handoffs|reviews)/[a-z0-9-]+$")]
    type: Annotated[str, Field(pattern=r"^io\.watchfloor\.[a-z_]+(\.[a-z_]+)?$")]
    subject: Word
    time: Instant
    sequence: Annotated[str, Field(pattern=r"^[0-9]{1,12}$")]
    sequencetype: Literal["Integer"] = "Integer"
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: Literal["urn:watchfloor:event-data:1"] = DATA_SCHEMA
    data: EventData
