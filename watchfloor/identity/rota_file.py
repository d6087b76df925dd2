"""`rotas.yaml`: read as strictly as a runbook, every fault with its place.

rotas:
  eu-counsel:
    role: legal_counsel
    region: eu
    layers:
      early:
        zone: Europe/Dublin
        days: tue-sat
        hours: 08:00-20:00
        people: [counsel-1, counsel-2]
        start: 2026-11-03
        holidays: {place: IE, cover: [counsel-3]}
    overrides:
      - {from: 2026-12-24T08:00Z, to: 2026-12-24T20:00Z, person: counsel-2}
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError

from watchfloor.identity.located import LocatedTree, PeopleRefused, Place, read_located
from watchfloor.identity.people import Id, RegionName, Role, in_words
from watchfloor.identity.rotas import Given, Holidays, Hours, Layer, Override, Rota, Rotas, Swap
from watchfloor.identity.shifts import known_place

T = TypeVar("T")

DEVELOPMENT_ROTAS = Path(__file__).with_name("development-rotas.yaml")
"""Synthetic rotas for a stack on one machine; they have no gap and no double booking."""

MAX_ROTAS, MAX_LAYERS, MAX_TURNS, MAX_CHANGES = 100, 12, 60, 500
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])\Z")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)\Z")
_SINCE, _UNTIL = 2000, 2100


def read_days(text: str) -> tuple[int, ...]:
    """`mon-fri`, `sun-thu`, `sat, sun` or `every day` as numbers of weekdays, Monday 0."""
    if text.strip() == "every day":
        return tuple(range(7))
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            message = "found `{found}`; expected weekdays such as `mon-fri`, `tue-sat`, `sat, sun` or `every day`"
            raise PydanticCustomError("days", message, {"found": text[:60]})
        begin, end = DAYS.index(first), DAYS.index(last or first)
        found.update((begin + step) % 7 for step in range((end - begin) % 7 + 1))
    return tuple(sorted(found))


def read_instant(text: str) -> datetime:
    """An instant with its zone: `2026-12-24T08:00Z`, `2026-12-24T09:00+01:00`; aware, UTC."""
    try:
        at = datetime.fromisoformat(text) if _INSTANT.match(text) else None
    except ValueError:
        at = None
    if at is None or not _SINCE <= at.year <= _UNTIL:
        message = "found `{found}`; expected an instant with its zone such as `2026-12-24T08:00Z`"
        raise PydanticCustomError("instant", message, {"found": text[:60]})
    return at.astimezone(UTC)


def _read_hours(text: str) -> tuple[time, time]:
    found = _HOURS.match(text)
    if found is None:
        message = (
            "found `{found}`; expected hours such as `08:00-20:00`, `20:00-08:00` (over midnight) or `08:00-08:00`"
        )
        raise PydanticCustomError("hours", message, {"found": text[:60]})
    numbers = [int(part) for part in found.groups()]
    return time(numbers[0], numbers[1]), time(numbers[2], numbers[3])


def _read_date(text: str) -> date:
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        day = None
    if day is None or not _SINCE <= day.year <= _UNTIL:
        raise PydanticCustomError("date", "found `{found}`; expected a date such as `2026-11-03`", {"found": text[:60]})
    return day


def _read_zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text) if re.fullmatch(r"[A-Za-z0-9_+/-]{1,60}", text) else _no_zone(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return _no_zone(text)


def _no_zone(text: str) -> ZoneInfo:
    message = "found `{found}`; expected a time zone such as `Europe/Dublin` or `America/Los_Angeles`"
    raise PydanticCustomError("zone", message, {"found": text[:60]})


def _read_place(text: str) -> str:
    if not known_place(text):
        message = (
            "no holidays are known for `{found}`; expected a country such as `IE`, or a part of one such as `DE-BE`"
        )
        raise PydanticCustomError("place", message, {"found": text[:60]})
    return text


def _read_seats(text: str) -> int:
    if not re.fullmatch("[1-9]", text):
        raise PydanticCustomError("seats", "found `{found}`; expected a number from 1 to 9", {"found": text[:60]})
    return int(text)


def _read_weeks(text: str) -> int:
    found = re.fullmatch(r"([1-9]|1[0-2])w", text)
    if found is None:
        raise PydanticCustomError("weeks", "found `{found}`; expected `1w` to `12w`", {"found": text[:60]})
    return int(found[1])


def _of_text(read: Callable[[str], T]) -> Callable[[object], T]:
    """A reader of text that says so when it is given a list or a mapping."""

    def check(value: object) -> T:
        if not isinstance(value, str):
            raise PydanticCustomError("text", "found a {found}; expected text", {"found": type(value).__name__})
        return read(value)

    return check


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
Days = Annotated[tuple[int, ...], PlainValidator(_of_text(read_days))]
HoursText = Annotated[tuple[time, time], PlainValidator(_of_text(_read_hours))]
Zone = Annotated[ZoneInfo, PlainValidator(_of_text(_read_zone))]
Instant = Annotated[datetime, PlainValidator(_of_text(read_instant))]


class _Holidays(_Strict):
    place: Annotated[str, PlainValidator(_of_text(_read_place))]
    cover: Annotated[list[Id], Field(max_length=MAX_TURNS)] = Field(default_factory=list)
    layer: Name | None = None


class _Hours(_Strict):
    zone: Zone
    days: Days
    hours: HoursText

    def read(self) -> Hours:
        begins, ends = self.hours
        return Hours(self.zone, self.days, begins, ends)


class _Layer(_Hours):
    people: Annotated[list[Id], Field(min_length=1, max_length=MAX_TURNS)]
    start: Annotated[date, PlainValidator(_of_text(_read_date))]
    turn: Annotated[int, PlainValidator(_of_text(_read_weeks))] = 1
    holidays: _Holidays | None = None


class _Override(_Strict):
    since: Instant = Field(alias="from")
    to: Instant
    person: Id
    instead_of: Id | None = None


class _Given(_Strict):
    person: Id
    at: Instant


class _Swap(_Strict):
    one: _Given
    other: _Given


class _Rota(_Strict):
    role: Role
    region: RegionName
    seats: Annotated[int, PlainValidator(_of_text(_read_seats))] = 1
    cover: _Hours | None = None
    layers: Annotated[dict[Name, _Layer], Field(min_length=1, max_length=MAX_LAYERS)]
    overrides: Annotated[list[_Override], Field(max_length=MAX_CHANGES)] = Field(default_factory=list)
    swaps: Annotated[list[_Swap], Field(max_length=MAX_CHANGES)] = Field(default_factory=list)


class _Document(_Strict):
    rotas: Annotated[dict[Name, _Rota], Field(max_length=MAX_ROTAS)]


def load_rotas(path: Path, *, region: str | None = None) -> Rotas:
    """Read the rotas.

    Args:
        path: the YAML file.
        region: keep only the rotas of this region.

    Raises:
        PeopleRefused: one line for each thing wrong, with its place.
    """
    located = read_located(path)
    try:
        document = _Document.model_validate(located.tree)
    except ValidationError as error:
        lines = [in_words(located, item["loc"], item["msg"]) for item in error.errors(include_url=False)]
        raise PeopleRefused("\n".join(dict.fromkeys(lines))) from error
    lines = list(_contradictions(located, document))
    if lines:
        raise PeopleRefused("\n".join(lines))
    rotas = tuple(_rota(name, one) for name, one in document.rotas.items() if region in {None, one.region})
    return Rotas(rotas, located.places, str(path))


def _contradictions(located: LocatedTree, document: _Document) -> Iterator[str]:
    for name, rota in document.rotas.items():
        for index, override in enumerate(rota.overrides):
            if override.to <= override.since:
                yield in_words(located, ("rotas", name, "overrides", index, "to"), "does not lie after `from`")
        for index, swap in enumerate(rota.swaps):
            if swap.one == swap.other:
                yield in_words(located, ("rotas", name, "swaps", index), "exchanges a shift with itself")
        for key, layer in rota.layers.items():
            absent = layer.holidays
            if absent is None or absent.layer is None:
                continue
            place: Place = ("rotas", name, "layers", key, "holidays", "layer")
            if absent.cover:
                yield in_words(located, place, "either `cover` or `layer` takes the shift; keep one of them")
            if absent.layer == key or absent.layer not in rota.layers:
                others = ", ".join(other for other in rota.layers if other != key) or "there is none"
                yield in_words(located, place, f"no other layer `{absent.layer}`; expected one of: {others}")


def _rota(name: str, given: _Rota) -> Rota:
    at: Place = ("rotas", name)
    return Rota(
        name=name,
        role=given.role,
        region=given.region,
        seats=given.seats,
        cover=given.cover.read() if given.cover else None,
        layers=tuple(_layer(key, layer, (*at, "layers", key)) for key, layer in given.layers.items()),
        overrides=tuple(
            Override(one.since, one.to, one.person, one.instead_of or "", (*at, "overrides", index))
            for index, one in enumerate(given.overrides)
        ),
        swaps=tuple(
            Swap(_given(one.one), _given(one.other), (*at, "swaps", index)) for index, one in enumerate(given.swaps)
        ),
        place=at,
    )


def _layer(key: str, given: _Layer, at: Place) -> Layer:
    absent = given.holidays
    return Layer(
        name=key,
        hours=given.read(),
        people=tuple(given.people),
        start=given.start,
        weeks=given.turn,
        holidays=None if absent is None else Holidays(absent.place, tuple(absent.cover), absent.layer or ""),
        place=at,
    )


def _given(given: _Given) -> Given:
    return Given(given.person, given.at)
