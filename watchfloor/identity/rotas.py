"""Rotas: who is on call for a role, and when.

A rota covers one role in one region with layers of weekly turns. A layer has its own time zone, so a rota follows the
sun with several of them; a shift begins and ends by the wall clock of that zone, whatever daylight saving does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

Place: TypeAlias = tuple[str | int, ...]
"""Where something stands in the file."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of certain weekdays (Monday is 0). `ends` at or before `begins` means the next day; equal means a day."""

    zone: ZoneInfo
    days: tuple[int, ...]
    begins: time
    ends: time


@dataclass(frozen=True, slots=True)
class Holidays:
    """What a layer does on public holidays of a place: somebody else covers, or nobody does.

    Attributes:
        place: a country (`IE`) or a part of one (`DE-BE`), as the `holidays` package names them.
        cover: who takes the shift; several people take turns by week.
        layer: the layer whose turn takes the shift instead; empty if none. With neither, nobody has the shift.
    """

    place: str
    cover: tuple[str, ...]
    layer: str


@dataclass(frozen=True, slots=True)
class Layer:
    """Weekly turns: `people` follow one another every `weeks` weeks from `start`, each with all shifts of the turn."""

    name: str
    hours: Hours
    people: tuple[str, ...]
    start: date
    weeks: int
    holidays: Holidays | None
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class Override:
    """From one instant to another this person is on call and nobody else; with `instead_of`, that person's place."""

    start_at: datetime
    end_at: datetime
    person: str
    instead_of: str
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class Given:
    """One shift in a swap: whose it is by rotation, and the instant at which it starts."""

    person: str
    start_at: datetime


@dataclass(frozen=True, slots=True)
class Swap:
    """Two people exchange one shift each."""

    one: Given
    other: Given
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class Rota:
    """Who is on call for a role of a region.

    Attributes:
        seats: how many people are on call at once.
        cover: the hours that somebody must be on call; None is always.
    """

    name: str
    role: str
    region: str
    seats: int
    cover: Hours | None
    layers: tuple[Layer, ...]
    overrides: tuple[Override, ...]
    swaps: tuple[Swap, ...]
    place: Place = field(compare=False)

    def zone(self) -> ZoneInfo:
        """The zone in which people of this rota read times: that of its first layer."""
        return self.layers[0].hours.zone


@dataclass(frozen=True, slots=True)
class Rotas:
    """All rotas of one file, in its order; `where` gives `file:line:column` of something in it."""

    rotas: tuple[Rota, ...]
    places: Mapping[Place, tuple[int, int]] = field(default_factory=dict, repr=False, compare=False)
    file: str = "rotas.yaml"

    def of(self, role: str, region: str) -> tuple[Rota, ...]:
        """The rotas that cover a role in a region."""
        return tuple(one for one in self.rotas if one.role == role and one.region == region)

    def find(self, name: str) -> Rota | None:
        return next((one for one in self.rotas if one.name == name), None)

    def regions(self) -> tuple[str, ...]:
        return tuple(sorted({one.region for one in self.rotas}))

    def where(self, place: Place) -> str:
        while place and place not in self.places:
            place = place[:-1]
        line, column = self.places.get(place, (1, 1))
        return f"{self.file}:{line}:{column}"


NO_ROTAS = Rotas(())

Why: TypeAlias = Literal["turn", "holiday", "override", "swap"]


@dataclass(frozen=True, slots=True, order=True)
class Shift:
    """Somebody on call from one instant to another, and why it is them."""

    start_at: datetime
    end_at: datetime
    person: str
    rota: str
    layer: str
    why: Why
    place: Place = field(compare=False)
