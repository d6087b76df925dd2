"""A directory export in the form of SCIM 2.0 (RFC 7643, 7644): a `ListResponse` of users becomes people.

    {"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 1, "Resources": [
      {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "someone@example.test",
       "externalId": "counsel-1", "active": true, "roles": [{"value": "legal_counsel"}],
       "groups": [{"value": "g-17", "display": "ts-eu-pager"}],
       "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"organization": "example-ie"},
       "urn:watchfloor:params:scim:schemas:extension:1.0:Responder": {"region": "eu", "clearances": ["terror"]}}]}

Only ids, roles, groups, the organization and our own extension are read. Names, addresses and numbers are not looked at
and never written; messages name the place in the file, not the value.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from watchfloor.identity.compartments import COMPARTMENTS
from watchfloor.identity.groups import Given, Groups, add_up
from watchfloor.identity.located import PeopleRefused
from watchfloor.identity.people import (
    ID_PATTERN,
    MAX_ID,
    Compartment,
    Destination,
    Id,
    Language,
    Person,
    RegionName,
)
from watchfloor.identity.roles import ROLES

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
RESPONDER = "urn:watchfloor:params:scim:schemas:extension:1.0:Responder"
MAX_EXPORT = 16 * 1024 * 1024
MAX_USERS = 5000
MAX_FAULTS = 200


@dataclass(frozen=True, slots=True)
class Export:
    """What an export says.

    Attributes:
        people: who is active, has a role and a region, by id.
        inactive: ids of users who are not active any more.
        left_out: id -> why they are nobody here.
        unknown: groups that mean nothing here.
    """

    people: Mapping[str, Person]
    inactive: tuple[str, ...]
    left_out: Mapping[str, str]
    unknown: tuple[str, ...]


class _Value(BaseModel):
    value: Annotated[str, Field(max_length=200)]
    display: Annotated[str, Field(max_length=200)] | None = None


class _Enterprise(BaseModel):
    organization: Id | None = None


class _Responder(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    region: RegionName | None = None
    entity: Id | None = None
    clearances: Annotated[list[Compartment], Field(max_length=20)] = Field(default_factory=list)
    languages: Annotated[list[Language], Field(max_length=20)] = Field(default_factory=list)
    contacts: Annotated[list[Destination], Field(max_length=20)] = Field(default_factory=list)
    covered_person: bool = False


class _User(BaseModel):
    model_config = ConfigDict(strict=True)
    schemas: Annotated[list[str], Field(min_length=1, max_length=20)]
    userName: Annotated[str, Field(max_length=320)] = ""
    externalId: Annotated[str, Field(max_length=320)] | None = None
    active: bool = True
    roles: Annotated[list[_Value], Field(max_length=100)] = Field(default_factory=list)
    groups: Annotated[list[_Value], Field(max_length=1000)] = Field(default_factory=list)
    enterprise: _Enterprise = Field(default_factory=_Enterprise, alias=ENTERPRISE)
    responder: _Responder = Field(default_factory=_Responder, alias=RESPONDER)


class _List(BaseModel):
    model_config = ConfigDict(strict=True)
    schemas: list[str]
    totalResults: int
    Resources: Annotated[list[_User], Field(min_length=1, max_length=MAX_USERS)]


@dataclass(slots=True)
class _Reading:
    name: str
    groups: Groups | None
    compartments: frozenset[str]
    faults: list[str] = field(default_factory=list)

    def fault(self, index: int, where: str, words: str) -> None:
        self.faults.append(f"{self.name}: Resources[{index}]{where}: {words}")


def read_export(file: Path, groups: Groups | None, compartments: Sequence[str] = ()) -> Export:
    """Read an export.

    Args:
        file: JSON.
        groups: what the users' groups mean; without it groups mean nothing.
        compartments: the company's own, beside the known ones.

    Raises:
        PeopleRefused: one line for each thing wrong, with its place; then nothing of it counts.
    """
    document = _validate(file.name, read_json(file))
    reading = _Reading(file.name, groups, frozenset({*COMPARTMENTS, *compartments}))
    if LIST not in document.schemas:
        reading.faults.append(f"{file.name}: schemas: expected `{LIST}`")
    if document.totalResults != len(document.Resources):
        reading.faults.append(
            f"{file.name}: totalResults: found {document.totalResults} with {len(document.Resources)} resources; "
            "expected the whole list: a page alone would take everybody else away"
        )
    people: dict[str, Person] = {}
    places: dict[str, int] = {}
    inactive: list[str] = []
    left_out: dict[str, str] = {}
    unknown: set[str] = set()
    for index, user in enumerate(document.Resources):
        id_ = _id(reading, index, user)
        if not id_:
            continue
        if id_ in places:
            reading.fault(index, "", f"has the id of Resources[{places[id_]}]; expected one of its own")
            continue
        places[id_] = index
        if USER not in user.schemas:
            reading.fault(index, ".schemas", f"expected `{USER}` among them")
        if not user.active:
            inactive.append(id_)
            continue
        given = _given(user, groups)
        unknown.update(given.unknown)
        found = _person(reading, index, user, id_, given)
        if isinstance(found, Person):
            people[id_] = found
        elif found:
            left_out[id_] = found
    if not people and not reading.faults:
        reading.faults.append(f"{file.name}: Resources: nobody is active with a role and a region; nothing was taken")
    if reading.faults:
        more = len(reading.faults) - MAX_FAULTS
        shown = reading.faults[:MAX_FAULTS] + ([f"{file.name}: and {more} more"] if more > 0 else [])
        raise PeopleRefused("\n".join(shown))
    return Export(dict(sorted(people.items())), tuple(sorted(inactive)), left_out, tuple(sorted(unknown)))


def read_json(file: Path) -> Any:
    """A JSON file, strictly: UTF-8, no key twice, no NaN, capped in size and depth.

    Raises:
        PeopleRefused: it is not.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_EXPORT + 1)
    except OSError as error:
        raise PeopleRefused(f"{file.name}: cannot be read: {error.strerror}") from error
    if len(content) > MAX_EXPORT:
        raise PeopleRefused(f"{file.name}: has more than {MAX_EXPORT} bytes; export fewer users")
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant)
    except UnicodeDecodeError as error:
        raise PeopleRefused(f"{file.name}: is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise PeopleRefused(f"{file.name}:{error.lineno}:{error.colno}: is not JSON: {error.msg}") from error
    except RecursionError as error:
        raise PeopleRefused(f"{file.name}: is nested too deeply") from error
    except ValueError as error:  # our hooks', and a number with too many digits
        raise PeopleRefused(f"{file.name}: {error}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is written twice in one object")
    return found


def _constant(_text: str) -> Any:
    raise ValueError("holds a number that is none (NaN or Infinity)")


def _validate(name: str, tree: Any) -> _List:
    try:
        return _List.model_validate(tree)
    except ValidationError as error:
        lines = [f"{name}: {_path(item['loc'])}: {_words(item)}" for item in error.errors(include_url=False)]
        raise PeopleRefused("\n".join(lines[:MAX_FAULTS])) from error


def _path(loc: tuple[int | str, ...]) -> str:
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the file"


def _words(item: Any) -> str:
    message = str(item["msg"])
    return message[0].lower() + message[1:]


def _id(reading: _Reading, index: int, user: _User) -> str:
    for value in (user.externalId, user.userName):
        if value and len(value) <= MAX_ID and re.match(ID_PATTERN, value):
            return value
    expected = "an id such as `counsel-1` (lower case, digits, hyphens), never a name or an address"
    reading.fault(index, ".externalId", f"neither it nor `userName` is an id; expected {expected}")
    return ""


def _given(user: _User, groups: Groups | None) -> Given:
    names = {name for one in user.groups for name in (one.value, one.display) if name}
    if groups is None:
        return Given((), (), (), (), tuple(sorted(one.display or one.value for one in user.groups)))
    given = add_up(names, groups)
    nothing = (one for one in user.groups if not {one.value, one.display} & set(groups.meanings))
    return Given(
        given.roles,
        given.regions,
        given.clearances,
        given.contacts,
        tuple(sorted(one.display or one.value for one in nothing)),
    )


def _person(reading: _Reading, index: int, user: _User, id_: str, given: Given) -> Person | str:
    """The person, or why they are nobody here; an empty text where a fault was found."""
    before = len(reading.faults)
    own = user.responder
    roles = tuple(dict.fromkeys([*(one.value for one in user.roles), *given.roles]))
    for number, one in enumerate(user.roles):
        if one.value not in ROLES:
            reading.fault(index, f".roles[{number}].value", f"is no role; expected one of {', '.join(ROLES)}")
    for number, name in enumerate(own.clearances):
        if name not in reading.compartments:
            known = ", ".join(sorted(reading.compartments))
            reading.fault(index, f".{RESPONDER}.clearances[{number}]", f"is no compartment; expected one of {known}")
    regions = tuple(dict.fromkeys([*([own.region] if own.region else []), *given.regions]))
    if len(regions) > 1:
        reading.fault(index, "", f"is in {len(regions)} regions ({', '.join(regions)}); expected exactly one")
    entity = own.entity or user.enterprise.organization or (reading.groups.entity if reading.groups else "")
    missing = [word for word, there in (("role", roles), ("region", regions)) if not there]
    if not missing and not entity:
        reading.fault(index, f".{ENTERPRISE}.organization", "is missing; expected the id of the company they work for")
    if len(reading.faults) > before:
        return ""
    if missing:
        return f"no {' and no '.join(missing)}"
    return Person(
        id_,
        roles,
        entity,
        regions[0],
        tuple(dict.fromkeys([*own.contacts, *given.contacts])),
        tuple(dict.fromkeys([*own.clearances, *given.clearances])),
        tuple(dict.fromkeys(own.languages)),
        own.covered_person,
    )
