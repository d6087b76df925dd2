"""What each kind of step gives to later expressions, as types."""

from collections.abc import Mapping

from schemas.actions import ActionContract
from schemas.plan import TypeSpec
from watchfloor.language.document import (
    Action,
    Decide,
    ForEach,
    Handoff,
    Hold,
    Postmortem,
    Repeat,
    Run,
    Step,
    Task,
    Wait,
)
from watchfloor.language.type_reader import cel_type, field_type

ALWAYS = {"ok": "bool", "status": "string", "at": "timestamp"}
"""Every step that was reached has these, also one that was skipped or failed."""


def outputs_of(step: Step, catalog: Mapping[str, ActionContract], item_type: str) -> dict[str, TypeSpec | str]:
    """Output name -> CEL type, or the declared type where there is one."""
    match step.body:
        case Action(action=action):
            contract = catalog.get(action.value)
            return {} if contract is None else {name: field_type(spec) for name, spec in contract["outputs"].items()}
        case Decide():
            return {"option": "string", "by": "string"}
        case Task(form=form):
            return {each.name.value: each.spec for each in form} | {"by": "string"}
        case Wait():
            return {"timed_out": "bool"}
        case ForEach():
            return {
                "results": "list<map<string,dyn>>",
                "succeeded": f"list<{item_type}>",
                "failed": f"list<{item_type}>",
                "total": "int",
            }
        case Repeat():
            return {"rounds": "int"}
        case Hold():
            return {"hold": "string", "verified": "bool"}
        case Handoff():
            return {"accepted": "bool", "by": "string", "workflow": "string"}
        case Run(each=each, wait=wait, reroute=reroute):
            if each is None:
                outcome: dict[str, TypeSpec | str] = {} if wait is False or reroute else {"outcome": "string"}
                return {"workflow": "string"} | outcome
            return {
                "results": "list<map<string,dyn>>",
                "succeeded": f"list<{item_type}>",
                "failed": f"list<{item_type}>",
                "total": "int",
            }
        case Postmortem():
            return {"workflow": "string"}
    return {}


def cel_of(kind: TypeSpec | str) -> str:
    return kind if isinstance(kind, str) else cel_type(kind)


def is_optional(kind: TypeSpec | str) -> bool:
    return not isinstance(kind, str) and kind.get("optional", False)
