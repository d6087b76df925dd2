"""What people and systems say to a run: signed statements.

A statement travels as an `Envelope`: the body, the domain that keeps one kind of statement from being taken for
another, the key that signed it, the Ed25519 signature over the RFC 8785 bytes of `{domain, kid, body}`. The face
(gateway or command line) signs after it has authenticated the person; the workflow verifies in validator and handler,
the activity of an effect verifies again.
"""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from schemas.json_value import Json

DECISION = "watchfloor.decision.v1"
FACT = "watchfloor.fact.v1"
CONTROL = "watchfloor.control.v1"
MOTION = "watchfloor.motion.v1"
MERGE = "watchfloor.merge.v1"


class Envelope(TypedDict):
    domain: str
    kid: str
    body: dict[str, Json]
    sig: str
    """Base64url without padding."""
    cert: NotRequired["Envelope"]
    """The certificate of `kid` (`schemas.keys.Certificate`), for runs that pin a root. Not part of what is signed."""


class StepUp(TypedDict):
    """That a person touched their security key (WebAuthn) for one answer and nothing else.

    `credential` is the digest of the key's id, `over` what was decided (`watchfloor.signing.step_up.step_up_digest`),
    `at` when, `assertion` the reference of all that the key signed, which is kept in the region's evidence store.
    """

    credential: str
    over: str
    at: str
    assertion: str


class Decision(TypedDict):
    """The body of a `DECISION` envelope: one person's answer to one ask.

    `ask` is the digest the face was given by the board for this ask: over region, incident, plan digest, runtime
    path, iteration, round, options, resolved action inputs and everything shown. If anything changed since, the
    digest differs and the decision is refused. `reason_ref` is `sha256:<hex>` of the reason's text, which is kept in
    the region's evidence store and never travels.
    """

    v: int
    region: str
    namespace: str
    incident: str
    plan: str
    path: str
    ask: str
    option: str
    """`approve`, `deny` or `break_glass` at a gate; `approve` or `deny` at a review;
    an option's name at a `decide`; `done` at a task; `accept` or `decline` at a
    handoff; `release` at a hold; `retry`, `skip`, `give_up` at a failed step; `happened`, `resend`, `give_up` at a
    doubtful one."""
    form: dict[str, Json]
    person: str
    role: str
    entity: str
    signed_in: str
    """How the face knew the person: `dev` (loopback only), `oidc`, `webauthn` (that, and `step_up`)."""
    issued_at: str
    expires_at: str
    nonce: str
    reason_ref: str
    amr: NotRequired[list[str]]
    """How the person proved who they are, as the provider of the sign-in says (RFC 8176)."""
    step_up: NotRequired[StepUp]
    """The security key that was touched for this; needed where the ask says so (`keyed`)."""
    on_behalf_of: NotRequired[str]
    """Whose seat the person fills, where that seat was given to them in this ask; `role` is then that seat's."""


class Motion(TypedDict):
    """The body of a `MOTION` envelope: what a person says at an ask other than an answer to it.

    It goes the way of a decision, by the same update and signal, and is bound to the same digest of the ask. `verb` is
    one of `watchfloor.signing.motions.VERBS`; `about` holds what that verb speaks of. A reason is always given;
    `reason_ref` refers to its text, which stays in the region's evidence store.
    """

    v: int
    region: str
    namespace: str
    incident: str
    plan: str
    path: str
    ask: str
    verb: str
    about: dict[str, Json]
    person: str
    role: str
    entity: str
    signed_in: str
    amr: NotRequired[list[str]]
    issued_at: str
    expires_at: str
    nonce: str
    reason_ref: str


class FactStatement(TypedDict):
    """The body of a `FACT` envelope. `source` must be one of the fact's declared sources.

    `signed_in` and `amr` are as in a `Decision`; a system's report, and a statement from before, have neither.
    """

    v: int
    region: str
    namespace: str
    incident: str
    fact: str
    value: Json
    at: str
    """When it was observed; may lie in the past, never more than a minute in the future."""
    source: str
    person: str
    role: str
    signed_in: NotRequired[str]
    amr: NotRequired[list[str]]
    issued_at: str
    nonce: str
    reason_ref: str


