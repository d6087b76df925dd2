"""A ledger entry in one line for people: what happened, who did it, the details that matter. Pure.

The texts of an entry are ids, roles, action names and instants; they are hostile until whoever shows them has escaped
them. Every kind of entry has its words here, and a test knows that.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.json_value import Json
from schemas.ledger import Entry, EntryKind

_VALUE = 120
_ENGINE = "engine"


@dataclass(frozen=True, slots=True)
class Told:
    """One entry in words. `mark` says of what sort it is, `details` are names with their values."""

    mark: str
    words: str
    details: tuple[tuple[str, str], ...]
    reason_ref: str


FAMILIES: dict[str, tuple[str, ...]] = {
    "decisions": ("decision.", "triage.", "evidence."),
    "effects": ("effect.", "read.", "measure.", "outside."),
    "clocks": ("clock.",),
    "facts": ("fact.",),
    "people": ("command.", "person.", "page.", "status.", "notice.", "task."),
    "holds and handoffs": ("hold.", "handoff.", "retention.", "review."),
    "other systems": ("webhook.", "delivery."),
    "the run": ("incident.", "phase.", "step.", "branch.", "run.", "track.", "severity.", "key.", "ledger."),
}
"""Sorts of entries by which a timeline is filtered -> the beginnings of their kinds."""

_OF_EVERY_STATEMENT = ("signed_in",)
"""Told of every entry that says it, whatever its kind."""
_K = EntryKind
_WORDS: dict[str, tuple[str, tuple[str, ...]]] = {
    _K.OPENED: ("the incident was opened", ("runbook", "source", "requester")),
    _K.CLOSED: ("the incident closed", ("outcome", "reason")),
    _K.CONTINUED: ("the run went on in a new history", ()),
    _K.PHASE: ("phase begins", ("phase",)),
    _K.PHASE_DONE: ("phase ends", ("phase",)),
    _K.STEP_SKIPPED: ("step left out", ("why", "by")),
    _K.STEP_FAILED: ("step failed", ("error", "why", "code")),
    _K.BRANCH: ("way taken", ("taken",)),
    _K.FACT: ("fact recorded", ("fact", "value", "observed_at", "source", "revision")),
    _K.SEVERITY: ("severity set", ("severity", "before", "cause")),
    _K.PROPOSED: ("a change was proposed", ("what", "level", "role")),
    _K.DECLARED: ("declared an incident", ("role",)),
    _K.DISMISSED: ("dismissed", ("severity", "by")),
    _K.CLOCK_STARTED: ("clock started", ("clock", "started_at", "due_at")),
    _K.CLOCK_RESTARTED: ("clock began anew", ("clock", "started_at", "due_at")),
    _K.CLOCK_WARNED: ("clock warned", ("clock", "due_at")),
    _K.CLOCK_BREACHED: ("clock ran out", ("clock", "due_at")),
    _K.CLOCK_STOPPED: ("clock stopped", ("clock", "stopped_at", "state")),
    _K.CLOCK_ASSIGNED: ("clock handed on", ("clock", "role", "person", "due_at")),
    _K.CLOCK_PAUSED: ("clock stands still", ("clock", "reason", "since")),
    _K.CLOCK_RESUMED: ("clock goes on", ("clock", "until", "due_at")),
    _K.CLOCK_RENEWED: ("clock renewed", ("clock", "due_at")),
    _K.CLOCK_NOT_RENEWED: ("a renewal did not count", ("clock", "why")),
    _K.ASKED: ("asked", ("kind", "roles", "deadline_at")),
    _K.REMINDED: ("reminded", ("roles",)),
    _K.ESCALATED: ("paged further", ("roles",)),
    _K.DECIDED: ("answered", ("option", "role", "on_behalf_of")),
    _K.REFUSED: ("a statement was refused", ("why", "option", "role", "said")),
    _K.SETTLED: ("decided", ("option", "by")),
    _K.SILENT: ("nobody answered in time", ()),
    _K.SEALED: ("a blind answer was taken", ()),
    _K.ABSTAINED: ("abstained", ("role",)),
    _K.WITHDRAWN: ("took an answer back", ("option", "role")),
    _K.DELEGATED: ("gave a seat away", ("to", "role")),
    _K.NARROWED: ("approved less than was asked", ("role",)),
    _K.QUESTIONED: ("asked back", ("role",)),
    _K.ANSWERED: ("answered a question", ("role",)),
    _K.VOIDED: ("answers became void", ("why", "answered")),
    _K.REVEALED: ("was shown a reference", ("shown_as", "role")),
    _K.KEY_REVOKED: ("a key counts no more", ("kid", "since")),
    _K.RECUSED: ("somebody stands aside", ("person",)),
    _K.UNRECUSED: ("somebody need not stand aside any more", ("person",)),
    _K.NOTICE_FAILED: ("somebody could not be told", ("kind", "roles", "channels")),
    _K.PAGE_SENT: ("paged", ("about", "roles")),
    _K.PAGE_CLIMBED: ("a page climbed", ("roles", "rung")),
    _K.PAGE_ACKNOWLEDGED: ("a page was acknowledged", ("by", "role", "how")),
    _K.PAGE_REOPENED: ("a page is nobody's again", ("before",)),
    _K.DESTROYED: ("preserved evidence was lawfully destroyed", ("receipt",)),
    _K.STATUS_REMINDED: ("a status is owed", ("role",)),
    _K.STATUS_NOTED: ("a status was given", ("role",)),
    _K.ANNOUNCED: ("about to be done", ("action",)),
    _K.DONE: ("took effect", ("action", "resolved")),
    _K.FAILED: ("did not work", ("action", "error")),
    _K.DOUBTFUL: ("nobody knows whether it took effect", ("action",)),
    _K.RESOLVED: ("the doubt was resolved", ("action", "resolution")),
    _K.READ: ("looked up", ("action",)),
    _K.READ_FAILED: ("could not be looked up", ("action", "error")),
    _K.MEASURE: ("a measure is in force", ("action",)),
    _K.UNDONE: ("a measure was taken back", ("action",)),
    _K.PAUSED: ("paused the run", ("role",)),
    _K.RESUMED: ("resumed the run", ("role",)),
    _K.ABORTED: ("aborted the run", ("role",)),
    _K.OUTSIDE_PROPOSED: ("said to be done outside; a second person is asked", ("done_at", "by")),
    _K.OUTSIDE_DONE: ("was done outside", ("done_at", "by", "witnesses", "confirmed_by")),
    _K.OUTSIDE_REFUTED: ("was not done outside", ("refuted_by",)),
    _K.OUTSIDE_COUNTED: ("was done outside and counts", ("done_at",)),
    _K.OUTSIDE_DECIDED: ("was decided on paper", ("option", "decided_at")),
    _K.MERGED: ("another report of the same was taken in", ("source", "received_at")),
    _K.TRACK: ("something beside it began", ("track",)),
    _K.LINKED: ("linked with another run", ("run", "runbook", "by")),
    _K.TASK_CLAIMED: ("took the task", ("role", "until")),
    _K.TASK_REASSIGNED: ("the task is open again", ()),
    _K.TASK_LAPSED: ("a claim on the task ended", ()),
    _K.TASK_TICKED: ("ticked", ("item", "role")),
    _K.TASK_FELL_BACK: ("the task went to the role", ("roles",)),
    _K.HOLD_PLACED: ("a hold was placed", ("source", "sources", "basis", "expires_at", "hold")),
    _K.HOLD_VERIFIED: ("a hold was proved", ("source", "hold")),
    _K.HOLD_FAILED: ("a hold could not be proved", ("source", "hold")),
    _K.HOLD_WARNED: ("a hold will expire", ("hold", "expires_at")),
    _K.HOLD_RENEWED: ("a hold was renewed", ("source", "hold", "expires_at")),
    _K.HOLD_RELEASED: ("a hold was released", ("source", "hold", "by")),
    _K.RETENTION: ("ruled what becomes of a copy", ("ruling",)),
    _K.OFFERED: ("offered to another region", ("handoff", "to", "mode")),
    _K.ACCEPTED: ("accepted by the other region", ("handoff", "person")),
    _K.DECLINED: ("declined by the other region", ("handoff", "person")),
    _K.UNANSWERED: ("the other region did not answer", ("handoff",)),
    _K.COMMAND: ("command passed", ("person", "fence", "before", "how")),
    _K.COMMAND_OFFERED: ("command was offered", ("to", "until", "fence")),
    _K.COMMAND_RETURNED: ("an offer of command ended", ("why", "to")),
    _K.REVIEW_STARTED: ("the review began", ("review",)),
    _K.REVIEW_DRAFTED: ("the review was drafted", ()),
    _K.REVIEW_DONE: ("the review is done", ()),
    _K.RESENT: ("had events sent to another system again", ("subscription", "events", "event", "role")),
    _K.ENABLED: ("had another system told again", ("subscription", "role")),
    _K.REDRIVEN: ("had a delivery driven once more", ("sender", "role")),
    _K.DISCARDED: ("gave a delivery up", ("sender", "role")),
    _K.CONFLICT: ("an entry came twice with different content", ()),
}
_MARKS = {
    _K.CLOCK_BREACHED: "bad",
    _K.STEP_FAILED: "bad",
    _K.FAILED: "bad",
    _K.DOUBTFUL: "bad",
    _K.SILENT: "bad",
    _K.REFUSED: "bad",
    _K.HOLD_FAILED: "bad",
    _K.NOTICE_FAILED: "bad",
    _K.CONFLICT: "bad",
    _K.DONE: "effect",
    _K.UNDONE: "effect",
    _K.MEASURE: "effect",
    _K.SETTLED: "person",
    _K.DECIDED: "person",
    _K.COMMAND: "person",
}


def is_known(kind: str) -> bool:
    """Whether a kind of entry has words here."""
    return kind in _WORDS


def tell_entry(entry: Entry) -> Told:
    """One entry in words; one of a kind that a newer version wrote is told by its kind."""
    words, names = _WORDS.get(entry["kind"], (entry["kind"].replace(".", " ").replace("_", " "), ()))
    data = entry["data"]
    details = [
        (name.replace("_", " "), _say(data[name]))
        for name in (*names, *_OF_EVERY_STATEMENT)
        if data.get(name) not in (None, "", 0, [], {})
    ]
    subject = "" if entry["actor"] in {_ENGINE, ""} else f"{entry['actor']}: "
    return Told(
        mark=_MARKS.get(entry["kind"], ""),
        words=f"{subject}{words}",
        details=tuple(details),
        reason_ref=str(data.get("reason_ref") or ""),
    )


def find_family(kind: str) -> str:
    """Of which sort an entry is; empty for a kind that is not known."""
    return next((name for name, starts in FAMILIES.items() if kind.startswith(starts)), "")


def _say(value: Json) -> str:
    if isinstance(value, list):
        said = ", ".join(_say(one) for one in value[:6])
        return said + (f" and {len(value) - 6} more" if len(value) > 6 else "")
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_say(one)}" for name, one in list(value.items())[:6])
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return text if len(text) <= _VALUE else text[: _VALUE - 1] + "…"
