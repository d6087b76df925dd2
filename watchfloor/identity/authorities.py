"""The register of authorities: whom to call, how to say it, where a number is found independently. Strict YAML.

`runbooks/authorities.yaml` ships without most numbers: a company looks them up itself and keeps them in `contacts.yaml`
of its home directory (`watchfloor.identity.contact_list`), under the card's id. Until then a card says that its number
is to be filled by Legal, and where to find it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from watchfloor.identity.located import LocatedTree, PeopleRefused, read_located
from watchfloor.identity.people import in_words

FILE = "authorities.yaml"
UNFILLED = "to be filled by Legal"
MOST = 200


@dataclass(frozen=True, slots=True)
class Authority:
    """One row. `number` is empty until somebody has filled it in; `find` says where it is found, never from a caller.

    `laws` are rows of the clock register: a runbook with a clock of one of them calls this authority.
    """

    id: str
    authority: str
    when: str
    place: str
    zone: ZoneInfo
    laws: tuple[str, ...]
    number: str
    find: str
    checked_on: date | None
    basis: str
    owner: str
    review_after: date
    script: tuple[str, ...]
    read_back: tuple[str, ...]
    never: tuple[str, ...]


class AuthoritiesRefused(PeopleRefused):
    """The register cannot be used; the message has one line `file:line:column: what` for each thing wrong."""


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise PydanticCustomError("day", "a day such as `2027-05-01` is expected") from error


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise PydanticCustomError("zone", "unknown time zone; expected a name such as Europe/Dublin")
    return name


Words = Annotated[str, Field(min_length=1, max_length=300)]
Points = Annotated[list[Words], Field(min_length=1, max_length=20)]
Day = Annotated[str, AfterValidator(_day)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9.]{2,63}$")]
    authority: Words
    when: Words
    place: Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
    zone: Annotated[str, AfterValidator(_zone)]
    laws: Annotated[list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9.]{2,63}$")]], Field(min_length=1, max_length=20)]
    number: Annotated[str, Field(min_length=2, max_length=40)]
    find: Words
    checked_on: Day | None = None
    basis: Literal["V", "S", "T", "P"]
    owner: Words
    review_after: Day
    script: Points
    read_back: Points
    never: Points


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Literal["1"]
    authorities: Annotated[list[_Row], Field(max_length=MOST)]


def load_authorities(path: Path) -> tuple[Authority, ...]:
    """Read a register.

    Raises:
        AuthoritiesRefused: one line for each thing wrong, with its place.
    """
    return read_authorities(path)[0]


def read_authorities(path: Path) -> tuple[tuple[Authority, ...], LocatedTree]:
    """The register and where everything in it stands.

    Raises:
        AuthoritiesRefused: one line for each thing wrong, with its place.
    """
    try:
        located = read_located(path)
    except PeopleRefused as error:
        raise AuthoritiesRefused(str(error)) from error
    try:
        rows = _Document.model_validate(located.tree).authorities
    except ValidationError as error:
        lines = [in_words(located, item["loc"], item["msg"]) for item in error.errors(include_url=False)]
        raise AuthoritiesRefused("\n".join(lines)) from error
    wrong = [
        f"{located.where(('authorities', index))}: {what}"
        for index, row in enumerate(rows)
        for what in _faults(row, rows)
    ]
    if wrong:
        raise AuthoritiesRefused("\n".join(wrong))
    return tuple(map(_make, rows)), located


def _faults(row: _Row, rows: Sequence[_Row]) -> list[str]:
    faults = []
    if sum(one.id == row.id for one in rows) > 1:
        faults.append(f"`{row.id}` stands twice; each card has an id of its own")
    if row.number != UNFILLED and row.basis == "V" and row.checked_on is None:
        faults.append(
            f"`{row.id}` is marked V and has no `checked_on`; say when somebody read it at its publisher, or mark it T"
        )
    if row.number == UNFILLED and row.checked_on is not None:
        faults.append(f"`{row.id}` was checked and has no number; leave `checked_on` out until it has one")
    return faults


def _make(row: _Row) -> Authority:
    return Authority(
        id=row.id,
        authority=row.authority,
        when=row.when,
        place=row.place,
        zone=ZoneInfo(row.zone),
        laws=tuple(row.laws),
        number="" if row.number == UNFILLED else row.number,
        find=row.find,
        checked_on=date.fromisoformat(row.checked_on) if row.checked_on else None,
        basis=row.basis,
        owner=row.owner,
        review_after=date.fromisoformat(row.review_after),
        script=tuple(row.script),
        read_back=tuple(row.read_back),
        never=tuple(row.never),
    )
