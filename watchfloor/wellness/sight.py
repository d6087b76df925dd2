"""Who may see whose figures: a person their own, the wellness officer everybody's, others sums over five and more."""

from dataclasses import dataclass
from datetime import datetime

from watchfloor.identity.people import Directory, Person
from watchfloor.wellness.desk import Wellness

OFFICER = "wellness_officer"
LEAST = 5
"""People below which a sum would tell of one of them."""


class SightRefused(Exception):
    """Not for this person to see or to set."""


@dataclass(frozen=True, slots=True)
class Sum:
    """A group's exposure to one class in the last 24 hours; None for fewer than five exposed people."""

    exposure: str
    minutes: float | None
    items: int | None


def require_sight(viewer: Person, person: str) -> None:
    """Raise unless this viewer may see (or lower) what is kept of that person.

    Raises:
        SightRefused: says who may.
    """
    if viewer.id != person and OFFICER not in viewer.roles:
        raise SightRefused(
            f"what is kept of `{person}` is for them and the wellness officer; `{viewer.id}` sees sums over "
            f"{LEAST} people or more (`watchfloor wellness show`)"
        )


def require_officer(viewer: Person) -> None:
    """Raise unless this is the wellness officer.

    Raises:
        SightRefused: it is not.
    """
    if OFFICER not in viewer.roles:
        raise SightRefused(f"this is for the wellness officer; `{viewer.id}` holds: {', '.join(viewer.roles)}")


def sum_up(desk: Wellness, people: Directory, *, now: datetime) -> list[Sum]:
    """Sums over the people of a region, each only where at least five of them were exposed to that class at all."""
    by_class: dict[str, list[tuple[float, int]]] = {name: [] for name in desk.caps.classes}
    for person in people:
        for one in desk.figures(person.id, now=now):
            if one.items:
                by_class[one.exposure].append((one.minutes, one.items))
    return [
        Sum(name, round(sum(minutes for minutes, _ in found), 1), sum(items for _, items in found))
        if len(found) >= LEAST
        else Sum(name, None, None)
        for name, found in by_class.items()
    ]
