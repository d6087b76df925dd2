"""The directory of people: who may fill which seat, where, and how they are reached.

People are ids; names, addresses and telephone numbers stay in the company's own directory. `contacts` name
destinations of the bindings file.

    people:
      counsel-1:
        roles: [legal_counsel]
        entity: example-ie
        region: eu
        contacts: [pager]
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from watchfloor.identity.located import LocatedTree, PeopleRefused, Place, read_located
from watchfloor.identity.roles import ROLES

__all__ = ["DEVELOPMENT_PEOPLE", "Directory", "PeopleRefused", "Person", "load_people"]

DEVELOPMENT_PEOPLE = Path(__file__).with_name("development-people.yaml")
"""Synthetic people for a stack on one machine; every role, two people at every gate."""


@dataclass(frozen=True, slots=True)
class Person:
    """One person. `entity` is the company that employs them; who may see what can depend on it."""

    id: str
    roles: tuple[str, ...]
    entity: str
    region: str
    contacts: tuple[str, ...]


class Directory:
    """All people of one file, in the order of their ids."""

    def __init__(self, people: Mapping[str, Person]) -> None:
        self._people = dict(sorted(people.items()))

    def __iter__(self) -> Iterator[Person]:
        return iter(self._people.values())

    def __len__(self) -> int:
        return len(self._people)

    def find(self, person: str) -> Person | None:
        return self._people.get(person)

    def person(self, person: str) -> Person:
        """The person of an id.

        Raises:
            KeyError: nobody has it.
        """
        return self._people[person]

    def holders(self, role: str, region: str) -> tuple[Person, ...]:
        """Everybody who holds a role in a region."""
        return tuple(one for one in self if one.region == region and role in one.roles)

    def contacts(self, role: str, region: str) -> tuple[str, ...]:
        """Where a role is reached in a region: destinations of all its holders, each once."""
        return tuple(dict.fromkeys(name for one in self.holders(role, region) for name in one.contacts))

    def regions(self) -> tuple[str, ...]:
        return tuple(sorted({one.region for one in self}))


def _known_role(role: str) -> str:
    if role not in ROLES:
        raise PydanticCustomError("role", "unknown role `{role}`; expected one of {known}", _about(role))
    return role


def _about(role: str) -> dict[str, str]:
    return {"role": role, "known": ", ".join(ROLES)}


Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
Destination = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Role = Annotated[str, AfterValidator(_known_role)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    roles: Annotated[list[Role], Field(min_length=1)]
    entity: Id
    region: Annotated[str, Field(pattern="^[a-z][a-z0-9-]{0,30}$")]
    contacts: list[Destination] = Field(default_factory=list)


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    people: Annotated[dict[Id, _Entry], Field(min_length=1)]


def load_people(path: Path, *, region: str | None = None) -> Directory:
    """Read a directory of people.

    Args:
        path: the YAML file.
        region: keep only the people of this region.

    Raises:
        PeopleRefused: one line for each thing wrong, with its place.
    """
    located = read_located(path)
    try:
        document = _Document.model_validate(located.tree)
    except ValidationError as error:
        lines = [_in_words(located, item["loc"], item["msg"]) for item in error.errors(include_url=False)]
        raise PeopleRefused("\n".join(lines)) from error
    return Directory(
        {
            id_: Person(id_, tuple(entry.roles), entry.entity, entry.region, tuple(entry.contacts))
            for id_, entry in document.people.items()
            if region in {None, entry.region}
        }
    )


def _in_words(located: LocatedTree, loc: Place, message: str) -> str:
    place = tuple(part for part in loc if part != "[key]")
    name = ".".join(map(str, place)) or "the file"
    return f"{located.where(place)}: `{name}`: {message[0].lower()}{message[1:]}"
