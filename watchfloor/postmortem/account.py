"""What happened, read from the ledger: phases, clocks, asks and answers, effects, measures, holds, handoffs.

Nothing here is known from anywhere else. Every part keeps the numbers of the entries that say so; a field that an
entry does not have stays None and is never guessed. Texts are ids, roles, action names and class names as the ledger
holds them, hostile until a renderer has escaped them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schemas.json_value import Json
from schemas.ledger import StoredEntry


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant and the entry that records it (`citations.number_entry`)."""

    at: datetime
    seq: int


@dataclass(slots=True)
class Phase:
    name: str
    entered: Moment
    left: Moment | None = None


@dataclass(frozen=True, slots=True)
class ClockRun:
    """One start of a clock: the entry that says so, from when it counts, when it is due."""

    moment: Moment
    started_at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Still:
    """A time that a clock stood still: the entries that say so, the reason, from when until when."""

    moment: Moment
    reason: str
    since: datetime
    resumed: Moment | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Renewed:
    """A renewal that counted, or why it did not; `due_at` is the end after it."""

    moment: Moment
    at: datetime
    due_at: datetime | None
    refused: str = ""


@dataclass(slots=True)
class Clock:
    """`state` is met, late, breached (never stopped), running, or assigned (handed to a role at the close)."""

    name: str
    started: Moment
    runs: list["ClockRun"]
    """Its starts in order: the first, then one for each time it was started anew. The last counts."""
    warned: list[tuple[Moment, datetime | None]] = field(default_factory=list)
    """When it warned, and when it was due at that moment."""
    breached: Moment | None = None
    stopped: Moment | None = None
    stopped_at: datetime | None = None
    assigned: Moment | None = None
    assigned_to: str = ""
    custodian: str = ""
    """The person of the role who was told that it is theirs."""
    stills: list[Still] = field(default_factory=list)
    renewals: list[Renewed] = field(default_factory=list)

    @property
    def started_at(self) -> datetime:
        return self.runs[-1].started_at

    @property
    def due_at(self) -> datetime | None:
        return self.runs[-1].due_at

    @property
    def state(self) -> str:
        if self.stopped_at is not None:
            return "late" if self.due_at is not None and self.stopped_at > self.due_at else "met"
        if self.breached is not None and not (self.due_at is not None and self.due_at > self.breached.at):
            # a pause or a renewal that was recorded late takes a breach back
            return "breached"
        return "assigned" if self.assigned is not None else "running"

    @property
    def margin(self) -> timedelta | None:
        """Time left when it stopped; negative when it stopped late; None when it has no end or never stopped."""
        if self.stopped_at is None or self.due_at is None:
            return None
        return self.due_at - self.stopped_at

    @property
    def seqs(self) -> tuple[int, ...]:
        moments = [*(run.moment for run in self.runs), *(moment for moment, _ in self.warned)]
        moments += [moment for one in self.stills for moment in (one.moment, one.resumed) if moment]
        moments += [one.moment for one in self.renewals]
        moments += [moment for moment in (self.breached, self.stopped, self.assigned) if moment]
        return tuple(sorted(moment.seq for moment in moments))


@dataclass(frozen=True, slots=True)
class Answer:
    """One person's decision, perhaps on somebody's behalf. `reason_ref` is the digest of the reason, whose text is kept
    elsewhere."""

    moment: Moment
    person: str
    role: str
    option: str
    reason_ref: str
    behalf: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    moment: Moment
    why: str
    person: str
    role: str


@dataclass(frozen=True, slots=True)
class Said:
    """What a person said at an ask besides an answer; `kind` is the entry's."""

    moment: Moment
    kind: str
    person: str
    role: str
    data: Mapping[str, Json]


@dataclass(slots=True)
class Ask:
    path: str
    step: str
    kind: str
    roles: str
    asked: Moment
    deadline_at: datetime | None
    answers: list[Answer] = field(default_factory=list)
    taken_back: list[Answer] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    reminded: list[Moment] = field(default_factory=list)
    escalated: list[tuple[Moment, str]] = field(default_factory=list)
    settled: Moment | None = None
    option: str = ""
    silent: Moment | None = None

    @property
    def answered(self) -> Moment | None:
        """When the last answer came that the ask needed."""
        if self.settled:
            return self.settled
        return self.answers[-1].moment if self.answers else None