class Control(TypedDict):
    """The body of a `CONTROL` envelope: pause, resume or abort a run, or steer it otherwise.

    `verb` is one of `workflows.control.VERBS`; `about` holds what that verb speaks of: ids, levels and instants.
    """

    v: int
    region: str
    namespace: str
    incident: str
    verb: str
    about: NotRequired[dict[str, Json]]
    person: str
    role: str
    signed_in: NotRequired[str]
    """As in a `Decision`; left out at development sign-in."""
    amr: NotRequired[list[str]]
    issued_at: str
    expires_at: str
    nonce: str
    reason_ref: str


class Merge(TypedDict):
    """The body of a `MERGE` envelope: a region's face says to a run that an order over the same content came in.

    `delivery` is the keyed hash of that order's runbook, source and key. `known_at` is when its sender knew of it.
    """

    v: int
    region: str
    namespace: str
    incident: str
    delivery: str
    source: str
    received_at: str
    known_at: str
    issued_at: str
    nonce: str


class Receipt(TypedDict):
    """What the sender of an accepted statement gets back. `state` says what it led to so far."""

    accepted: bool
    digest: str
    """Digest of the accepted envelope; the ledger entry carries the same."""
    state: Literal["complete", "waiting", "recorded"]
    waiting_for: list[str]
    """Slots still open, in words (`legal_counsel or exec_sponsor`)."""


class RefusalType:
    """`ApplicationError.type` of a refused statement."""

    LATE = "late"
    NOT_WAITING = "not_waiting"
    WRONG_ROLE = "wrong_role"
    REQUESTER = "requester"
    EXCLUDED = "excluded"
    REPEATED = "repeated"
    CHANGED = "changed"
    UNKNOWN_OPTION = "unknown_option"
    BAD_FORM = "bad_form"
    BAD_SIGNATURE = "bad_signature"
    WRONG_RUN = "wrong_run"
    PAUSED = "paused"
    CLOSED = "closed"
    UNKNOWN_FACT = "unknown_fact"
    WRONG_SOURCE = "wrong_source"
    BAD_VALUE = "bad_value"
    BUSY = "busy"
    EARLY = "early"
    CLAIMED = "claimed"
    UNTICKED = "unticked"
    REVOKED = "revoked"
    STALE = "stale"
    NOT_COMMANDER = "not_commander"
    ABSTAINED = "abstained"
    DELEGATED = "delegated"
    NO_REASON = "no_reason"
    SECURITY_KEY = "security_key"


class Rung(TypedDict):
    """One notice that an open ask will send if it is still open at `at`. A `lapse` ends the claim on a task."""

    at: str
    kind: Literal["remind", "escalate", "lapse"]
    roles: list[str]
    unclaimed: NotRequired[bool]
    """Taken only if nobody has claimed the task by then; a claim takes it off the ladder."""


class Due(TypedDict):
    """A notice that a motion has made due at `at`; the handler records it, the run sends it."""

    at: str
    kind: Literal["remind", "escalate", "question", "answer", "narrowed"]
    roles: list[str]


class Sealed(TypedDict):
    """A ledger entry about a blind ask that is held back until the ask is blind no more."""

    kind: str
    actor: str
    data: dict[str, Json]
    accepted_at: str


class Claim(TypedDict):
    """Who has taken a task. `until` is absolute; from then on the task is free again."""

    person: str
    role: str
    at: str
    until: str


class ChecklistItem(TypedDict):
    id: str
    do: str
    required: bool


class Tick(TypedDict):
    """`statement` is the digest of the signed word by which it was ticked."""

    by: str
    role: str
    at: str
    statement: str


class Narrowing(TypedDict):
    """How whoever approves an action may approve less of one of its inputs; no other change is a narrowing.

    `items` leaves items of a list out, at least one stays, in its order. `scope` takes a scope inside the one that is
    asked for: `inside` says what lies directly inside each; what it does not name cannot be narrowed.
    """

    by: Literal["items", "scope"]
    inside: NotRequired[dict[str, list[str]]]


