"""The caps of exposure by class, from `wellness.yaml`: strict, with an owner, a mark and a date of review."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from schemas.plan import EXPOSURES
from watchfloor.identity.located import PeopleRefused, read_located

SHIPPED = Path(__file__).resolve().parents[2] / "runbooks" / "wellness.yaml"
_LENGTH = re.compile(r"([1-9][0-9]{0,3})([mhd])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class CapsRefused(ValueError):
    """The file cannot be used; one line `file:line:column: what` for each thing wrong."""


@dataclass(frozen=True, slots=True)
class Break:
    """A pause of at least `length` after at most `after` of exposure."""

    after: timedelta
    length: timedelta


@dataclass(frozen=True, slots=True)
class BetweenShifts:
    """Who had an exposed night shift that ended less than `rest` ago, or begins a shift within it, is not proposed.

    `refuses` says whether they cannot claim what exposes either, or are only warned.
    """

    rest: timedelta
    refuses: bool


@dataclass(frozen=True, slots=True)
class ClassCap:
    """What one class of exposure allows. `day` is time in any 24 hours, `days` the days (UTC) of any seven."""

    opt_in: bool
    day: timedelta
    days: int = 7
    pause: Break | None = None


@dataclass(frozen=True, slots=True)
class Caps:
    """The whole file. `soft` is the share of a cap from which people are warned."""

    basis: str
    owner: str
    review_after: date
    soft: float
    cool_down: timedelta
    call_within: timedelta
    check_ins: tuple[timedelta, ...]
    classes: Mapping[str, ClassCap]
    between: BetweenShifts | None = None


def read_length(text: str) -> timedelta:
    """`90m`, `4h`, `7d` as a length of time.

    Raises:
        PydanticCustomError: it is none.
    """
    found = _LENGTH.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise PydanticCustomError(
            "length", "`{text}` is no length of time; write for example 90m, 4h or 7d", {"text": str(text)[:40]}
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _within_a_day(length: timedelta) -> timedelta:
    if length > timedelta(days=1):
        raise PydanticCustomError("day", "a day has 24 hours; write at most 24h")
    return length


Length = Annotated[timedelta, BeforeValidator(read_length)]


DayLength = Annotated[Length, AfterValidator(_within_a_day)]


class _Break(BaseModel):
    model_config = ConfigDict(extra="forbid")

    after: DayLength
    length: DayLength


class _BetweenShifts(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rest: DayLength
    claim: Literal["warn", "refuse"]


class _Class(BaseModel):
    model_config = ConfigDict(extra="forbid")

    opt_in: Literal["yes", "no"]
    day: DayLength
    days_per_week: Annotated[int, Field(ge=1, le=7)] = 7
    pause: _Break | None = Field(default=None, alias="break")

    def read(self) -> ClassCap:
        pause = Break(self.pause.after, self.pause.length) if self.pause is not None else None
        return ClassCap(self.opt_in == "yes", self.day, self.days_per_week, pause)


class _Wellness(BaseModel):
    model_config = ConfigDict(extra="forbid")

    basis: Literal["V", "S", "T", "P"]
    owner: Annotated[str, Field(pattern="^[a-z][a-z0-9-]{1,39}$")]
    review_after: date
    soft_percent: Annotated[int, Field(ge=1, le=100)]
    cool_down: Length
    call_within: Length
    check_ins: Annotated[list[Length], Field(min_length=1, max_length=10)]
    between_shifts: _BetweenShifts | None = None
    classes: dict[str, _Class]

    @model_validator(mode="after")
    def _name_every_class(self) -> "_Wellness":
        if set(self.classes) != set(EXPOSURES):
            known = ", ".join(EXPOSURES)
            found = ", ".join(self.classes) or "none"
            raise PydanticCustomError(
                "classes", "`classes` must name exactly {known}; found {found}", {"known": known, "found": found}
            )
        return self


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    wellness: _Wellness


def load_caps(path: Path = SHIPPED) -> Caps:
    """Read the caps.

    Raises:
        CapsRefused: with the place of everything that is wrong; nothing of the file is used.
    """
    try:
        located = read_located(path)
    except PeopleRefused as error:
        raise CapsRefused(str(error)) from error
    try:
        read = _Document.model_validate(located.tree).wellness
    except ValidationError as error:
        lines = [
            f"{located.where(tuple(item['loc']))}: `{'.'.join(map(str, item['loc'])) or 'the file'}`: {item['msg']}"
            for item in error.errors(include_url=False)
        ]
        raise CapsRefused("\n".join(lines)) from error
    between = read.between_shifts
    return Caps(
        basis=read.basis,
        owner=read.owner,
        review_after=read.review_after,
        soft=read.soft_percent / 100,
        cool_down=read.cool_down,
        call_within=read.call_within,
        check_ins=tuple(sorted(read.check_ins)),
        classes={name: read.classes[name].read() for name in EXPOSURES},
        between=BetweenShifts(between.rest, between.claim == "refuse") if between is not None else None,
    )