@dataclass(slots=True)
class Effect:
    """One call of an action. `attempts` is None when no entry says how many there were."""

    key: str
    action: str
    path: str
    step: str
    kind: str
    seqs: list[int]
    announced: Moment | None = None
    done: Moment | None = None
    failed: Moment | None = None
    error: str = ""
    failures: int = 0
    doubtful: Moment | None = None
    resolved: Moment | None = None
    resolution: str = ""
    """What a person said of a doubt: `happened`, `resend`, `give_up`."""
    how: str = ""
    """How the outcome came to be known: `called`, `looked_up`, `confirmed`."""
    attempts: int | None = None

    @property
    def first_at(self) -> datetime:
        moments = [self.announced, self.done, self.failed, self.doubtful, self.resolved]
        return min(moment.at for moment in moments if moment)

    @property
    def carried_out(self) -> Moment | None:
        """When it was done, or a person said that it had been."""
        return self.done or (self.resolved if self.resolution == "happened" else None)

    @property
    def retried(self) -> bool:
        return self.failures > 0 or (self.attempts or 1) > 1


@dataclass(slots=True)
class Measure:
    key: str
    action: str
    step: str
    path: str
    since: Moment
    undone: Moment | None = None


@dataclass(slots=True)
class Hold:
    id: str
    path: str
    placed: Moment | None = None
    placings: list[int] = field(default_factory=list)
    """Every entry that tells of its placing, at all sources."""
    proved: dict[str, Moment] = field(default_factory=dict)
    """Source -> when a deletion there was refused; the empty source stands for all of them."""
    failed: Moment | None = None
    renewed: list[tuple[Moment, datetime | None]] = field(default_factory=list)
    """Each renewal that counted, and until when the hold was kept then."""
    released: Moment | None = None
    expires_at: datetime | None = None
    sources: tuple[str, ...] = ()

    @property
    def verified(self) -> Moment | None:
        """When the last source was proved; None while one is not."""
        if "" in self.proved:
            return self.proved[""]
        if not self.proved or any(source not in self.proved for source in self.sources):
            return None
        return max(self.proved.values(), key=lambda moment: (moment.at, moment.seq))

    @property
    def proofs(self) -> tuple[int, ...]:
        return tuple(sorted(moment.seq for moment in self.proved.values()))


@dataclass(slots=True)
class Handoff:
    id: str
    path: str
    to: str
    mode: str
    offered: Moment
    accepted: Moment | None = None
    declined: Moment | None = None
    unanswered: Moment | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that needs no state of its own: a failed step, a fact, a severity, a pause, a passing of command."""

    kind: str
    moment: Moment
    actor: str
    step: str
    path: str
    data: Mapping[str, Json]


@dataclass(slots=True)
class Account:
    """The whole incident. Lists are in the order of the ledger."""

    entries: tuple[StoredEntry, ...]
    related: tuple[tuple[StoredEntry, ...], ...] = ()
    """Chains of the holds and handoffs that the incident started, in the order they are named in citations."""
    opened: Moment | None = None
    received_at: datetime | None = None
    closed: Moment | None = None
    outcome: str = ""
    commander: str = ""
    requester: str = ""
    severity: str = ""
    """As the opening says it; later changes are notes of their own."""
    phases: list[Phase] = field(default_factory=list)
    clocks: list[Clock] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    stray: list[Refused] = field(default_factory=list)
    """Refused statements that answered no open ask."""
    effects: list[Effect] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    handoffs: list[Handoff] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    @property
    def known(self) -> tuple[datetime, int] | None:
        """When the company knew: the receipt of the trigger, else the opening of the run."""
        if self.opened is None:
            return None
        return (self.received_at or self.opened.at, self.opened.seq)

    def kind(self, *names: str) -> list[Note]:
        return [note for note in self.notes if note.kind in names]