class Narrowable(TypedDict):
    """What may be narrowed at an approval. `item` is the loop's item of which the idempotency key is made."""

    inputs: dict[str, Narrowing]
    item: Json
    whole: NotRequired[str]
    """Action digest of what was asked first, once less is asked."""


class NarrowedBy(TypedDict):
    """One narrowing; `statement` is the digest of the signed motion."""

    person: str
    role: str
    at: str
    statement: str
    reason_ref: str


class Narrowed(TypedDict):
    """That less is asked now than was asked first: of each narrowed input what it was and what is left, and by whom."""

    original: dict[str, Json]
    to: dict[str, Json]
    by: list[NarrowedBy]


class OpenAsk(TypedDict):
    """A human step that waits, as the board shows it and as it is carried over continue-as-new."""

    path: str
    step: str
    kind: Literal[
        "approval",
        "decide",
        "task",
        "handoff",
        "release",
        "failed",
        "doubt",
        "review",
        "severity",
        "dismissal",
        "outside",
    ]
    title: str
    ask: str
    """The digest to decide over."""
    options: dict[str, list[dict[str, list[str]]]]
    """Option -> all slots it needs."""
    slots: list[dict[str, list[str]]]
    exclude: list[str]
    action: str
    action_digest: str
    inputs: dict[str, Json]
    """The resolved inputs of the gated action (references and ids only)."""
    shown: list[dict[str, Json]]
    """`{label, value}` in the order written."""
    form: dict[str, Json]
    asked_at: str
    deadline_at: str | None
    """Absolute end including the ladder; a decision accepted after it is refused."""
    on_silence: str
    """In words: what happens if nobody answers."""
    answers: list[Envelope]
    accepted_at: list[str]
    round: NotRequired[int]
    ladder: NotRequired[list[Rung]]
    """Reminders and escalations in the order of their instants."""
    climbed: NotRequired[int]
    """How many rungs of the ladder have been taken; none is taken twice."""
    exposure: NotRequired[str]
    """Class of what the person who does the task will be exposed to (`schemas.plan.EXPOSURES`)."""
    claim: NotRequired[Claim]
    """Who has taken the task; absent while nobody has."""
    claim_for: NotRequired[float]
    """Seconds for which a claim holds, where the runbook says so."""
    checklist: NotRequired[list[ChecklistItem]]
    """What the task is made of; it is done only when every required item is ticked."""
    ticks: NotRequired[dict[str, Tick]]
    """Item -> who ticked it and when."""
    person: NotRequired[str]
    """Whom the task is for, while it is for nobody else; a hand-back opens it to the role."""
    returned: NotRequired[int]
    """How often the task was handed back or its claim lapsed."""
    keyed: NotRequired[list[str]]
    """The options that need a security key; absent where none does."""
    glass_from: NotRequired[str]
    """From when the option `break_glass` may be taken, if its condition holds then."""
    chosen: NotRequired[str]
    """The option that has all its seats filled; the ask takes no more answers."""
    blind: NotRequired[list[dict[str, list[str]]]]
    """The seats that must all have answered before anybody is shown what another said; absent where all is open."""
    revealed_at: NotRequired[str]
    """When a blind ask was blind no more."""
    sealed: NotRequired[list[Sealed]]
    """What was said at a blind ask and is not written out yet; never on a board."""
    answered: NotRequired[int]
    """On a board, of a blind ask: how many have answered; `answers` is empty there."""
    narrows: NotRequired[Narrowable]
    """What of the action's inputs an approver may narrow; absent where nothing."""
    narrowed: NotRequired[Narrowed]
    """What was left out since it was first asked; the ask's digest covers it."""
    acting: NotRequired[bool]
    """The call that was decided has been handed to a worker; nobody can take an answer back any more."""
    motions: NotRequired[list[Envelope]]
    """What people said at this ask other than answers, as accepted; `moved_at` says when, in the same order."""
    moved_at: NotRequired[list[str]]
    tell: NotRequired[list[Due]]
    """Notices that the run has still to send for motions."""
