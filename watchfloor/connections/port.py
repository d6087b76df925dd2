"""What activities may ask of the connections to real systems, and how a call fails."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from schemas.actions import ActionCall, Idempotency
from schemas.json_value import Json
from watchfloor.ledger.port import Cap

THROUGH_CHANNELS = frozenset({"notify.webhook", "notify.email", "page"})
"""Actions that are delivered by the notifier; they are not bound to a call."""
IN_STORE = frozenset({"retention.rule", "evidence.destroy"})
"""Actions on the region's own evidence store; they are not bound to a call."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system said, after its success predicate held.

    `outputs` are those that the binding extracts from `body`; `at` is when the answer had arrived.
    """

    outputs: dict[str, Json]
    body: Json
    at: datetime


class CallFailed(Exception):
    """A call did not succeed.

    Attributes:
        type: one of `schemas.actions.ErrorType`.
        possible: True when the request may have taken effect all the same.
        retry_after: how long the system asked us to stay away.
        detail: what may be written down: a status, a class of error; never a body, an address or a header.
    """

    def __init__(
        self,
        type: str,
        message: str,
        *,
        possible: bool,
        retry_after: timedelta | None = None,
        detail: dict[str, Json] | None = None,
    ) -> None:
        super().__init__(message)
        self.type = type
        self.possible = possible
        self.retry_after = retry_after
        self.detail = detail or {}


@dataclass(frozen=True, slots=True)
class Terms:
    """What a binding promises about one action, asked before anything is announced."""

    idempotency: Idempotency
    settle: timedelta
    """For `lookup`: how long after a request was announced it may still take effect."""
    patience: timedelta
    """How long after its announcement a request may still be sent."""
    cap: Cap | None = None


OF_STORE = Terms("header", settle=timedelta(), patience=timedelta(minutes=1))
"""The store takes the same call twice and destroys once."""


class Caller(Protocol):
    """Carries abstract actions out on the systems they are bound to."""

    def terms(self, action: str) -> Terms:
        """What the binding promises.

        Raises:
            CallFailed: `not_bound`, or `switched_off` by the kill switch.
        """
        ...

    async def admit(self, action: str) -> None:
        """Wait for this action's turn under its rate; called before the announcement, so nothing waits after it.

        Raises:
            CallFailed: `unavailable` with `retry_after` when the turn is further off than one attempt may last.
        """
        ...

    async def call(self, call: ActionCall) -> Answer:
        """Send the request of this action once; nothing here retries.

        Raises:
            CallFailed: with what is known about its effect.
        """
        ...

    async def look_up(self, call: ActionCall) -> Answer | None:
        """Ask the system whether it knows this key: its answer then, or None when it does not.

        Raises:
            CallFailed: it could not be asked.
        """
        ...


NoticeState = Literal["open", "acknowledged", "settled"]


@dataclass(frozen=True, slots=True)
class Notice:
    """What people and rooms are told: ids, codes, roles and instants; never a title, a name, a value or a reason."""

    key: str
    about: str
    region: str
    incident: str
    step: str
    path: str
    severity: str
    at: datetime
    due_at: str | None = None
    roles: tuple[str, ...] = field(default=())
    state: NoticeState = "open"
    """What it says of the page it belongs to; a follow-up (`acknowledged`, `settled`) pages nobody."""
    page: str = ""
    """Id of the page in its run; empty for what belongs to none."""
    alerts: tuple[str, ...] = field(default=())
    """Alerts that it opens (one), or whose end it tells."""
    rung: int = 0
    """How often the page has climbed."""

    @property
    def thread(self) -> str:
        """The same for every message about one thing: one conversation, where a channel has such."""
        return f"{self.incident}/{self.page or self.path}"


ChannelKind = Literal["webhook", "email", "pager", "slack", "pagerduty"]
FOLLOWING: frozenset[str] = frozenset({"slack", "pagerduty"})
"""Kinds of channel that keep something open until they are told of its end."""


class Notifier(Protocol):
    """Delivers notices to destinations that the configuration names."""

    def kind(self, destination: str) -> ChannelKind:
        """What kind of channel a destination is.

        Raises:
            CallFailed: `not_bound`: no destination has this name.
        """
        ...

    async def deliver(self, destination: str, notice: Notice) -> datetime:
        """Deliver, at most once for each key of a notice; gives when the receiver took it.

        What comes faster than the channel's rate is told in one message that counts it, the gravest first and alone.

        Raises:
            CallFailed: it was not delivered, or nobody knows.
        """
        ...

    def destinations(self) -> Sequence[str]: ...
