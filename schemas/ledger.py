"""Ledger entries and checkpoints.

The writer gives an entry its deterministic `id`; the store assigns `seq` and `prev` in one transaction per chain
(incident, hold or handoff) and computes `hash`. Appending an id that is already there does nothing.
"""

from typing import Literal

from typing_extensions import TypedDict

from schemas.json_value import Json

ENTRY_VERSION = 1
CHECKPOINT = "watchfloor.checkpoint.v1"


class Entry(TypedDict):
    """What a writer hands in. `data` holds references, ids, digests and class names only.

    `kind` is one of the names below; `at` the instant the thing happened (workflow time for workflow entries, the
    activity's clock for effect entries); `actor` a person id, `engine`, or a system's name.
    """

    v: int
    id: str
    chain: str
    """Workflow id of the incident (or hold, handoff, postmortem) the entry belongs to."""
    kind: str
    at: str
    actor: str
    step: str
    path: str
    data: dict[str, Json]


class StoredEntry(Entry):
    seq: int
    prev: str
    hash: str
    """`sha256:` over the RFC 8785 bytes of all other fields, `alg` included."""
    alg: Literal["sha256"]
    recorded_at: str


class Checkpoint(TypedDict):
    """The body of a signed `CHECKPOINT` envelope: the head of one chain at one moment."""

    v: int
    region: str
    chain: str
    seq: int
    head: str
    at: str


