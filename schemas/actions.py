"""Actions: the abstract contract of an effect, the call that carries it out, the receipt it gives.

Contracts live in the registry (`activities.registry`); the compiler gets them as a mapping and never imports the
implementation. Each action is one Temporal activity of the same name taking one `ActionCall` and giving one
`ActionReceipt`.
"""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from schemas.decision import Envelope, Narrowing
from schemas.json_value import Json
from schemas.ledger import Entry

Effect = Literal["reads", "restricts", "destroys", "discloses", "reveals"]
Tier = Literal["0", "1", "2", "3", "L"]
Idempotency = Literal["header", "body", "lookup", "none"]

OUTPUT_LIMIT = 16 * 1024
"""Bytes of JSON an action may return; anything larger goes to the evidence store and comes back as a reference."""


class FieldSpec(TypedDict):
    """Type of one input or output of an action, in the vocabulary of `schemas.plan.TypeSpec`."""

    type: str
    of: NotRequired[str]
    optional: NotRequired[bool]
    enum: NotRequired[list[str]]
    pattern: NotRequired[str]
    """What a text must match as a whole; one written in a runbook is held against it."""
    data_class: NotRequired[str]
    doc: NotRequired[str]
    names: NotRequired[Literal["role", "destination"]]
    """What a text is the name of: one written in a runbook must be a role that exists, and no address."""
    narrows: NotRequired[Narrowing]
    """Of an input: an approver may approve less of it."""
    sample: NotRequired[Json]
    """What an output is in a scenario that says nothing else; without it: true, zero, the empty list, the run's now."""


class ActionContract(TypedDict):
    """What an author and the compiler may rely on."""

    name: str
    doc: str
    effect: Effect
    irreversible: bool
    tier: Tier
    inputs: dict[str, FieldSpec]
    outputs: dict[str, FieldSpec]
    undo: str | None
    """The action that reverses this one, or null."""
    example: str
    """A step in YAML that a test compiles."""
    attempt_timeout: float
    """Seconds one attempt may take unless the step says otherwise."""
    needs_grant: NotRequired[bool]
    """True when the activity refuses to act without a valid grant, whatever the plan says about an approval."""
    signed_by: NotRequired[str]
    """A role that must be among those who approve, with at least one person more."""
    acts_on: NotRequired[Literal["evidence"]]
    """It acts on preserved copies in the region's own evidence store: it is bound to no system, and what it destroys
    needs no copy before it but a ruling."""


class Grant(TypedDict):
    """The decisions that let a gated action go ahead. Verified again by the activity of the effect.

    `asked` is everything the deciders' signatures bind but the place (`watchfloor.signing.ask_digest`), so that seats,
    exclusions, deadline and the action's digest are what they saw and nobody's later claim. `covers` are the digests of
    the calls that the ask stood for: one at an approval, one per custodian at the release of a hold.
    """

    asked: dict[str, Json]
    option: str
    covers: list[str]
    requester: str
    decisions: list[Envelope]
    accepted_at: list[str]
    """When the run accepted each decision, in the order of `decisions`."""
    delegations: NotRequired[list[Envelope]]
    """By which of the seats were given to those who decided on somebody's behalf."""
    delegated_at: NotRequired[list[str]]
    """When the run accepted each delegation, in the order of `delegations`."""


class ActionCall(TypedDict):
    """The one argument of every action activity.

    `key` is the idempotency key: a hash of region, incident, plan digest, block path with iterations, item and
    inputs (`watchfloor.signing.effect_key`); the same on every retry, after reset and after continue-as-new.
    `entries` are ledger entries of the workflow that ride along and are appended before the action acts.
    `resolution` is set when a person has said what became of a doubtful effect.
    """

    v: int
    action: str
    region: str
    incident: str
    plan: str
    step: str
    """Step id as the author wrote it."""
    path: str
    """Full runtime path with iterations."""
    key: str
    inputs: dict[str, Json]
    effect: Effect
    tier: str
    gated: bool
    """True when the plan put an approval before this step: without a valid grant the activity refuses."""
    grant: Grant | None
    entries: list[Entry]
    severity: str
    resolution: NotRequired[Literal["happened", "resend"] | None]
    recused: NotRequired[list[str]]
    """People who stand aside from the run: no grant in which one of them stands lets anything go ahead."""


class ActionReceipt(TypedDict):
    """The result of every action activity; fixed in size but for `outputs`, which is capped at `OUTPUT_LIMIT`."""

    outputs: dict[str, Json]
    key: str
    resolved: Literal["called", "recorded", "looked_up", "confirmed"]
    """How the effect came to be known: called now, already in the ledger, found by look-up, said by a person."""
    done_at: str
    told: NotRequired[list[str]]
    """Of the action `page`: the people whom a channel really told. Absent where the ledger gave the receipt."""


class ErrorType:
    """`ApplicationError.type` of what an action may raise. Nothing hangs on a message's text."""

    OUTCOME_UNKNOWN = "outcome_unknown"
    """The request may have taken effect; it can neither be deduplicated nor looked up. Never retried blindly."""
    REFUSED = "refused"
    """The target understood and said no, or a guard here did. Not retried."""
    UNAVAILABLE = "unavailable"
    """The target did not answer or asked to come later; retried."""
    BAD_INPUT = "bad_input"
    NO_GRANT = "no_grant"
    """The grant is missing, does not verify or does not cover these inputs. Not retried."""
    NOT_BOUND = "not_bound"
    """No binding is configured for this action in this region. Not retried."""
    KILLED = "switched_off"
    """The binding's kill switch or volume cap stopped the call. Not retried."""
    TOO_LARGE = "too_large"
    LEDGER = "ledger_unavailable"
    """The ledger could not take the announcement, so nothing was sent. Retried."""
