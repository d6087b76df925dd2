"""What a gate must have before its action acts, written from the rules and not from the code.

It knows what every person really said, when it was acknowledged to them, and what they had before them; it never looks
at what the engine recorded. Seats are filled by trying every order of people, not by a matching.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

ROLES: dict[str, tuple[str, ...]] = {
    "lena": ("legal_counsel",),
    "louis": ("legal_counsel",),
    "carl": ("incident_commander",),
    "cora": ("incident_commander", "legal_counsel"),
    "egon": ("exec_sponsor",),
    "olga": ("ops_lead",),
    "rita": ("legal_counsel", "incident_commander"),
    "mallory": ("legal_counsel", "exec_sponsor"),
}
"""Who holds what. Rita asked for the thing; Mallory is excluded by the runbook."""
REQUESTER, EXCLUDED = "rita", "mallory"
GLASS = "ops_lead"


@dataclass(frozen=True, slots=True)
class Asked:
    """One ask as it was really put."""

    inputs: Mapping[str, Any]
    slots: Sequence[frozenset[str]]
    deadline: datetime
    glass_from: datetime | None


@dataclass(frozen=True, slots=True)
class Said:
    """One acknowledged statement. `what` is an option or a verb; `to` whom a seat was given; `key` who signed."""

    at: datetime
    what: str
    person: str
    role: str
    ask: str
    key: str
    expires: datetime
    behalf: str = ""
    to: str = ""


def may_act(inputs: Mapping[str, Any], asks: Mapping[str, Asked], said: Sequence[Said], revoked: set[str]) -> bool:
    """Whether a valid, unexpired grant over these inputs by enough different eligible people is there."""
    return any(
        _grants(asked, [one for one in said if one.ask == digest], revoked)
        for digest, asked in asks.items()
        if asked.inputs == inputs
    )


def _grants(asked: Asked, said: Sequence[Said], revoked: set[str]) -> bool:
    stands: dict[str, Said] = {}
    given: dict[str, Said] = {}
    gone: set[str] = set()
    for one in said:
        match one.what:
            case "withdraw":
                if given.pop(one.person, None) is None:
                    stands.pop(one.person, None)
            case "delegate":
                given[one.person] = one
            case "abstain":
                gone.add(one.person)
            case "question" | "answer" | "narrow":
                pass  # talk gives nobody a say, and neither does a wish for less
            case _:
                stands[one.person] = one
    if any(one.what == "deny" for one in stands.values()):
        return False

    def counts(one: Said) -> bool:
        holder = one.behalf or one.person
        if one.behalf:
            seat = given.get(one.behalf)
            if seat is None or (seat.to, seat.role) != (one.person, one.role) or one.behalf in stands:
                return False
            if seat.key in revoked or seat.at > seat.expires:
                return False
        return (
            one.key not in {*revoked, "stranger"}
            and one.at < asked.deadline
            and one.at <= one.expires
            and one.role in ROLES[holder]
            and not {one.person, holder} & {REQUESTER, EXCLUDED}
            and one.person not in gone | set(given)
        )

    yes = [one for one in stands.values() if one.what == "approve" and counts(one)]
    if len(yes) >= len(asked.slots) and any(
        all(one.role in slot for one, slot in zip(order, asked.slots, strict=True))
        for order in permutations(yes, len(asked.slots))
    ):
        return True
    return asked.glass_from is not None and any(
        one.what == "break_glass"
        and counts(one)
        and one.role == GLASS
        and not one.behalf
        and one.at >= asked.glass_from
        for one in stands.values()
    )


SLOTS: list[list[frozenset[str]]] = [
    [frozenset({"legal_counsel"})],
    [frozenset({"legal_counsel"}), frozenset({"incident_commander"})],
    [frozenset({"legal_counsel", "incident_commander"}), frozenset({"legal_counsel"})],
    [frozenset({"legal_counsel", "exec_sponsor"}), frozenset({"incident_commander", "legal_counsel"})],
    [frozenset({"legal_counsel"}), frozenset({"incident_commander"}), frozenset({"exec_sponsor", "legal_counsel"})],
]
HOUR = timedelta(hours=1)
