"""Messages of the incident workflow: how a run starts, what it carries over, what its board shows, how it ends."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from schemas.decision import Envelope, Narrowed, OpenAsk
from schemas.json_value import Json
from schemas.ledger import Entry
from schemas.outside import OnPaper, Outside
from schemas.paging import Page, PagingPolicy, StatusDuty

INCIDENT_WORKFLOW = "Incident"
HOLD_WORKFLOW = "Hold"
HANDOFF_WORKFLOW = "Handoff"
INCOMING_WORKFLOW = "IncomingHandoff"
POSTMORTEM_WORKFLOW = "Postmortem"

UPDATE_DECIDE = "decide"
"""Envelope(DECISION) -> Receipt. On every workflow that asks a person."""
SIGNAL_DECIDE = "decide_later"
"""The same envelope for senders that cannot wait; a refused one becomes a `decision.refused` ledger entry."""
UPDATE_FACT = "fact"
SIGNAL_FACT = "fact_later"
UPDATE_CONTROL = "control"
QUERY_BOARD = "board"
SIGNAL_REPORT = "report"
"""`Report` from a hold, handoff or postmortem to the incident that asked for it."""
SIGNAL_RECUSAL = "recusal"
"""From an incident to what it started: `{person, recused}`."""
SIGNAL_CLOSED = "incident_closed"
"""From a closing incident to its postmortems: `{outcome, closed_at, clocks, phase_times}`."""

SIGNAL_LINK = "link"
"""`Parent` from an incident that shares a run with the one that started it; it is reported to as well."""

SIGNAL_MERGE = "merge"
"""Envelope(MERGE): an order over the same content came in, and starts no run of its own."""
SIGNAL_RELATED = "related"
"""`Related` from an incident that opens over the same account as this one."""

SEARCH_ATTRIBUTES = {
    "WatchfloorRunbook": "Keyword",
    "WatchfloorSeverity": "Keyword",
    "WatchfloorPhase": "Keyword",
    "WatchfloorState": "Keyword",
    "WatchfloorIncident": "Keyword",
    "WatchfloorWaiting": "KeywordList",
    "WatchfloorDue": "Datetime",
    "WatchfloorPressure": "Keyword",
}
"""What a namespace needs. Values are ids, roles and instants, never content."""

ENGINE = 1
"""Version of the interpreter's semantics; a plan compiled for a newer engine is not taken."""


class Trigger(TypedDict):
    """Where an incident came from. `key` is the sender's own id: the same key never starts a second run."""

    source: str
    key: str
    received_at: str
    known_at: NotRequired[str]
    """When it was first known, where the sender says so; never after it was received by much, often long before."""


class Limits(TypedDict):
    """Engine settings of one run; tests make them small."""

    continue_after_events: int
    """History length at which the run continues as new; 0 means when the server suggests it."""
    failed_step_window: float
    """Seconds a failed step waits for a person before the run closes as failed."""
    pressure: NotRequired[bool]
    """True where the namespace has `WatchfloorPressure`: the instants at which priority changes are published too.
    Absent in a run of before there was priority; its board has none."""
    search_attributes: NotRequired[bool]
    """False where the namespace lacks `SEARCH_ATTRIBUTES` (a test server); the run then never sets them."""


class Parent(TypedDict):
    """Which run waits for the end of this one: it gets a `Report` of kind `run` under `path`."""

    incident: str
    path: str


class Related(TypedDict):
    """Another incident that this one is linked with, and by what: `account`."""

    incident: str
    by: str


class Merged(TypedDict):
    """An order over the same content that this run took in. `delivery` is a keyed hash of its source and key."""

    delivery: str
    source: str
    received_at: str
    known_at: str
    at: str


class Lowered(TypedDict):
    """Severity that two people have lowered. `over` is the level it was lowered from, `floors` the conditions they
    knew; a worse level or another floor ends it."""

    to: str
    over: str
    floors: list[str]


class Proposal(TypedDict):
    """What somebody proposes and others must agree to; the ask at its path says who."""

    what: Literal["severity", "dismissal"]
    level: str
    by: str
    role: str
    reason_ref: str
    at: str


