"""Paging: how long a page may go unacknowledged, to whom it climbs, how often a status is due.

A run is started with the policy of its day and keeps it: what was promised when the incident opened is what the ledger
is read against.
"""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

BACKUP = "backup"
"""The rung that pages the same role again: whoever holds it beside the one first paged."""


class SeverityTimes(TypedDict):
    """Seconds, by severity; None where nothing is due."""

    acknowledge_within: float | None
    """How long a page may go unacknowledged before it climbs, at each rung."""
    status_every: float | None
    """How often the communications lead owes a status."""
    business_days: NotRequired[int]
    """In place of `acknowledge_within`: so many business days, at each rung."""
    ladder: NotRequired[list[str]]
    """In place of the policy's ladder."""


class PagingPolicy(TypedDict):
    """`runbooks/paging.yaml` as a run is started with it."""

    v: int
    digest: str
    """`sha256:` of the other fields; the ledger names it in `incident.opened`."""
    severities: dict[str, SeverityTimes]
    ladder: list[str]
    """Rungs in order: a role, or `backup`."""
    status_role: str
    processes: NotRequired[dict[str, SeverityTimes]]
    """What has no severity of its own: `hold`, `hold_failed` (a freeze that is not proved), `review`. Absent in a
    policy of before, under which these page once."""


class Acknowledgement(TypedDict):
    """Who took a page. `how` is `statement` (`watchfloor ack`), `answer` (they answered what it is about), `claim`
    (they have claimed the task), `pager` (the paging service said so) or `over` (what it was about ended by itself)."""

    how: Literal["statement", "answer", "claim", "pager", "over"]
    by: str
    role: str
    at: str


class Page(TypedDict):
    """One thing that people were paged about, until it is settled."""

    id: str
    """Short, unique in the run (`p3`)."""
    kind: str
    """Of `schemas.notify.NoticeKind`, or `page` for the action."""
    path: str
    step: str
    clock: str
    ask: str
    """Digest of the ask it is about; empty for anything else."""
    roles: list[str]
    """Who was paged first."""
    told: list[str]
    """Everybody paged so far, in the order they were."""
    alerts: list[str]
    """Ids under which channels that keep an alert open know it; one for each time others were told."""
    sent_at: str
    rung: int
    """How often it has climbed."""
    rung_at: str
    """When it reached this rung; the time for an acknowledgement counts from here."""
    deadline_at: str | None
    acknowledged: NotRequired[Acknowledgement]
    follows: NotRequired[list[str]]
    """Channels that keep something open until they are told of the end; empty where they are not known by name."""
    reached: NotRequired[list[str]]
    """The people whom a channel really told, in the order they were."""
    untold: NotRequired[bool]
    """Acknowledged, and the channels that keep it open are still to be told."""


class StatusDuty(TypedDict):
    """The status that is owed: last given (or the opening) and last reminded of."""

    since: str
    reminded_at: NotRequired[str]
    noted: NotRequired[int]
    """How many were given."""
