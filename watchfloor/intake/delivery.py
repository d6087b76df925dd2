"""One delivery: what is known of it when it comes in, as it stands later, and what each runbook made of it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

State = Literal["kept", "started", "joined", "merged", "reported", "ignored", "dead", "discarded"]
Made = Literal[State, "waits"]
"""What one runbook made of it: as the delivery's own states, or that its start is to be tried again."""
STATES: tuple[State, ...] = ("kept", "dead", "started", "merged", "joined", "reported", "ignored", "discarded")
SETTLED = frozenset({"started", "joined", "merged", "reported", "ignored", "discarded"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one runbook made of a delivery. `code` is for programs, `why` for people; neither quotes the message."""

    runbook: str
    state: Made
    incident: str = ""
    code: str = ""
    why: str = ""
    compartment: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known of a delivery when it comes in. `box` is what it said, sealed."""

    id: str
    sender: str
    kind: str
    target: str
    thread: str
    mark: str
    size: int
    received_at: datetime
    patience: timedelta
    box: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery as it stands now."""

    id: str
    sender: str
    kind: str
    target: str
    thread: str
    mark: str
    size: int
    received_at: str
    state: State
    why: str
    attempts: int
    repeats: int
    next_at: str
    patient_until: str
    taken_until: str
    settled_at: str
    person: str
    reason: str
    compartments: tuple[str, ...]
    readable: bool
    """What it said is still there, so that it can be driven once more."""
    box_until: str
    outcomes: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """What `keep` found. `mine` says that who asked is to drive it now."""

    delivery: Delivery
    new: bool
    mine: bool
    contradicts: bool = False


@dataclass(frozen=True, slots=True)
class Refusals:
    """How often something of a sender was refused in a day, and why."""

    sender: str
    day: str
    code: str
    times: int
    last_at: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the list: after this delivery."""

    received_at: str
    id: str