class EntryKind:
    """Every kind of entry the product writes; docs and the postmortem know exactly these."""

    OPENED = "incident.opened"
    CLOSED = "incident.closed"
    CONTINUED = "incident.continued"
    PHASE = "phase.entered"
    PHASE_DONE = "phase.left"
    STEP_SKIPPED = "step.skipped"
    STEP_FAILED = "step.failed"
    BRANCH = "branch.taken"
    FACT = "fact.recorded"
    SEVERITY = "severity.set"
    PROPOSED = "triage.proposed"
    """Somebody proposes to lower severity or to dismiss; the ask at the same path says who decides."""
    DECLARED = "incident.declared"
    DISMISSED = "incident.dismissed"
    CLOCK_STARTED = "clock.started"
    CLOCK_RESTARTED = "clock.restarted"
    CLOCK_WARNED = "clock.warned"
    CLOCK_BREACHED = "clock.breached"
    CLOCK_STOPPED = "clock.stopped"
    CLOCK_ASSIGNED = "clock.assigned"
    CLOCK_PAUSED = "clock.paused"
    CLOCK_RESUMED = "clock.resumed"
    CLOCK_RENEWED = "clock.renewed"
    CLOCK_NOT_RENEWED = "clock.not_renewed"
    """A renewal that does not count; `data` says why."""
    ASKED = "decision.asked"
    REMINDED = "decision.reminded"
    ESCALATED = "decision.escalated"
    DECIDED = "decision.recorded"
    REFUSED = "decision.refused"
    SETTLED = "decision.settled"
    SILENT = "decision.silent"
    SEALED = "decision.sealed"
    """Somebody said something at a blind ask; `statement` commits to it, the entry itself follows when all have."""
    ABSTAINED = "decision.abstained"
    WITHDRAWN = "decision.withdrawn"
    DELEGATED = "decision.delegated"
    NARROWED = "decision.narrowed"
    """Somebody approves less than was asked: what was left out by count and digest, and whose answers are void."""
    QUESTIONED = "decision.questioned"
    """Somebody asked back; `reason_ref` refers to the question's text."""
    ANSWERED = "decision.answered"
    """A question was answered; `reason_ref` refers to the answer's text, `question` is the question's statement."""
    VOIDED = "decision.voided"
    """Answers that an open ask had were taken out of it; `data` says whose and why. It is asked again."""
    REVEALED = "evidence.revealed"
    """A reference to evidence was shown to somebody who decides; `ref` is it, `reason_ref` refers to why."""
    KEY_REVOKED = "key.revoked"
    RECUSED = "person.recused"
    UNRECUSED = "person.unrecused"
    NOTICE_FAILED = "notice.failed"
    PAGE_SENT = "page.sent"
    PAGE_CLIMBED = "page.climbed"
    PAGE_ACKNOWLEDGED = "page.acknowledged"
    PAGE_REOPENED = "page.reopened"
    """Whoever had taken a page stands aside now; it climbs on."""
    STATUS_REMINDED = "status.reminded"
    STATUS_NOTED = "status.noted"
    ANNOUNCED = "effect.announced"
    DONE = "effect.done"
    FAILED = "effect.failed"
    DOUBTFUL = "effect.doubtful"
    RESOLVED = "effect.resolved"
    READ = "read.done"
    READ_FAILED = "read.failed"
    MEASURE = "measure.in_force"
    UNDONE = "measure.undone"
    PAUSED = "run.paused"
    RESUMED = "run.resumed"
    ABORTED = "run.aborted"
    OUTSIDE_PROPOSED = "outside.proposed"
    """Somebody says that a step was carried out outside; its tier wants a second person, who is asked."""
    OUTSIDE_DONE = "outside.done"
    """A step was carried out outside; `data.done_at` is when. It is not carried out by the run."""
    OUTSIDE_REFUTED = "outside.refuted"
    OUTSIDE_COUNTED = "outside.counted"
    """The run came to a step that was carried out outside and counts it as done, under the key it would have used."""
    OUTSIDE_DECIDED = "outside.decided"
    """A decision was made on paper; it fills no seat."""
    MERGED = "incident.merged"
    """An order over the same content came in and was taken in by this run; `data` says from where and since when."""
    TRACK = "track.fired"
    LINKED = "run.linked"
    """Another run was started for this one, one that goes on already was joined, or another incident is over the same
    account; `data` names it."""
    TASK_CLAIMED = "task.claimed"
    TASK_REASSIGNED = "task.reassigned"
    """A claimed task was handed back, for whatever reason, and is open to others again."""
    TASK_LAPSED = "task.lapsed"
    TASK_TICKED = "task.ticked"
    TASK_FELL_BACK = "task.fell_back"
    """The person named for a task is not there or lacks its role; it goes to the role."""
    HOLD_PLACED = "hold.placed"
    HOLD_VERIFIED = "hold.verified"
    HOLD_FAILED = "hold.failed"
    HOLD_WARNED = "hold.expiry_warned"
    HOLD_RENEWED = "hold.renewed"
    HOLD_RELEASED = "hold.released"
    RETENTION = "retention.decided"
    """What the conflict order says about one copy before it is deleted; `data` holds the whole reasoning."""
    DESTROYED = "evidence.destroyed"
    """Preserved copies were lawfully destroyed: which, on what authority, by whose decisions, where the receipts are.
    An entry without `receipt` says that only these of a request are gone."""
    OFFERED = "handoff.offered"
    ACCEPTED = "handoff.accepted"
    DECLINED = "handoff.declined"
    UNANSWERED = "handoff.unanswered"
    COMMAND = "command.passed"
    COMMAND_OFFERED = "command.offered"
    COMMAND_RETURNED = "command.returned"
    """An offer of command ended without acceptance: declined, withdrawn, silent; `data.why` says which."""
    REVIEW_STARTED = "review.started"
    REVIEW_DRAFTED = "review.drafted"
    REVIEW_DONE = "review.done"
    RESENT = "webhook.redriven"
    """Somebody had events that were given up sent again; `data` says to which subscription and how many."""
    ENABLED = "webhook.enabled"
    """Somebody has a subscription that was disabled sent events again; in the chain of the region's desk."""
    REDRIVEN = "delivery.redriven"
    """Somebody had what another system delivered driven once more; in the delivery's own chain, like the next."""
    DISCARDED = "delivery.discarded"
    """Somebody gave up what another system delivered; what it said is destroyed."""
    CONFLICT = "ledger.conflict"
    """Written by the store: an id came again with other content; `data` holds the content that came second."""
