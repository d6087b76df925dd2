"""Who may see a delivery, and who may have it driven once more or give it up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

from schemas.json_value import Json
from schemas.ledger import EntryKind
from watchfloor.authorisation import Authority, Question, Resource, Verdict
from watchfloor.client.errors import EngineUnavailable, NotFound, Refused
from watchfloor.client.face import ReasonStore
from watchfloor.client.noting import note_deed
from watchfloor.client.statements import DEV, SignIn
from watchfloor.identity.people import Person
from watchfloor.intake.deliveries import Deliveries, DeliveriesUnavailable
from watchfloor.intake.delivery import Delivery, Mark, Refusals

Act = Literal["redrive", "discard"]
_KINDS = {"redrive": EntryKind.REDRIVEN, "discard": EntryKind.DISCARDED}
AGAIN = timedelta(minutes=15)
"""For how long a delivery that is driven once more is tried again."""
NOT_DRIVABLE = "not_drivable"
_LONGEST_REASON = 4000
_AT_ONCE = 200
MOST_LOOKED_AT = 5000
"""Deliveries that one list goes through: who may see few of very many is shown the latest of them."""


@dataclass(frozen=True, slots=True)
class Onlooker:
    """A person who looks at a region's deliveries, and the policies that say which."""

    person: Person
    authority: Authority
    region: str
    signed_in: SignIn = DEV
    on_this_machine: bool = False

    def sees(self, one: Delivery) -> bool:
        """Whether a delivery is there for this person: everybody of the region, but behind each of its walls only who
        is cleared for it."""
        return all(self._judge("view", of, "", "").allowed for of in about_delivery(one, self.region))

    def passes(self, walls: Sequence[str]) -> bool:
        """Whether this person may know of something that concerns these compartments."""
        here = [
            Resource(id="deliveries", kind="delivery", runbook="", region=self.region, compartment=wall)
            for wall in walls or ("",)
        ]
        return all(self._judge("view", of, "", "").allowed for of in here)

    def trim(self, one: Delivery) -> Delivery:
        """The delivery as this person may see it: what a runbook made of it is told to who is cleared for that
        runbook; that others listen to the sender too is told to nobody else."""
        return replace(one, outcomes=tuple(each for each in one.outcomes if self.passes([each.compartment])))

    def may(self, act: Act, one: Delivery) -> bool:
        return self.find_role(act, about_delivery(one, self.region)) is not None

    def require(self, act: Act, one: Delivery, role: str | None = None) -> str:
        """The role in which this person may do it.

        Raises:
            Refused: with the policy, what it wants, what was found and what to do.
        """
        return self.require_role(act, about_delivery(one, self.region), role)

    def require_role(self, option: str, about: Sequence[Resource], role: str | None = None) -> str:
        """The role in which this person may do something about all of these.

        Raises:
            Refused: with the policy, what it wants, what was found and what to do.
        """
        found = self.find_role(option, about, role)
        if found is not None:
            return found
        given = role or next(iter(self.person.roles), "")
        refusals = (self._judge("control", of, given, option) for of in about)
        verdict = next(refusal for refusal in refusals if not refusal.allowed)
        raise Refused(verdict.refusal, verdict.reason)

    def find_role(self, option: str, about: Sequence[Resource], role: str | None = None) -> str | None:
        """The role in which this person may do something about all of these; None when there is none."""
        for each in (role,) if role else self.person.roles:
            if all(self._judge("control", of, each, option).allowed for of in about):
                return each
        return None

    def _judge(self, verb: Literal["view", "control"], of: Resource, role: str, option: str) -> Verdict:
        question = Question(
            self.person, verb, of, role, option, self.signed_in.way, self.on_this_machine, self.signed_in.methods
        )
        return self.authority.judge(question)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deliveries a list is about, and where it goes on."""

    states: tuple[str, ...] = ()
    sender: str = ""
    after: Mark | None = None


def about_delivery(one: Delivery, region: str) -> list[Resource]:
    """A delivery as policies see it: once for each compartment that it concerns, else once."""
    return [
        Resource(id=one.id, kind="delivery", runbook=one.target, region=region, compartment=wall)
        for wall in one.compartments or ("",)
    ]


class Looks(Protocol):
    """Whoever looks at deliveries: a person, or another system by its key."""

    def sees(self, one: Delivery) -> bool: ...

    def trim(self, one: Delivery) -> Delivery: ...


@dataclass(frozen=True, slots=True)
class Cleared:
    """Another system that looks, by the compartments that its key is cleared for."""

    clearances: frozenset[str]

    def sees(self, one: Delivery) -> bool:
        return self.clearances.issuperset(one.compartments)

    def trim(self, one: Delivery) -> Delivery:
        """What a runbook that the key is not cleared for made of it is left out."""
        open_to = {"", *self.clearances}
        return replace(one, outcomes=tuple(each for each in one.outcomes if each.compartment in open_to))


def list_deliveries(store: Deliveries, onlooker: Looks | None, wanted: Wanted, *, most: int) -> list[Delivery]:
    """The deliveries that somebody may see, the last received first; all of them where nobody in particular looks.

    Raises:
        EngineUnavailable: the store cannot be read.
    """
    found: list[Delivery] = []
    after, looked_at = wanted.after, 0
    try:
        while len(found) < most and looked_at < MOST_LOOKED_AT:
            page = store.page(states=wanted.states, sender=wanted.sender, after=after, limit=_AT_ONCE)
            found += page if onlooker is None else [onlooker.trim(one) for one in page if onlooker.sees(one)]
            looked_at += len(page)
            if len(page) < _AT_ONCE:
                break
            after = Mark(page[-1].received_at, page[-1].id)
    except DeliveriesUnavailable as error:
        raise EngineUnavailable(str(error)) from error
    return found[:most]


def list_refusals(store: Deliveries, onlooker: Onlooker | None, sender: str = "") -> list[Refusals]:
    """How often something was refused, the latest day first; of a sender whose deliveries are walled off from this
    person nothing is said.

    Raises:
        EngineUnavailable: the store cannot be read.
    """
    try:
        found = [one for one in store.refusals() if sender in {"", one.sender}]
        walls = {name: store.walls_of(name) for name in {one.sender for one in found}}
    except DeliveriesUnavailable as error:
        raise EngineUnavailable(str(error)) from error
    if onlooker is None:
        return found
    return [one for one in found if onlooker.passes(walls[one.sender])]


def find_delivery(store: Deliveries, onlooker: Looks | None, given: str) -> Delivery:
    """A delivery by its id.

    Raises:
        NotFound: there is none, or not for this person: the same words.
        EngineUnavailable: the store cannot be read.
    """
    try:
        one = store.get(given[:80])
    except DeliveriesUnavailable as error:
        raise EngineUnavailable(str(error)) from error
    if one is None or (onlooker is not None and not onlooker.sees(one)):
        raise NotFound(f"no delivery `{given[:40]}`; `watchfloor deliveries list` shows them")
    return one if onlooker is None else onlooker.trim(one)


def act_on(
    store: Deliveries,
    onlooker: Onlooker,
    given: str,
    act: Act,
    *,
    role: str | None,
    reason: str,
    reasons: ReasonStore,
    ledger_path: Path | None,
    now: datetime,
) -> Delivery:
    """Have a delivery driven once more by the region's gateway, or give it up. It is in the ledger before it is done.

    Args:
        reason: why; kept in the region's evidence store. Giving up needs one.
        ledger_path: the region's ledger; the delivery has a chain of its own there.

    Raises:
        NotFound: as `find_delivery`.
        Refused: not permitted, no reason, or it can be neither driven nor given up.
        EngineUnavailable: nothing was done.
    """
    one = find_delivery(store, onlooker, given)
    speaking_as = onlooker.require(act, one, role)
    said = reason.strip()
    if act == "discard" and not said:
        raise Refused(Refused.NO_REASON, "nothing was given up: say why, for what it said is destroyed")
    if len(said) > _LONGEST_REASON:
        raise Refused(Refused.NO_REASON, f"the reason has more than {_LONGEST_REASON} characters")
    if not _is_open_to(one, act):
        raise Refused(NOT_DRIVABLE, _say_why_not(one, act))
    try:
        ref = reasons.put(said.encode()) if said else ""
        data: dict[str, Json] = {
            "sender": one.sender,
            "compartments": list(one.compartments),
            "role": speaking_as,
            "signed_in": onlooker.signed_in.way,
            **({"reason_ref": ref} if ref else {}),
        }
        note_deed(ledger_path, one.id, _KINDS[act], onlooker.person.id, data, now=now)
        if act == "redrive":
            done = store.redrive(one.id, onlooker.person.id, ref, AGAIN, now=now)
        else:
            done = store.discard(one.id, onlooker.person.id, ref, now=now)
    except DeliveriesUnavailable as error:
        raise EngineUnavailable(str(error)) from error
    if done is None:
        raise Refused(NOT_DRIVABLE, _say_why_not(one, act))
    return done


def _is_open_to(one: Delivery, act: Act) -> bool:
    return one.state == "dead" if act == "discard" else one.readable and one.state in {"dead", "ignored"}


def _say_why_not(one: Delivery, act: Act) -> str:
    if act == "discard":
        return f"`{one.id}` is {one.state}; only a dead letter is given up"
    if one.state not in {"dead", "ignored"}:
        return f"`{one.id}` is {one.state}; only a dead letter or one that matched nothing is driven once more"
    return f"what `{one.id}` said is no longer kept; have its sender deliver it again"