class TriageState(TypedDict, total=False):
    """What people have said of severity, and what is doubtful. Absent while nobody has said anything."""

    raised: str
    lowered: Lowered
    said: dict[str, Json]
    """Who moved it last, as the ledger tells it."""
    proposals: dict[str, Proposal]
    tags: list[str]


class Given(TypedDict):
    """What an incident that moves here brings along: its commander, the clocks that this runbook has too (under this
    runbook's names, their instants unchanged), the facts it knows by the same name, its compartment."""

    commander: "Commander"
    clocks: "dict[str, ClockState]"
    facts: "dict[str, FactState]"
    compartment: str


class IncidentStart(TypedDict):
    """The one argument of the incident workflow.

    `plan_z` is base64 of zlib of the plan's RFC 8785 bytes; `plan` its digest, checked before anything runs.
    `decision_keys` pins the public keys (kid -> base64url Ed25519) whose signatures this run accepts; where `root` is
    pinned, keys certified under it count instead (`schemas.keys.Pins`).
    `carried` is null on a first start and the whole state after continue-as-new.
    """

    v: int
    incident: str
    region: str
    namespace: str
    plan: str
    plan_z: str
    inputs: dict[str, Json]
    requester: str
    """Person id of who started it, empty for a machine trigger."""
    trigger: Trigger
    decision_keys: dict[str, str]
    exposed_regions: list[str]
    """Regions with a known gateway; a handoff elsewhere fails at once."""
    limits: Limits
    carried: "Carried | None"
    carried_z: NotRequired[str]
    """The state packed (base64 of zlib of its RFC 8785 bytes) in place of `carried`, when it is large: a payload of
    over 2 MB would leave the run unable to continue."""
    parent: NotRequired[Parent | None]
    links: NotRequired[list[str]]
    """Open incidents over the same account, when this one was started; they are told of it."""
    given: NotRequired[Given | None]
    root: NotRequired[str]
    revoked: NotRequired[dict[str, str]]
    keyed: NotRequired[list[str]]
    recused: NotRequired[list[str]]
    compartment: NotRequired[str]
    """Said by who starts the run, so that its board says it too; absent outside compartments."""
    ledger_by_activity: NotRequired[bool]
    """Ledger entries that no activity takes along get an activity of their own; in runs from before, a local one."""
    paging: NotRequired[PagingPolicy | None]
    """How pages climb and when a status is due; without it neither happens."""
    by_hand: NotRequired[list[Envelope]]
    """Signed facts and records of what was done by hand before the run could be started; taken before it takes its
    first step, so that nothing is done twice."""


class FactState(TypedDict):
    value: Json
    at: str
    recorded_at: str
    source: str
    by: str
    revisions: list[dict[str, Json]]


class PauseSpan(TypedDict):
    """How long a clock stood still, and for which reason of its law; `until` is null while it still does."""

    reason: str
    since: str
    until: str | None


class RenewalSeen(TypedDict):
    """A renewal that was recorded, and whether it counts."""

    at: str
    granted: bool


class ClockState(TypedDict):
    """`state` is one of waiting, running, paused (for a legal reason), met, breached (still running), late (stopped
    after it), assigned."""

    name: str
    state: Literal["waiting", "running", "paused", "met", "breached", "late", "assigned"]
    started_at: str | None
    due_at: str | None
    stopped_at: str | None
    warned: list[str]
    restarts: int
    assigned_to: str | None
    """A role, or the workflow id of the run that the clock moved to."""
    custodian: NotRequired[str]
    """The person of that role who was told, and has it now; never one who stands aside."""
    of: NotRequired[str]
    """The clock of the plan whose member this is; its name is then `<of>[<member>]`."""
    member: NotRequired[Json]
    came_from: NotRequired[str]
    """The incident in which it was started, when it moved here."""
    pauses: NotRequired[list[PauseSpan]]
    renewals: NotRequired[list[RenewalSeen]]
    calendar_known: NotRequired[str]
    """The day beyond which (for a clock that began earlier: before which) the plan knows no holidays and offsets."""


