"""Rules of what people did outside a run, the same for who sends it and for the run that takes it. Pure."""

from collections.abc import Mapping

from schemas.plan import ActionStep, Step, TaskStep, TypeSpec

RECORDING = ("incident_commander", "deputy", "ops_lead")
"""Who may record what was done outside at any step; whoever has a seat at a step may record it there too."""
TWO_FOR = frozenset({"2", "3", "L"})
"""Tiers of which one person's word is not enough."""
MOST_OUTSIDE, MOST_PAPER = 500, 200
"""Records that one run takes."""


def needs_second(step: Step) -> bool:
    """Whether one person's word is too little: a gate with two seats, or a tier that says so."""
    if step["kind"] != "action":
        return False
    approval = step["approval"]
    return (approval is not None and len(approval["slots"]) > 1) or step["tier"] in TWO_FOR


def find_recording(step: Step) -> tuple[str, ...]:
    """Roles that may say that this step was done outside, those with a seat at it first."""
    slots = step["approval"]["slots"] if step["kind"] == "action" and step["approval"] is not None else []
    if step["kind"] == "task":
        slots = [step["assignee"]]
    return tuple(dict.fromkeys([*(role for slot in slots for role in slot["any_of"]), *RECORDING]))


def fields_of(step: ActionStep | TaskStep) -> Mapping[str, TypeSpec]:
    """What a record of this step states: an action's outputs, a task's form."""
    return step["outputs"] if step["kind"] == "action" else step["form"]


def options_of(step: Step) -> tuple[str, ...]:
    """What can be decided at a step."""
    if step["kind"] == "action" and step["approval"] is not None:
        return ("approve", "deny")
    return tuple(step["options"]) if step["kind"] == "decide" else ()
