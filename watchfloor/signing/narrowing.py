"""Approving less than was asked: what is less, and what was left out. Pure.

Less is what the action's contract declares as such (`schemas.decision.Narrowing`) and nothing else: a list without some
of its items, in its order; a scope inside the scope that was asked for. The validator and the handler measure a
narrowing against what is asked now, the activity of the effect measures its call against what was asked first.
"""

from collections.abc import Mapping
from typing import Any

from schemas.decision import Narrowed, Narrowing, RefusalType
from schemas.json_value import Json
from watchfloor.signing.canonical import canonical, digest
from watchfloor.signing.gates import Refusal

MAX_NARROWINGS = 10
"""How often one ask may be narrowed; each time everybody is asked anew."""


def find_fault(narrows: Mapping[str, Narrowing], inputs: Mapping[str, Json], about: Mapping[str, Json]) -> str:
    """What is wrong with a narrowing, in words for who says it; empty when it asks for less than the inputs do.

    Args:
        narrows: the inputs that may be narrowed, and how.
        inputs: what is asked now.
        about: of the motion; `inputs` maps each narrowed input to what is to be left of it.
    """
    wanted = about.get("inputs")
    if set(about) != {"inputs"} or not isinstance(wanted, dict) or not wanted:
        return "`about` of a narrowing is `inputs`: each narrowed input with what is to be left of it"
    for name, value in wanted.items():
        if name not in narrows or name not in inputs:
            can = ", ".join(one for one in narrows if one in inputs)
            return f"`{name[:64]}` cannot be narrowed here; what can is: {can}"
        misfit = find_misfit(narrows[name], inputs[name], value)
        if misfit:
            return f"`{name}`: {misfit}"
    return ""


def find_misfit(how: Narrowing, asked: Json, wanted: Json) -> str:
    """Why one value is not less than another, as found and expected; empty when it is."""
    if how["by"] == "items":
        return _find_item_misfit(asked, wanted)
    inside = list_inside(how, asked)
    if isinstance(wanted, str) and wanted in inside:
        return ""
    if not inside:
        return f"nothing smaller than {_show(asked)} is declared; approve it, or say no"
    return f"found {_show(wanted)}, expected a scope inside {_show(asked)}: {', '.join(inside)}"


def list_inside(how: Narrowing, scope: Json) -> list[str]:
    """Every scope inside a scope, nearest first; without itself."""
    order = how.get("inside", {})
    found: list[str] = []
    near = [scope] if isinstance(scope, str) else []
    while near:
        for one in order.get(near.pop(0), ()):
            if one not in found and one != scope:
                found.append(one)
                near.append(one)
    return found


def list_left_out(asked: Json, left: Json) -> list[Json]:
    """The items of a list that are not in what was left of it, in their order."""
    if not isinstance(asked, list) or not isinstance(left, list):
        return []
    kept = [canonical(one) for one in left]
    out: list[Json] = []
    for one in asked:
        if kept and canonical(one) == kept[0]:
            kept.pop(0)
        else:
            out.append(one)
    return out


def describe_left_out(narrowed: Narrowed) -> dict[str, Json]:
    """What was left out, by input: of a list how many of how many and a digest of them, of a scope from which to which.

    Holds no item: it goes into the ledger and into the step's result.
    """
    said: dict[str, Json] = {}
    for name, asked in narrowed["original"].items():
        left = narrowed["to"][name]
        if isinstance(asked, list):
            out = list_left_out(asked, left)
            said[name] = {"left_out": len(out), "of": len(asked), "digest": digest(out)}
        else:
            said[name] = {"from": asked, "to": left, "digest": digest({"from": asked, "to": left})}
    return said


def tell_left_out(said: Mapping[str, Any]) -> str:
    """What `describe_left_out` gives, in a few words."""
    return ", ".join(
        f"{name}: {one['left_out']} of {one['of']} left out"
        if "of" in one
        else f"{name}: {one['to']}, not {one['from']}"
        for name, one in said.items()
    )


def refuse_narrowed(
    asked: Mapping[str, Any], inputs: Mapping[str, Json], narrows: Mapping[str, Narrowing]
) -> Refusal | None:
    """Check at the effect that what deciders were shown as narrowed is less than was asked first, and is what is done.

    Args:
        asked: of the grant; its digest is what the deciders signed.
        inputs: of the call.
        narrows: what the action's contract lets be narrowed, whatever the plan or the run say.

    Raises:
        KeyError, TypeError, AttributeError: it is not well formed.
    """
    if "narrowed" not in asked:
        return None
    original, to = asked["narrowed"]["original"], asked["narrowed"]["to"]
    if not to or set(original) != set(to):
        return Refusal(RefusalType.CHANGED, "what was narrowed is not told whole")
    for name, left in to.items():
        if name not in narrows:
            return Refusal(RefusalType.CHANGED, f"`{name[:64]}` of this action cannot be narrowed")
        if name not in inputs or canonical(inputs[name]) != canonical(left):
            return Refusal(RefusalType.CHANGED, f"the call is not over what was left of `{name}`")
        if find_misfit(narrows[name], original[name], left):
            return Refusal(RefusalType.CHANGED, f"`{name}` of the call is not less than what was asked first")
    return None


def _find_item_misfit(asked: Json, wanted: Json) -> str:
    if not isinstance(asked, list) or not isinstance(wanted, list):
        return f"found {type(wanted).__name__}, expected a list"
    if not wanted:
        return "found an empty list, expected at least one item; to approve nothing, say no"
    if len(wanted) >= len(asked):
        return f"found {len(wanted)} items, expected fewer than the {len(asked)} that are asked for"
    rest = map(canonical, asked)
    for place, one in enumerate(map(canonical, wanted)):
        if not any(each == one for each in rest):
            return f"item {place + 1} is not among what is asked for, or not in its order; leave items out, add none"
    return ""


def _show(value: Json) -> str:
    return f"`{value[:64]}`" if isinstance(value, str) else type(value).__name__