class Measure(TypedDict):
    """One restriction in force and what takes it back."""

    key: str
    step: str
    path: str
    action: str
    inputs: dict[str, Json]
    undo: str | None
    on: list[str]
    in_force_since: str
    undone_at: str | None
    undo_inputs: NotRequired[dict[str, Json]]
    """Resolved when the measure came into force; what its undoing will be called with."""
    expires_at: NotRequired[str]
    """When it ends by itself; the run does not close before, unless it is aborted."""


class KeptFrame(TypedDict):
    """Where in the plan something was left that goes on after continue-as-new: iterations and loop items."""

    prefixes: list[list[str]]
    items: dict[str, Json]
    item: Json


class OpenReview(TypedDict):
    """A measure that people still look at. `kind` says by which of the action's two reviews, `key` the measure's."""

    step: str
    kind: Literal["review", "break_glass"]
    path: str
    key: str
    inputs: dict[str, Json]
    exclude: list[str]
    frame: KeptFrame
    denied: bool
    """Decided with a no that is still being carried out."""


class Carried(TypedDict):
    """Everything that survives continue-as-new. Instants are absolute; nothing here is recomputed on re-walk."""

    results: dict[str, dict[str, Json]]
    """Runtime path -> outcome of a finished step: `{status, ok, at, outputs}`."""
    taken: dict[str, str]
    """Runtime path -> branch, option or condition result that was recorded."""
    loops: dict[str, int]
    deadlines: dict[str, str]
    """Runtime path -> absolute instant of a wait, a round or a timeout."""
    facts: dict[str, FactState]
    clocks: dict[str, ClockState]
    asks: dict[str, OpenAsk]
    """Runtime path -> open ask."""
    settled: dict[str, str]
    """Runtime path -> ask digest of asks already settled, so that a late answer is told apart from a wrong one."""
    seen: list[str]
    """Digests and nonces of statements already accepted."""
    measures: list[Measure]
    entries: list[Entry]
    """Ledger entries not yet appended."""
    entry_seq: int
    tracks: list[str]
    """Ids of tracks that have fired."""
    phase: str
    phases_done: list[str]
    severity: str
    paused: dict[str, Json] | None
    aborted: dict[str, Json] | None
    commander: "Commander"
    children: dict[str, dict[str, Json]]
    """Runtime path -> last report of the hold, handoff or postmortem started there."""
    opened_at: str
    runs: int
    """How many times the run has continued as new."""
    silent: NotRequired[list[str]]
    """Runtime paths of asks that ended in silence, so that a late answer is told so."""
    folded: NotRequired[dict[str, dict[str, int]]]
    """Runtime path of a loop -> items done and failed so far, and the total."""
    phase_times: NotRequired[dict[str, dict[str, str]]]
    """Phase -> `entered_at` and, when it was left, `left_at`."""
    reviews: NotRequired[dict[str, OpenReview]]
    """Runtime path of the review's ask -> the review, until it is decided and what follows is done."""
    parents: NotRequired[list[Parent]]
    """Who is told how this run ended, beside the parent in its start."""
    narrowed: NotRequired[dict[str, Narrowed]]
    """Runtime path of an action -> what approvers left out of its inputs; holds while the rest asks for the same."""
    glass: NotRequired[dict[str, KeptFrame]]
    """Runtime path of an approval that may be broken -> where its condition is evaluated."""
    revoked: NotRequired[dict[str, str]]
    """Key id -> instant from which on nothing under it counts, once a revocation has arrived."""
    triage: NotRequired[TriageState]
    merged: NotRequired[list[Merged]]
    """Orders over the same content that were taken in, the first hundred; the ledger has them all."""
    related: NotRequired[list[Related]]
    """Incidents over the same account, each once."""
    recused: NotRequired[list[str]]
    """People who stand aside."""
    readmitting: NotRequired[dict[str, str]]
    """Person who stands aside -> who has said that they need not; a second person or counsel must agree."""
    commanded: NotRequired[bool]
    """Somebody has taken command, or accepted it."""
    command_offer: NotRequired["CommandOffer | None"]
    ending: NotRequired[dict[str, Json] | None]
    """Set once the run has been told to end: `{outcome, reason, path}`."""
    pages: NotRequired[dict[str, Page]]
    """Id -> what people were paged about and what is not settled yet."""
    paged: NotRequired[int]
    """How many pages there were so far; the next one's id."""
    status_duty: NotRequired[StatusDuty]
    outside: NotRequired[dict[str, Outside]]
    """Path as the record names it -> what was done there outside the run."""
    on_paper: NotRequired[list[OnPaper]]
    """Decisions made on paper, in the order in which they were recorded."""


