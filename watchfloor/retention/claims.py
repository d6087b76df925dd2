"""Claims on a copy, and how each of them stands at an instant.

A claim binds only the copies that it names exactly: a letter about an account binds what is known under that account's
reference, a request to destroy binds the very copy it names and no other. A claim about which people still have to say
something is doubtful: it never destroys, and nothing of lower rank destroys while it is doubtful.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["destruction", "floor", "litigation", "production", "erasure", "ttl", "withdrawal"]
"""
destruction  a request to destroy a copy of child sexual abuse material (18 USC 2258B(c)); needs counsel's signature
floor        a statutory minimum of retention, or an order to preserve
litigation   a hold for a court case; on an image of abuse only with counsel's signature for that image
production   an order to hand data over: it orders no retention, but nothing is destroyed before it is answered
erasure      a data subject's request
ttl          our own period, minimisation, or a legal maximum; due at `until`
withdrawal   taken out of distribution, on an order or a policy; removal is not deletion
"""

STEPS: dict[str, int] = {"destruction": 1, "floor": 2, "production": 2, "litigation": 3, "erasure": 4, "ttl": 5}
"""The rank of each kind. A withdrawal has none: it says where something is shown, not whether it is kept."""

Force: TypeAlias = Literal["binds", "doubtful", "not_yet", "ended", "outside", "void"]


@dataclass(frozen=True, slots=True)
class Copy:
    """One preserved copy. `names` are the other names by which it is known exactly: its address, its account."""

    id: str
    names: frozenset[str] = frozenset()
    kept_by: str = ""
    """The company that has it; empty where only one is concerned."""
    csam: bool = False
    """Apparent child sexual abuse material."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """A request to extend a period. `until` is where it leads once granted."""

    received_at: datetime
    state: Literal["in_mailbox", "granted", "refused"]
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody wants with copies. Instants are aware UTC; a claim holds from `since` until just before `until`.

    `signed` and `declined` are the copies that counsel has signed for and against, each by its own id. `held` says that
    a hold of ours rests on the claim and nobody has released it. `secret` forbids to tell the person concerned.
    """

    id: str
    kind: Kind
    scope: frozenset[str]
    since: datetime
    until: datetime | None = None
    title: str = ""
    law: str = ""
    row: str = ""
    """Row of the clock register."""
    authority: str = ""
    """The reference of the letter, order or request."""
    renewal: Renewal | None = None
    signed: frozenset[str] = frozenset()
    declined: frozenset[str] = frozenset()
    served_on: str = ""
    """The company that it was served on; empty where only one is concerned."""
    secret: bool = False
    held: bool = False
    territory: str = ""
    """Of a withdrawal: `global`, `eu`, or a country's code in capitals."""
    annulled_at: datetime | None = None
    """Of a withdrawal: since when its order has no force."""
    meets: tuple[str, ...] = field(default=())
    """Rows and kinds that the register says it comes into conflict with."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a claim stands. `why` is a code for the words; `until` the end that counts now, renewals included."""

    force: Force
    why: str = ""
    until: datetime | None = None


def stand(claim: Claim, copy: Copy, now: datetime) -> Standing:
    """How a claim stands towards one copy at an instant."""
    if not _names(claim, copy):
        return Standing("outside")
    if now < claim.since and claim.kind != "ttl":
        return Standing("not_yet", "begins", claim.since)
    match claim.kind:
        case "destruction":
            return _destruction(claim, copy, now)
        case "production":
            answered = _word(claim, copy)
            return Standing("doubtful", "unanswered", claim.until) if answered is None else Standing("void", "answered")
        case "floor" | "litigation":
            return _keeping(claim, copy, now)
        case "ttl":
            due = claim.until or claim.since
            return Standing("not_yet", "due", due) if now < due else Standing("binds", "", due)
        case "erasure":
            return Standing("binds", "", claim.until)
        case "withdrawal":
            if claim.annulled_at is not None and claim.annulled_at <= now:
                return Standing("void", "annulled", claim.annulled_at)
            over = claim.until is not None and now >= claim.until
            return Standing("ended", "", claim.until) if over else Standing("binds", "", claim.until)


def instants(claim: Claim) -> list[datetime]:
    """Every instant at which the claim's standing can change by time alone."""
    renewal = claim.renewal
    found = [claim.since, claim.until, claim.annulled_at]
    if renewal is not None:
        found += [renewal.received_at, renewal.until]
    return [at for at in found if at is not None]


def _names(claim: Claim, copy: Copy) -> bool:
    # a request to destroy names the copy itself: an account's name would reach copies that nobody has looked at
    known = {copy.id} if claim.kind == "destruction" else {copy.id, *copy.names}
    return not known.isdisjoint(claim.scope)


def _word(claim: Claim, copy: Copy) -> bool | None:
    """What counsel has signed for this copy; None when nothing, or both at once."""
    yes, no = copy.id in claim.signed, copy.id in claim.declined
    return None if yes == no else yes


def _destruction(claim: Claim, copy: Copy, now: datetime) -> Standing:
    if claim.until is not None and now >= claim.until:
        return Standing("ended", "", claim.until)
    if not copy.csam:
        return Standing("void", "not_csam")
    word = _word(claim, copy)
    if word is False:
        return Standing("void", "declined")
    if word is None or not claim.authority:
        return Standing("doubtful", "unverified", claim.until)
    return Standing("binds", "", claim.until)


def _keeping(claim: Claim, copy: Copy, now: datetime) -> Standing:
    """A floor or a litigation hold: first whether it is in force at all, then whether it reaches this copy."""
    lasting = _lasting(claim, now)
    if lasting.force == "ended":
        return lasting
    elsewhere = bool(claim.served_on and copy.kept_by and claim.served_on != copy.kept_by)
    if elsewhere or (claim.kind == "litigation" and copy.csam):
        word = _word(claim, copy)
        why = "entity" if elsewhere else "image"
        if word is False:
            return Standing("void", f"{why}_declined")
        if word is None:
            return Standing("doubtful", why, lasting.until)
    return lasting


def _lasting(claim: Claim, now: datetime) -> Standing:
    renewal = claim.renewal if claim.renewal is not None and claim.renewal.received_at <= now else None
    until = claim.until
    if until is None or now < until:
        if until is not None and renewal is not None and renewal.state == "granted" and renewal.until is not None:
            until = max(until, renewal.until)
        return Standing("binds", "", until)
    if renewal is not None and renewal.state == "granted" and (renewal.until is None or now < renewal.until):
        return Standing("binds", "renewed", renewal.until)
    if renewal is not None and renewal.state == "in_mailbox":
        return Standing("doubtful", "mailbox" if renewal.received_at < until else "late_mailbox", until)
    if claim.held:
        return Standing("doubtful", "unreleased", until)
    return Standing("ended", "", until)
