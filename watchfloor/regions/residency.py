"""Which class of data may leave which region: the rules file, read strictly; whatever it does not allow stays.

The classes and the default deny follow the model of a US data boundary: content that is public, and counts over at
least twenty, may leave; protected data may not, and neither may anything that nobody has classified.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.json_value import Json
from watchfloor.signing import parse_instant

SHIPPED_RULES = Path(__file__).resolve().parents[2] / "runbooks" / "residency.yaml"

Shape = Literal["instant", "bool", "url", "other"]
_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,40}$")]


class ResidencyRefused(ValueError):
    """The rules file is missing, is not YAML, or says something that cannot be followed."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Route(_Strict):
    from_: _Name = Field(alias="from")
    to: _Name
    classes: list[_Name]
    at_least: int = Field(ge=2)


class _Undeclared(_Strict):
    instant: _Name
    bool: _Name
    url: _Name
    other: _Name


class _Rules(_Strict):
    version: Literal[1]
    owner: str
    review_after: str
    classes: dict[_Name, str]
    routes: list[_Route]
    undeclared: dict[_Name, _Undeclared]


@dataclass(frozen=True, slots=True)
class Route:
    """What may go one way. `at_least` is the smallest count that an `aggregate` may state."""

    classes: frozenset[str]
    at_least: int


@dataclass(frozen=True, slots=True)
class Residency:
    classes: frozenset[str]
    routes: Mapping[tuple[str, str], Route]
    undeclared: Mapping[str, Mapping[Shape, str]]

    def class_of(self, declared: str, value: Json, region: str) -> str:
        """The class of a value: the declared one, else the one that its shape has in the region it leaves.

        A value made of several has their classes joined by `+`, of which any may be missing; each of them counts.
        """
        named = {part or self._by_shape(value, region) for part in declared.split("+")}
        return "+".join(sorted(named))

    def _by_shape(self, value: Json, region: str) -> str:
        by_shape = self.undeclared.get(region)
        if by_shape is None:
            return "internal"
        shapes = shapes_of(value)
        return by_shape[next(iter(shapes)) if len(shapes) == 1 else "other"]

    def refuse(self, data_class: str, value: Json, from_region: str, to_region: str) -> str | None:
        """Why a value of this class may not go from one region to the other; None when it may.

        The reason names classes, regions and limits, never the value.
        """
        route = self.routes.get((from_region, to_region))
        if route is None:
            return f"nothing may go from {from_region} to {to_region}: the residency rules have no such route"
        for part in data_class.split("+"):
            if part not in self.classes:
                return f"class `{part}` is not one of the residency rules' classes: {', '.join(sorted(self.classes))}"
            if part not in route.classes:
                return (
                    f"class `{part}` may not go from {from_region} to {to_region}; "
                    f"allowed are: {', '.join(sorted(route.classes))}"
                )
        if "aggregate" in data_class.split("+") and not _counts(value, route.at_least):
            return f"an aggregate is a count of {route.at_least} or more, or a list or map of such counts"
        return None


def load_residency(path: Path = SHIPPED_RULES) -> Residency:
    """Read the rules.

    Raises:
        ResidencyRefused: with the file and what is wrong in it.
    """
    try:
        rules = _Rules.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, yaml.YAMLError) as error:
        raise ResidencyRefused(f"{path} cannot be read as YAML: {type(error).__name__}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ResidencyRefused(f"{path}: `{where}`: {first['msg']}") from error
    named = {name for route in rules.routes for name in route.classes}
    named |= {name for shapes in rules.undeclared.values() for name in shapes.model_dump().values()}
    if unknown := sorted(named - set(rules.classes)):
        raise ResidencyRefused(f"{path}: {', '.join(unknown)}: not among `classes`")
    routes = {(route.from_, route.to): Route(frozenset(route.classes), route.at_least) for route in rules.routes}
    if len(routes) != len(rules.routes):
        raise ResidencyRefused(f"{path}: two routes have the same `from` and `to`; write each direction once")
    undeclared: dict[str, Mapping[Shape, str]] = {
        region: {"instant": shapes.instant, "bool": shapes.bool, "url": shapes.url, "other": shapes.other}
        for region, shapes in rules.undeclared.items()
    }
    return Residency(frozenset(rules.classes), routes, undeclared)


def shapes_of(value: Json) -> set[Shape]:
    """The shapes that a value and its parts have; an empty list or null says nothing and counts as `bool`."""
    if isinstance(value, list):
        return set().union(*(shapes_of(part) for part in value)) or {"bool"}
    if isinstance(value, bool) or value is None:
        return {"bool"}
    if isinstance(value, str):
        if is_instant(value):
            return {"instant"}
        if value.startswith(("https://", "http://")):
            return {"url"}
    return {"other"}


def is_instant(text: str) -> bool:
    """Whether a text is an RFC 3339 instant with its offset and nothing else."""
    try:
        parse_instant(text)
    except ValueError:
        return False
    return "T" in text


def _counts(value: Json, at_least: int) -> bool:
    if isinstance(value, list):
        return all(_counts(part, at_least) for part in value)
    if isinstance(value, dict):
        return all(_counts(part, at_least) for part in value.values())
    return isinstance(value, int) and not isinstance(value, bool) and value >= at_least
