"""What a terminal and the gateway say to each other over HTTP. An instant is RFC 3339 in UTC.

A later gateway may add fields to boards and plans, which a terminal then leaves out; the shapes here are closed, and
one that does not fit is refused whole.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.decision import OpenAsk
from schemas.incident import Board
from schemas.json_value import Json
from schemas.plan import Plan

VERSION = 1
Id = Annotated[str, Field(min_length=1, max_length=80)]
Word = Annotated[str, Field(pattern=r"^[!-~]{1,80}$")]
"""An id that stands on a screen as it is."""
Path = Annotated[str, Field(min_length=1, max_length=400)]
Mark = Annotated[str, Field(min_length=1, max_length=80)]
Typed = Annotated[str, Field(max_length=4000)]
Instant = Annotated[str, Field(max_length=40)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


# -- signing in -----------------------------------------------------------------------------------------------------


class Wish(_Closed):
    """A terminal asks to be paired with a person."""

    v: Literal[1]


class Offer(_Closed):
    """`secret` stays with the terminal; `code` is what the person types at `address`, within `seconds`."""

    v: Literal[1]
    secret: Annotated[str, Field(min_length=20, max_length=100)]
    code: Annotated[str, Field(pattern=r"^[A-Z0-9]{4}-[A-Z0-9]{4}$")]
    address: Annotated[str, Field(max_length=200, pattern=r"^(https?://[A-Za-z0-9.:\[\]-]+)?/console/terminals$")]
    """Path of the page, or its whole address where the gateway knows the name that people reach it by."""
    seconds: Annotated[int, Field(ge=1, le=3600)]
    every: Annotated[int, Field(ge=1, le=60)]
    """Seconds to wait before asking again whether it was confirmed."""


class Claim(_Closed):
    """A terminal asks what became of its pairing."""

    v: Literal[1]
    secret: Annotated[str, Field(max_length=100)]


class SignedIn(_Closed):
    """Who a terminal speaks for, how they signed in and until when."""

    person: Word
    entity: Annotated[str, Field(max_length=80)]
    region: Word
    roles: Annotated[list[Word], Field(max_length=50)]
    way: Literal["dev", "oidc"]
    until: Instant


class Claimed(_Closed):
    """`token` is there once, when a person has confirmed."""

    v: Literal[1]
    state: Literal["waiting", "confirmed"]
    token: Annotated[str, Field(max_length=100)] = ""
    signed_in: SignedIn | None = None


# -- looking --------------------------------------------------------------------------------------------------------


class Run(_Closed):
    """One line of the board."""

    incident: Id
    region: Id
    runbook: Annotated[str, Field(max_length=80)]
    severity: Annotated[str, Field(max_length=10)]
    phase: Annotated[str, Field(max_length=80)]
    state: Annotated[str, Field(max_length=20)]
    waiting: Annotated[list[Id], Field(max_length=100)]
    due_at: Instant | None
    opened_at: Instant
    closed_at: Instant | None
    priority: Annotated[str, Field(max_length=10)]
    commander: Annotated[str, Field(max_length=80)]


class Waits(_Closed):
    """One question that this person may answer. `workflow` is the run that asks, `incident` the one it belongs to."""

    incident: Id
    region: Id
    severity: Annotated[str, Field(max_length=10)]
    priority: Annotated[str, Field(max_length=10)]
    workflow: Id
    ask: OpenAsk
    taken: bool


class Look(_Closed):
    """Everything at a glance. `boards` has the head of the board of every run that asks; `more` counts questions that
    are left out because they are due later."""

    v: Literal[1]
    signed_in: SignedIn
    runs: Annotated[list[Run], Field(max_length=2000)]
    waiting: Annotated[list[Waits], Field(max_length=500)]
    boards: dict[Id, Board]
    more: Annotated[int, Field(ge=0)]


class Attempted(_Closed):
    """What was announced where a doubt or a failure is. `inputs` is null where they are too large for an entry."""

    run: Id
    path: Path
    action: Annotated[str, Field(max_length=80)]
    inputs: dict[str, Json] | None
    digest: Annotated[str, Field(max_length=80)]
    at: Instant
    number: Annotated[int, Field(ge=1)]


class Whole(_Closed):
    """One incident with what it started. References to evidence are numbered, as on the console's pages."""

    v: Literal[1]
    board: Board
    children: dict[Id, Board]
    texts: dict[str, str]
    attempts: Annotated[list[Attempted], Field(max_length=1000)] = []


class Planned(_Closed):
    """The plan that a run carries out."""

    v: Literal[1]
    plan: Plan


# -- saying ---------------------------------------------------------------------------------------------------------


class _At(_Closed):
    """At which question something is said; `ask` is the digest of it as it was shown."""

    v: Literal[1]
    workflow: Id
    path: Path
    ask: Mark


class Answer(_At):
    """An answer to a question."""

    option: Id
    reason: Typed
    form: Annotated[dict[Id, Typed], Field(max_length=50)]


class Remark(_At):
    """Something else that is said at a question: `to` is who gets a seat, `inputs` and `leave_out` are what a narrowing
    leaves."""

    verb: Literal["narrow", "delegate", "abstain", "question", "withdraw"]
    reason: Typed
    to: Annotated[str, Field(max_length=80)] = ""
    inputs: Annotated[dict[Id, Annotated[list[Typed], Field(max_length=300)]], Field(max_length=20)] = {}
    leave_out: Annotated[list[Typed], Field(max_length=300)] = []


class Work(_At):
    """Something said to a task."""

    verb: Literal["claim", "hand_back", "tick"]
    item: Annotated[str, Field(max_length=80)] = ""


class Receipt(_Closed):
    """What became of a statement: as `watchfloor.client.statements.Sent`."""

    v: Literal[1]
    workflow: Id
    path: Path
    digest: Mark
    recorded: bool
    state: Literal["complete", "waiting", "recorded", "sent", "kept"]
    waiting_for: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=100)]
    reason_ref: Annotated[str, Field(max_length=80)]
    note: Annotated[str, Field(max_length=2000)]


class Said(BaseModel):
    """A refusal (RFC 9457); `code` is one of `schemas.decision.RefusalType` where a run or a face said no."""

    model_config = ConfigDict(extra="ignore", strict=True)

    status: int
    code: Annotated[str, Field(max_length=60)]
    detail: Annotated[str, Field(max_length=4000)]