class Commander(TypedDict):
    """Who commands. Exactly one at any time; `fence` grows by one with each passing of command."""

    region: str
    person: str
    since: str
    fence: int


class CommandOffer(TypedDict):
    """Command offered to a named person under a fence. It returns to `by` when nobody has accepted it before `until`.

    `acceptable_at` lies later than `offered_at` where somebody offered it in a silent commander's place.
    """

    by: str
    role: str
    to: str
    fence: int
    offered_at: str
    acceptable_at: str
    until: str


class Report(TypedDict):
    """From a child process to the incident: what became of it."""

    path: str
    kind: Literal["hold", "handoff", "postmortem", "run"]
    workflow: str
    state: str
    at: str
    data: dict[str, Json]


class StepView(TypedDict):
    path: str
    step: str
    kind: str
    name: str
    state: Literal["running", "waiting", "done", "skipped", "failed", "denied", "silent", "retrying"]
    since: str
    detail: str
    iteration: NotRequired[str]


class Board(TypedDict):
    """The answer to the `board` query: what a responder must know, complete in itself.

    `steps` holds what was done and what runs, newest last, loops folded into counts (`loops`).
    """

    v: int
    kind: Literal["incident", "hold", "handoff", "incoming", "postmortem"]
    workflow: str
    region: str
    title: str
    runbook: str
    runbook_version: int
    plan: str
    state: Literal["open", "paused", "closed", "failed", "aborted", "stopped"]
    outcome: str
    severity: str
    compartment: NotRequired[str]
    """Who is not cleared for it sees nothing of the run; absent outside compartments."""
    phase: str
    phases: list[dict[str, str]]
    """`{name, state}` with state waiting, running or done."""
    opened_at: str
    now: str
    commander: Commander
    command_offer: NotRequired[CommandOffer]
    """Command that is offered to somebody now."""
    recused: NotRequired[list[str]]
    """People who stand aside: faces show the run to them no more."""
    asks: list[OpenAsk]
    decided: NotRequired[list[OpenAsk]]
    """Gates that are decided and have had no effect yet: an answer may still be taken back."""
    steps: list[StepView]
    loops: list[dict[str, Json]]
    """`{path, step, done, failed, total, running}`"""
    clocks: list[ClockState]
    facts: dict[str, FactState]
    measures: list[Measure]
    children: list[Report]
    paused: dict[str, Json] | None
    runs: int
    history_events: int
    mode: NotRequired[str]
    pressure: NotRequired[str]
    """The instants at which running deadlines of the law make it P1 and P0 (`watchfloor.signing.priority`)."""
    priority: NotRequired[str]
    """P0 to P4, at `now`."""
    jurisdictions: NotRequired[dict[str, list[str]]]
    """Where uploader, viewer, victim, issuer of the order and data are, as far as it is known."""
    tags: NotRequired[list[str]]
    """`unverified` while what is known is doubtful."""
    merged: NotRequired[list[Merged]]
    related: NotRequired[list[Related]]
    pages: NotRequired[list[Page]]
    """What people were paged about; only where the run has a paging policy."""
    page_dues: NotRequired[dict[str, str]]
    """Id of a page that nobody acknowledged -> when it climbs."""
    status_due_at: NotRequired[str]
    outside: NotRequired[list[Outside]]
    """What people did outside the run."""
    on_paper: NotRequired[list[OnPaper]]
    """What people decided while the run could not be asked."""


class IncidentResult(TypedDict):
    outcome: str
    closed_at: str
    clocks: list[ClockState]
    open_measures: int
