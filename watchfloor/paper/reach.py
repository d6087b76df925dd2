"""Who is reached how, as it stands on paper: from the directory, the rotas and the edge contact list. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from watchfloor.identity.contact_list import AuthorityCard, ContactList
from watchfloor.identity.people import Directory
from watchfloor.identity.reaching import reach
from watchfloor.identity.roles import ROLES
from watchfloor.identity.rotas import Rotas

LIAISON = "le_liaison"
"""The role that speaks with authorities: a runbook that needs it gets the cards."""


@dataclass(frozen=True, slots=True)
class Reach:
    """One role: who is on call when this is printed, who else holds it, how they are reached by hand."""

    role: str
    duty: str
    on_call: tuple[str, ...]
    others: tuple[str, ...]
    ways: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reached:
    """All that is printed about people. `checked` is empty where there is no edge contact list."""

    roles: tuple[Reach, ...]
    others: tuple[str, ...]
    authorities: tuple[AuthorityCard, ...]
    checked: str


def list_reach(
    roles: Sequence[str],
    region: str,
    at: datetime,
    *,
    people: Directory,
    rotas: Rotas,
    known: ContactList | None,
) -> Reached:
    """Contacts of a runbook's roles in a region, as they are at an instant."""
    listed = known.contacts if known is not None else ()
    named: set[str] = set()
    found = []
    for role in roles:
        # a desk of another region is reached there
        there = [region, *(place for place in people.regions() if place != region)]
        place = next((one for one in there if people.holders(role, one)), region)
        told = reach(role, place, at, rotas=rotas, people=people)
        holders = [one.id for one in people.holders(role, place)]
        on_call = told.people if told.how == "on_call" else ()
        wanted = {role, *holders}
        named |= wanted
        ways = tuple(
            f"{'' if one.whom == role else f'{one.whom}: '}{one.how}{f' ({one.note})' if one.note else ''}"
            for one in listed
            if one.whom in wanted
        )
        others = tuple(one for one in holders if one not in on_call)
        found.append(Reach(role, ROLES.get(role, ""), on_call, others, ways))
    rest = tuple(
        f"{one.whom}: {one.how}{f' ({one.note})' if one.note else ''}"
        for one in listed
        if one.whom not in named and one.whom not in ROLES and people.find(one.whom) is None
    )
    cards = known.authorities if known is not None and LIAISON in roles else ()
    return Reached(tuple(found), rest, cards, known.checked_on.isoformat() if known is not None else "")
