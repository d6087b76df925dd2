"""Who answers for a role now. Roles are resolved when somebody asks, not when a run is started or a file is written."""

from datetime import datetime

from watchfloor.identity.people import Directory
from watchfloor.identity.reached import How, Reached
from watchfloor.identity.rota_problems import fits
from watchfloor.identity.rotas import Rotas
from watchfloor.identity.shifts import on_call_at


def reach(role: str, region: str, at: datetime, *, rotas: Rotas, people: Directory) -> Reached:
    """Resolve a role at an instant.

    Whoever is on call; everybody who holds the role where no rota covers it, or where nobody whom a rota names can be
    reached (a gap, a person who has left, one without contacts): silence would be worse than too many pages.
    """
    covering = rotas.of(role, region)
    named = {shift.person for rota in covering for shift in on_call_at(rota, at) if fits(rota, shift.person, people)}
    on_call = [one for one in people if one.id in named and one.contacts]
    if on_call:
        return _reached(role, [one.id for one in on_call], people, "on_call")
    holders = [one.id for one in people.holders(role, region)]
    how: How = "nobody" if not holders else "nobody_on_call" if covering else "no_rota"
    return _reached(role, holders, people, how)


def reach_backup(role: str, region: str, at: datetime, *, rotas: Rotas, people: Directory) -> Reached:
    """Everybody who holds a role beside whoever is on call for it; the same as `reach` where nobody else does."""
    first = reach(role, region, at, rotas=rotas, people=people)
    others = [one.id for one in people.holders(role, region) if one.id not in first.people and one.contacts]
    return _reached(role, others, people, first.how) if others else first


def _reached(role: str, ids: list[str], people: Directory, how: How) -> Reached:
    own = {id_: tuple(people.person(id_).contacts) for id_ in ids}
    destinations = tuple(dict.fromkeys(name for names in own.values() for name in names))
    return Reached(role, tuple(ids), destinations, how, own)
