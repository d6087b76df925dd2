"""The five-step order by which conflicts between claims on one copy are decided (ADR 0016).

1. A lawful request to destroy child sexual abuse material: that copy goes, its hash and a receipt stay.
2. Statutory floors keep exactly what they name; an order to hand over keeps it until it is answered.
3. Litigation holds; an image of abuse only with counsel's signature for it.
4. A data subject's erasure: everything outside 1 to 3.
5. Our own periods, minimisation, legal maxima.

What lies between two steps is decided for keeping: a doubtful claim destroys nothing and lets nothing below it destroy.
The order in which claims are given never matters.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal, TypeAlias

from watchfloor.retention.claims import STEPS, Claim, Copy, Standing, instants, stand
from watchfloor.retention.sentences import answer_person, explain, say_awaited
from watchfloor.retention.territory import find_restored

Action: TypeAlias = Literal["destroy", "keep", "erase_outside", "restore", "erase", "wait"]
"""
destroy        now, this copy; hash and receipt stay
keep           nothing may be destroyed
erase_outside  this copy is kept; everything else that the erasure names goes
restore        show it again where its withdrawal has no force any more; the copy is kept
erase          this copy goes
wait           nothing is destroyed until people have said something, or until the next change
"""

Claimed: TypeAlias = tuple[Claim, Standing]


@dataclass(frozen=True, slots=True)
class Change:
    """What will be decided differently by time alone."""

    at: datetime
    action: Action


@dataclass(frozen=True, slots=True)
class Ruling:
    """What may or must happen with one copy at an instant, and why.

    `step` is the step that decided, 0 when no claim did. `reasoning` are numbered sentences. `tell` is what the person
    who asked for erasure may be told; empty when nobody asked. `awaits` is what people still have to say.
    """

    action: Action
    step: int
    decided_by: tuple[str, ...]
    at: datetime
    next: Change | None
    reasoning: tuple[str, ...]
    tell: str = ""
    awaits: tuple[str, ...] = ()
    restore_in: tuple[str, ...] = ()

    @property
    def destroys(self) -> bool:
        """Whether this copy goes."""
        return self.action in {"destroy", "erase"}


@dataclass(frozen=True, slots=True)
class _Weighed:
    action: Action
    step: int
    by: tuple[str, ...]
    restore_in: tuple[str, ...]


def decide(copy: Copy, claims: Iterable[Claim], now: datetime) -> Ruling:
    """Decide about one copy.

    Args:
        claims: all claims known, in any order; those that do not name the copy are explained and have no force.
        now: aware UTC.
    """
    ordered = sorted(claims, key=_rank)
    standing = [(claim, stand(claim, copy, now)) for claim in ordered]
    weighed = _weigh(copy, standing)
    change = _find_change(copy, ordered, now, weighed)
    awaits = tuple(say_awaited(claim, found) for claim, found in standing if found.force == "doubtful")
    reasoning = explain(
        copy,
        standing,
        now,
        action=weighed.action,
        step=weighed.step,
        by=weighed.by,
        restore_in=weighed.restore_in,
        change=(change.at, change.action) if change else None,
    )
    return Ruling(
        action=weighed.action,
        step=weighed.step,
        decided_by=weighed.by,
        at=now,
        next=change,
        reasoning=reasoning,
        tell=answer_person(standing, weighed.action, weighed.by),
        awaits=awaits,
        restore_in=weighed.restore_in,
    )


def _rank(claim: Claim) -> tuple[int, str, str]:
    """The step, then the id; of two claims of one id by all that they say, sets in a fixed order."""
    values = (getattr(claim, field.name) for field in fields(claim))
    said = [sorted(value) if isinstance(value, frozenset) else str(value) for value in values]
    return STEPS.get(claim.kind, 6), claim.id, str(said)


def _weigh(copy: Copy, standing: Sequence[Claimed]) -> _Weighed:
    def having(force: str, *kinds: str) -> tuple[str, ...]:
        return tuple(claim.id for claim, found in standing if found.force == force and claim.kind in kinds)

    destroying = having("binds", "destruction")
    if destroying:
        return _Weighed("destroy", 1, destroying, ())
    erasing, expiring = having("binds", "erasure"), having("binds", "ttl")
    restored = () if copy.csam or erasing else find_restored(standing)
    annulled = having("void", "withdrawal") if restored else ()
    for step, kind in ((2, "floor"), (3, "litigation")):
        keeping = having("binds", kind)
        if keeping and erasing:
            return _Weighed("erase_outside", step, keeping, ())
        if keeping and restored:
            return _Weighed("restore", step, (*keeping, *annulled), restored)
        if keeping:
            return _Weighed("keep", step, keeping, ())
    doubtful = tuple(claim.id for claim, found in standing if _is_doubtful(claim, found))
    if restored:
        return _Weighed("restore", 0, annulled, restored)
    if doubtful and (erasing or expiring):
        litigated = all(claim.kind == "litigation" for claim, found in standing if _is_doubtful(claim, found))
        return _Weighed("wait", 3 if litigated else 2, doubtful, ())
    if erasing:
        return _Weighed("erase", 4, erasing, ())
    if expiring:
        return _Weighed("erase", 5, expiring, ())
    return _Weighed("keep", 0, (), ())


def _is_doubtful(claim: Claim, found: Standing) -> bool:
    """Whether it might keep the copy; a doubtful request to destroy stops nothing."""
    return found.force == "doubtful" and claim.kind in {"floor", "production", "litigation"}


def _find_change(copy: Copy, claims: Sequence[Claim], now: datetime, current: _Weighed) -> Change | None:
    """The first instant at which time alone changes what is decided, or who decides it."""
    for at in sorted({at for claim in claims for at in instants(claim) if at > now}):
        then = _weigh(copy, [(claim, stand(claim, copy, at)) for claim in claims])
        if then != current:
            return Change(at, then.action)
    return None
