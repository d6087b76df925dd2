"""How each person stands in an ask by what was said there: who abstained, who gave a seat to whom. Pure.

Everything is read from the ask's own motions, so that a board, a grant and a carried state never disagree.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from schemas.json_value import Json
from watchfloor.signing.statements import envelope_digest

ABSTAIN = "abstain"
WITHDRAW = "withdraw"
DELEGATE = "delegate"
QUESTION = "question"
ANSWER = "answer"
NARROW = "narrow"

DENY = "deny"
BREAK_GLASS = "break_glass"
"""The option by which one named person acts while approvers are silent and life is at risk."""
GATED = frozenset({"approval", "release"})
"""Kinds of ask that let an effect go ahead: who asked for it has no say there."""
CHANGES_OF_MIND = 3
"""How often one person may take an answer to one ask back; after that somebody else must decide."""

SlotSpec = Mapping[str, Sequence[str]]


def is_blind(ask: Mapping[str, Any]) -> bool:
    """Whether nobody may be shown now what others said at this ask."""
    return "blind" in ask and "revealed_at" not in ask


def bodies(ask: Mapping[str, Any], verb: str) -> Iterator[dict[str, Json]]:
    """The bodies of one kind of motion at an ask, in the order in which they were accepted."""
    for envelope in ask.get("motions", ()):
        if envelope["body"]["verb"] == verb:
            yield envelope["body"]


def find_abstained(ask: Mapping[str, Any]) -> list[str]:
    """Who has said that they will not decide."""
    return [str(body["person"]) for body in bodies(ask, ABSTAIN)]


def find_delegations(ask: Mapping[str, Any]) -> dict[str, dict[str, Json]]:
    """Who gave their seat away, and the body of the delegation; one that was taken back is none."""
    given: dict[str, dict[str, Json]] = {}
    for envelope in ask.get("motions", ()):
        body = envelope["body"]
        if body["verb"] == DELEGATE:
            given[str(body["person"])] = body
        elif body["verb"] == WITHDRAW:
            given.pop(str(body["person"]), None)
    return given


def find_delegate(delegation: Mapping[str, Any]) -> str:
    """To whom a seat was given."""
    return str(delegation["about"]["to"])


def find_delegators(ask: Mapping[str, Any], person: str) -> dict[str, str]:
    """Who gave this person a seat -> the role in which they fill it."""
    given = find_delegations(ask)
    return {giver: str(body["role"]) for giver, body in given.items() if find_delegate(body) == person}


def take_orphans(ask: Mapping[str, Any]) -> list[Any]:
    """Take out the answers on behalf of somebody whose delegation does not stand any more; gives their envelopes."""
    orphans = [
        one
        for one in ask["answers"]
        if "on_behalf_of" in one["body"]
        and one["body"]["on_behalf_of"] not in find_delegators(ask, str(one["body"]["person"]))
    ]
    kept = [(one, at) for one, at in zip(ask["answers"], ask["accepted_at"], strict=True) if one not in orphans]
    ask["answers"][:], ask["accepted_at"][:] = [one for one, _ in kept], [at for _, at in kept]
    return orphans


def find_questions(ask: Mapping[str, Any]) -> dict[str, list[dict[str, Json]]]:
    """Digest of each question's statement -> the question and the answers it got, as bodies in their order."""
    found: dict[str, list[dict[str, Json]]] = {}
    for envelope in ask.get("motions", ()):
        body = envelope["body"]
        if body["verb"] == QUESTION:
            found[envelope_digest(envelope)] = [body]
        elif body["verb"] == ANSWER and str(body["about"]["question"]) in found:
            # its question may be gone: what a revoked key signed is taken out
            found[str(body["about"]["question"])].append(body)
    return found


def count_withdrawn(ask: Mapping[str, Any], person: str) -> int:
    """How often a person took back what they had said."""
    return sum(body["person"] == person for body in bodies(ask, WITHDRAW))


def find_answer(ask: Mapping[str, Any], person: str) -> dict[str, Json] | None:
    """The body of a person's answer that counts now."""
    return next((one["body"] for one in ask["answers"] if one["body"]["person"] == person), None)


def has_seat(ask: Mapping[str, Any], role: str) -> bool:
    """Whether a role may fill any seat of any option."""
    return any(role in slot["any_of"] for seats in ask["options"].values() for slot in seats)


def match_seats(slots: Sequence[SlotSpec], people: Mapping[str, Collection[str]]) -> dict[int, str]:
    """Seat people so that as many slots as possible are filled, each person in one (maximum matching).

    Args:
        people: person -> roles in which they may sit; earlier ones are seated first.

    Returns:
        Index of a slot -> who sits there.
    """
    filled: dict[int, str] = {}

    def seat(person: str, tried: set[int]) -> bool:
        for index, slot in enumerate(slots):
            if index in tried or not any(role in slot["any_of"] for role in people[person]):
                continue
            tried.add(index)
            if index not in filled or seat(filled[index], tried):
                filled[index] = person
                return True
        return False

    for person in people:
        seat(person, set())
    return filled


def can_be_decided(ask: Mapping[str, Any], holders: Mapping[str, Collection[str]], requester: str) -> bool:
    """Whether some option other than a no can still get its seats filled by those who were asked.

    Args:
        holders: everybody who was asked -> the roles they hold.
        requester: who asked for the thing; has no say at a gate.
    """
    given = find_delegations(ask)
    out = {*find_abstained(ask), *given, *ask["exclude"], *(one["body"]["person"] for one in ask["answers"])}
    if ask["kind"] in GATED and requester:
        out.add(requester)
    blind = is_blind(ask)
    # of a blind ask it must not show in what follows which way anybody went
    for option, slots in {"": ask["blind"]}.items() if blind else ask["options"].items():
        if option in {DENY, BREAK_GLASS}:
            continue
        people: dict[str, Collection[str]] = {
            str(one["body"]["person"]): [str(one["body"]["role"])]
            for one in ask["answers"]
            if blind or one["body"]["option"] == option
        }
        able: dict[str, list[str]] = {person: list(holders[person]) for person in sorted(holders)}
        for body in given.values():
            able.setdefault(find_delegate(body), []).append(str(body["role"]))
        for person, roles in able.items():
            if person not in out:
                people[person] = [role for role in roles if role not in ask["exclude"]]
        if len(match_seats(slots, people)) == len(slots):
            return True
    return False
