"""The paging policy: read from a file as strictly as a runbook, given to every run that starts.

version: 1
basis: P                    # V, S, T or P: where the numbers come from
source: ...
owner: ...
review_after: "2027-05-01"
severities:
  S0: {acknowledge_within: 5m, status_every: 30m}
  S4: {acknowledge_within: 1bd, status_every: never, ladder: [backup]}
processes:
  hold: {acknowledge_within: 1bd}
ladder: [backup, deputy, incident_commander]
status_role: comms_lead
"""

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from schemas.paging import BACKUP, PagingPolicy, SeverityTimes
from watchfloor.client.library import library_folder
from watchfloor.identity.located import PeopleRefused, read_located
from watchfloor.identity.roles import ROLES
from watchfloor.signing import canonical, digest

FILE = "paging.yaml"
LEVELS = ("S0", "S1", "S2", "S3", "S4")
PROCESSES = ("hold_failed", "hold", "review")
"""What outlives an incident and has no severity: a hold that is not proved, its other pages, a review."""
_LENGTH = re.compile(r"([0-9]{1,4})([smhd])", re.ASCII)
_DAYS = re.compile(r"([1-9]|[12][0-9]|30)bd", re.ASCII)
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
LEAST, MOST = 1.0, 30 * 86_400.0


class PagingRefused(PeopleRefused):
    """The policy cannot be used; the message has one line `file:line:column: what` for each thing wrong."""


def _length(text: object) -> object:
    if text == "never":
        return None
    match = _LENGTH.fullmatch(text) if isinstance(text, str) else None
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not LEAST <= seconds <= MOST:
        raise PydanticCustomError(
            "length",
            "a length such as `5m`, `4h` or `1d`, up to 30d, or `never` is expected; "
            "an acknowledgement may be due in business days, `1bd`",
        )
    return seconds


def _wait(text: object) -> object:
    """A length, or business days, which stay an int."""
    days = _DAYS.fullmatch(text) if isinstance(text, str) else None
    return int(days[1]) if days else _length(text)


def _rung(name: str) -> str:
    if name != BACKUP and name not in ROLES:
        raise PydanticCustomError(
            "rung",
            "unknown rung `{name}`; expected `backup` or one of {known}",
            {"name": name, "known": ", ".join(ROLES)},
        )
    return name


def _role(name: str) -> str:
    if name not in ROLES:
        raise PydanticCustomError(
            "role", "unknown role `{name}`; expected one of {known}", {"name": name, "known": ", ".join(ROLES)}
        )
    return name


def _unique(ladder: list[str]) -> list[str]:
    if len(set(ladder)) != len(ladder):
        raise PydanticCustomError("ladder", "a rung stands twice; each is climbed once")
    return ladder


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise PydanticCustomError("day", "a day such as `2027-05-01` is expected") from error


Length = Annotated[float | None, BeforeValidator(_length)]
Wait = Annotated[float | int | None, BeforeValidator(_wait)]
Ladder = Annotated[
    list[Annotated[str, AfterValidator(_rung)]], Field(min_length=1, max_length=10), AfterValidator(_unique)
]


class _Climbing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    acknowledge_within: Wait
    ladder: Ladder | None = None


class _Times(_Climbing):
    status_every: Length


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Literal["1"]
    basis: Literal["V", "S", "T", "P"]
    source: Annotated[str, Field(min_length=1, max_length=200)]
    owner: Annotated[str, Field(min_length=1, max_length=100)]
    review_after: Annotated[str, AfterValidator(_day)]
    severities: dict[Literal["S0", "S1", "S2", "S3", "S4"], _Times]
    processes: dict[Literal["hold_failed", "hold", "review"], _Climbing]
    ladder: Ladder
    status_role: Annotated[str, AfterValidator(_role)]


def find_paging(home: Path) -> Path:
    """The policy of a home directory: its own file, else the shipped one."""
    own = home / FILE
    return own if own.exists() else library_folder() / FILE


def load_paging(path: Path) -> PagingPolicy:
    """Read a paging policy.

    Raises:
        PagingRefused: one line for each thing wrong, with its place.
    """
    return read_paging(path)[0]


def read_paging(path: Path) -> tuple[PagingPolicy, str]:
    """The policy and the day after which its owner is to look at it again.

    Raises:
        PagingRefused: one line for each thing wrong, with its place.
    """
    try:
        located = read_located(path)
    except PeopleRefused as error:
        raise PagingRefused(str(error)) from error
    try:
        document = _Document.model_validate(located.tree)
    except ValidationError as error:
        lines = []
        for item in error.errors(include_url=False):
            place = tuple(part for part in item["loc"] if part != "[key]")
            name = ".".join(map(str, place)) or "the file"
            lines.append(f"{located.where(place)}: `{name}`: {item['msg'][:1].lower()}{item['msg'][1:]}")
        raise PagingRefused("\n".join(lines)) from error
    missing = [level for level in LEVELS if level not in document.severities]
    if missing:
        raise PagingRefused(
            f"{located.where(('severities',))}: `severities`: {', '.join(missing)} missing; give every level "
            "its times, `never` where nothing is due"
        )
    absent = [name for name in PROCESSES if name not in document.processes]
    if absent:
        raise PagingRefused(
            f"{located.where(('processes',))}: `processes`: {', '.join(absent)} missing; what outlives an incident "
            "climbs by these, `never` where it does not"
        )
    times = {level: _times(document.severities[level], document.severities[level].status_every) for level in LEVELS}  # type: ignore[index]
    processes = {name: _times(document.processes[name], None) for name in PROCESSES}  # type: ignore[index]
    said: dict[str, Any] = {
        "v": 1,
        "severities": times,
        "processes": processes,
        "ladder": document.ladder,
        "status_role": document.status_role,
    }
    policy: PagingPolicy = {
        "v": 1,
        "digest": digest(canonical(said)),
        "severities": times,
        "processes": processes,
        "ladder": document.ladder,
        "status_role": document.status_role,
    }
    return policy, document.review_after


def _times(written: _Climbing, status_every: float | None) -> SeverityTimes:
    within = written.acknowledge_within
    is_days = isinstance(within, int)
    times: SeverityTimes = {"acknowledge_within": None if is_days else within, "status_every": status_every}
    if isinstance(within, int):
        times["business_days"] = within
    if written.ladder:
        times["ladder"] = written.ladder
    return times
