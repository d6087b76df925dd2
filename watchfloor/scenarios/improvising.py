"""What people answer in a rehearsal: the option that is assumed, by as many different people as it needs."""

import re
from datetime import timedelta
from typing import cast

from schemas.decision import OpenAsk
from schemas.json_value import Json
from schemas.plan import TypeSpec
from watchfloor.scenarios.model import Answer, Assumptions, Person
from watchfloor.scenarios.timeline import address

_ITERATION = re.compile(r"\[\d+\]")
_APART = timedelta(seconds=5)
"""Between the answers of several people to one ask."""
_NEVER_USUAL = {"release", "failed", "doubt"}
"""Kinds of ask that nobody answers unless it is assumed: no rehearsal lifts a hold or hides a failure by itself."""


def improvise(name: str, ask: OpenAsk, assume: Assumptions, *, offered: bool = False) -> list[Answer] | None:
    """The answers to one ask.

    Args:
        name: how a scenario names the ask: its path, or the handoff step that made the offer.
        ask: as its people see it.
        offered: it is the other region that is asked.

    Returns:
        One answer for each seat, none when the ask is met with silence, None when nothing is assumed about it.
    """
    names = names_of(name)
    if names & assume.silent:
        return []
    chosen = next((option for known, option in assume.choices.items() if known in names), None)
    if chosen is None:
        if ask["kind"] in _NEVER_USUAL:
            return []
        if assume.usual is None:
            return None
        chosen = next((assume.usual[known] for known in names if known in assume.usual), None)
    if chosen is None or chosen not in ask["options"]:
        chosen = _ordinary(ask)
    seats = ask["options"][chosen]
    form = {} if offered else {field: _fill(cast(TypeSpec, spec)) for field, spec in ask["form"].items()}
    return [
        Answer(
            step=name,
            choose=chosen,
            person=Person(f"{seat['any_of'][0].replace('_', '-')}-{number}", seat["any_of"][0]),
            reason="a rehearsal",
            form=form,
            at=None,
            after=assume.after + (number - 1) * _APART,
            refused=None,
            line=0,
        )
        for number, seat in enumerate(seats or [{"any_of": ["incident_commander"]}], 1)
    ]


def names_of(path: str) -> set[str]:
    """Everything that an ask may be called by: its path, its step, with and without the round of a loop."""
    return {path, address(path), _ITERATION.sub("", path), _ITERATION.sub("", address(path))}


def _ordinary(ask: OpenAsk) -> str:
    """The option by which things go on."""
    for option in ("approve", "done", "accept", "keep"):
        if option in ask["options"]:
            return option
    return next(iter(ask["options"]))


def _fill(spec: TypeSpec) -> Json:
    """A value that a form's field takes."""
    if "default" in spec:
        return spec["default"]
    if spec.get("enum"):
        return spec["enum"][0]
    least = spec.get("min", 0)
    match spec["type"]:
        case "bool":
            return True
        case "int":
            return int(least)
        case "number":
            return least
        case "duration":
            return "1m"
        case "timestamp":
            return "now"
        case "url":
            return "https://example.test/"
        case "ref":
            return "ref:rehearsal"
        case "list":
            return [_fill(spec["of"])] * int(spec.get("min_items", 0)) if "of" in spec else []
        case "map":
            return {}
    return "rehearsed"
