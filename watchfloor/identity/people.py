"""The directory of people: who may fill which seat, where, and how they are reached.

People are ids; names, addresses and telephone numbers stay in the company's own directory. `contacts` name
destinations of the bindings file.

    people:
      counsel-1:
        roles: [legal_counsel]
        entity: example-ie
        region: eu
        contacts: [pager]
        clearances: [terror]
        languages: [de, en]
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from watchfloor.identity.compartments import COMPARTMENTS
from watchfloor.identity.located import LocatedTree, PeopleRefused, Place, read_located
from watchfloor.identity.roles import ROLES

__all__ = ["DEVELOPMENT_PEOPLE", "Directory", "PeopleRefused", "Person", "load_people"]

DEVELOPMENT_PEOPLE = Path(__file__).with_name("development-people.yaml")
"""Synthetic people for a stack on one machine; every role, two people at every gate."""


@dataclass(frozen=True, slots=True)
class Person:
    """One person.

    Attributes:
        entity: the company that employs them; who may see what can depend on it.
        contacts: destinations of the bindings file, never addresses.
        clearances: compartments whose runs they may see.
        languages: BCP 47 tags of what they read well enough to decide on.
        covered_person: whether 28 CFR 202.211 keeps protected US data from them.
    """

    id: str
    roles: tuple[str, ...]
    entity: str
    region: str
    contacts: tuple[str, ...]
    clearances: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    covered_person: bool = False


class Directory:
    """All people of one file, in the order of their ids; `compartments` are the company's own that it declares."""

    def __init__(self, people: Mapping[str, Person], compartments: Sequence[str] = ()) -> None:
        self._people = dict(sorted(people.items()))
        self._compartments = tuple(compartments)

    @property
    def compartments(self) -> tuple[str, ...]:
        return self._compartments

    @property
    def people(self) -> Mapping[str, Person]:
        """Everybody, by id."""
        return self._people

    def __iter__(self) -> Iterator[Person]:
        return iter(self.people.values())

    def __len__(self) -> int:
        return len(self.people)

    def find(self, person: str) -> Person | None:
        return self.people.get(person)

    def person(self, person: str) -> Person:
        """The person of an id.

        Raises:
            KeyError: nobody has it.
        """
        return self.people[person]

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


ID_PATTERN = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
MAX_ID = 40
REGION_PATTERN = "^[a-z][a-z0-9-]{0,30}$"
Id = Annotated[str, Field(pattern=ID_PATTERN, max_length=MAX_ID)]
Destination = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Compartment = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$")]
RegionName = Annotated[str, Field(pattern=REGION_PATTERN)]
Role = Annotated[str, AfterValidator(_known_role)]
MAX_LISTED = 20
"""Roles, contacts, clearances and languages of one person."""


class Entry(BaseModel):
    """One person as the file has them."""

    model_config = ConfigDict(extra="forbid")

    roles: Annotated[list[Role], Field(min_length=1, max_length=MAX_LISTED)]
    entity: Id
    region: RegionName
    contacts: Annotated[list[Destination], Field(max_length=MAX_LISTED)] = Field(default_factory=list)
    clearances: Annotated[list[Compartment], Field(max_length=MAX_LISTED)] = Field(default_factory=list)
    languages: Annotated[list[Language], Field(max_length=MAX_LISTED)] = Field(default_factory=list)
    covered_person: Literal["true", "false"] = "false"


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    people: Annotated[dict[Id, Entry], Field(min_length=1)]
    compartments: Annotated[list[Compartment], Field(max_length=MAX_LISTED)] = Field(default_factory=list)


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
        lines = [in_words(located, item["loc"], item["msg"]) for item in error.errors(include_url=False)]
        raise PeopleRefused("\n".join(lines)) from error
    lines = list(_unknown_compartments(located, document))
    if lines:
        raise PeopleRefused("\n".join(lines))
    kept = {id_: person_of(id_, entry) for id_, entry in document.people.items() if region in {None, entry.region}}
    return Directory(kept, document.compartments)


def person_of(id_: str, entry: Entry) -> Person:
    """A person from their entry."""
    return Person(
        id_,
        tuple(entry.roles),
        entry.entity,
        entry.region,
        tuple(entry.contacts),
        tuple(entry.clearances),
        tuple(entry.languages),
        entry.covered_person == "true",
    )


def _unknown_compartments(located: LocatedTree, document: _Document) -> Iterator[str]:
    known = {*COMPARTMENTS, *document.compartments}
    for id_, entry in document.people.items():
        for index, name in enumerate(entry.clearances):
            if name not in known:
                place = ("people", id_, "clearances", index)
                expected = ", ".join([*COMPARTMENTS, *document.compartments])
                message = (
                    f"unknown compartment `{name}`; expected one of {expected}; declare a compartment of your own with "
                    f"`compartments: [{name}]` at the top of the file"
                )
                yield in_words(located, place, message)


def in_words(located: LocatedTree, loc: Place, message: str) -> str:
    """One line `file:line:column: what` about something in a file."""
    place = tuple(part for part in loc if part != "[key]")
    name = ".".join(map(str, place)) or "the file"
    return f"{located.where(place)}: `{name}`: {message[0].lower()}{message[1:]}"
