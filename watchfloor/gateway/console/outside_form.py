"""The form for what people did outside a run: which step, when, by whom, and what it gave."""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.incident import Board
from schemas.json_value import Json
from schemas.plan import Plan, TypeSpec
from watchfloor.client.errors import Refused
from watchfloor.client.outside import fields_of, find_doable
from watchfloor.language.graph_clocks import list_steps

PREFIX = "out."
MOST_PEOPLE = 10


@dataclass(frozen=True, slots=True)
class Doable:
    """A step that people may have carried out. `done` says that the run has done it already."""

    id: str
    kind: str
    what: str
    done: bool


@dataclass(frozen=True, slots=True)
class OutsideForm:
    """The steps to choose from, and of the chosen one what it gives and whether it stands in a loop."""

    steps: tuple[Doable, ...]
    chosen: str
    fields: Mapping[str, TypeSpec]
    in_loop: bool
    gated: bool


@dataclass(frozen=True, slots=True)
class Stated:
    """What the form says."""

    step: str
    at: str
    by: tuple[str, ...]
    witnesses: tuple[str, ...]
    outputs: dict[str, Json]
    items: tuple[str, ...]


def draw_outside(plan: Plan | None, board: Board, chosen: str) -> OutsideForm | None:
    """The form, made for one step where one is chosen; None while the plan cannot be read."""
    if plan is None:
        return None
    done = {step["step"] for step in board["steps"] if step["state"] in {"done", "skipped"} and "[" not in step["path"]}
    steps = [step for step in list_steps(plan) if step["kind"] in {"action", "task"}]
    listed = tuple(
        Doable(one["id"], one["kind"], one["action"] if one["kind"] == "action" else one["name"], one["id"] in done)
        for one in steps
        if one["kind"] in {"action", "task"}
    )
    found = next((one for one in steps if one["id"] == chosen), None)
    if found is None or found["kind"] not in {"action", "task"}:
        return OutsideForm(listed, "", {}, False, False)
    loops = [one for one in list_steps(plan) if one["kind"] in {"for_each", "repeat"}]
    return OutsideForm(
        steps=listed,
        chosen=found["id"],
        fields=fields_of(found),
        in_loop=any(found["path"].startswith(f"{loop['path']}/") for loop in loops),
        gated=found["kind"] == "action" and found["approval"] is not None,
    )


def read_outside(said: Mapping[str, str], plan: Plan | None) -> Stated:
    """What the form says.

    Raises:
        Refused: the step is none, or nobody is named.
    """
    step = said.get("step", "").strip()
    if plan is not None:
        find_doable(plan, step)
    by = _people(said.get("by", ""))
    if not by:
        raise Refused("bad_value", "say who did it, by their ids")
    return Stated(
        step=step,
        at=said.get("at", "").strip() or "now",
        by=by,
        witnesses=_people(said.get("witnesses", "")),
        outputs={
            name.removeprefix(PREFIX): text.strip()
            for name, text in said.items()
            if name.startswith(PREFIX) and text.strip()
        },
        items=tuple(said.get("items", "").replace(",", " ").split()),
    )


def _people(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text.replace(",", " ").split()))[:MOST_PEOPLE]
