"""The edge contact list: how people are reached when Watchfloor itself is down.

It is a file of the home directory, `contacts.yaml`, read for printing alone: what stands in it reaches no run, no
ledger and no log. A number that a caller gave is no number of an authority, so each says where it was found.

    checked: 2026-11-01
    contacts:
      - {for: incident_commander, how: "duty phone +353 20 910 0100"}
      - {for: counsel-1, how: "+353 20 910 0101", note: "nights too"}
    authorities:
      - authority: National police, cyber desk
        place: IE
        zone: Europe/Dublin
        number: "+353 20 910 0199"
        found: the authority's own site, 2026-11-01
        card: eu.tco.competent
        script: [Say who you are and from which company]
        read_back: [the order's number]
        never: [name a colleague]
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from watchfloor.identity.located import PeopleRefused, read_located
from watchfloor.identity.people import in_words

FILE_NAME = "contacts.yaml"
MAX_CONTACTS = 300
MAX_AUTHORITIES = 60
_MAX_POINTS = 20


@dataclass(frozen=True, slots=True)
class Contact:
    """How one role, person or service is reached by hand. `whom` is a role, a person's id or another name."""

    whom: str
    how: str
    note: str


@dataclass(frozen=True, slots=True)
class AuthorityCard:
    """What somebody needs who calls an authority. `found` says from where the number is: never from a caller."""

    authority: str
    place: str
    zone: ZoneInfo
    number: str
    found: str
    script: tuple[str, ...]
    read_back: tuple[str, ...]
    never: tuple[str, ...]
    card: str = ""
    """The row of `runbooks/authorities.yaml` that this number is for; empty for an authority of the company's own."""


@dataclass(frozen=True, slots=True)
class ContactList:
    """The whole file; `checked_on` is when somebody last tried the numbers."""

    checked_on: date
    contacts: tuple[Contact, ...]
    authorities: tuple[AuthorityCard, ...]


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise PydanticCustomError("zone", "unknown time zone; expected a name such as Europe/Dublin")
    return name


def _read_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise PydanticCustomError("day", "no date; expected one such as 2026-11-01") from error


Words = Annotated[str, Field(min_length=1, max_length=200)]
Points = Annotated[list[Annotated[str, Field(min_length=1, max_length=400)]], Field(max_length=_MAX_POINTS)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Contact(_Strict):
    whom: Words = Field(alias="for")
    how: Words
    note: Annotated[str, Field(max_length=200)] = ""


class _Authority(_Strict):
    authority: Words
    place: Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
    zone: Annotated[str, AfterValidator(_known_zone)]
    number: Words
    found: Words
    card: Annotated[str, Field(pattern=r"^([a-z][a-z0-9.]{2,63})?$")] = ""
    script: Points = Field(default_factory=list)
    read_back: Points = Field(default_factory=list)
    never: Points = Field(default_factory=list)


class _Document(_Strict):
    checked: Annotated[str, AfterValidator(lambda text: _read_day(text).isoformat())]
    contacts: Annotated[list[_Contact], Field(max_length=MAX_CONTACTS)] = Field(default_factory=list)
    authorities: Annotated[list[_Authority], Field(max_length=MAX_AUTHORITIES)] = Field(default_factory=list)


def load_contacts(path: Path) -> ContactList:
    """Read an edge contact list.

    Raises:
        PeopleRefused: one line `file:line:column: what` for each thing wrong.
    """
    located = read_located(path)
    try:
        document = _Document.model_validate(located.tree)
    except ValidationError as error:
        lines = [in_words(located, item["loc"], item["msg"]) for item in error.errors(include_url=False)]
        raise PeopleRefused("\n".join(lines)) from error
    return ContactList(
        checked_on=date.fromisoformat(document.checked),
        contacts=tuple(Contact(one.whom, one.how, one.note) for one in document.contacts),
        authorities=tuple(
            AuthorityCard(
                one.authority,
                one.place,
                ZoneInfo(one.zone),
                one.number,
                one.found,
                tuple(one.script),
                tuple(one.read_back),
                tuple(one.never),
                one.card,
            )
            for one in document.authorities
        ),
    )
