"""Every way a plan can be weakened that the language has a word for, found by walking the plan.

Each mutation is a copy of the plan with one thing changed. Reversed, it is a strengthening, unless it says that it is
not.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from activities.catalog import CATALOG
from watchfloor.language import compile_text, load_register

ROOT = Path(__file__).resolve().parents[2]
REGISTER = load_register(ROOT / "runbooks" / "clocks.yaml")
SHIPPED = ROOT / "runbooks" / "eu-tco-removal-order" / "runbook.yaml"
FOUR_EYES = ROOT / "tests" / "fixtures" / "runbooks" / "four-eyes-deletion" / "runbook.yaml"
EXAMPLE = ROOT / "tests" / "language" / "example.yaml"
Plan = dict[str, Any]


@cache
def compiled(path: Path) -> Any:
    made = compile_text(path.read_bytes(), path=path.name, catalog=CATALOG, register=REGISTER)
    assert made.plan is not None, [finding.message for finding in made.findings]
    return made


def plan_of(path: Path) -> Plan:
    return deepcopy(compiled(path).plan)


@dataclass(frozen=True)
class Mutation:
    """A weaker plan. `area` is the first word of the kind that must be told.

    `reversible` says that its reverse is a strengthening.
    """

    name: str
    area: str
    plan: Plan
    reversible: bool = True


Change = Callable[[dict[str, Any]], object]


def steps_of(node: Any) -> Iterator[tuple[list[Any], int]]:
    """Every step of a plan, as the list that holds it and its place."""
    if isinstance(node, dict):
        for value in node.values():
            yield from steps_of(value)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            if isinstance(value, dict) and {"id", "kind", "path"} <= value.keys():
                yield node, index
            yield from steps_of(value)


def weakenings(plan: Plan) -> list[Mutation]:
    made: list[Mutation] = []

    def at_step(number: int, name: str, area: str, change: Change, reversible: bool = True) -> None:
        copy = deepcopy(plan)
        holder, index = list(steps_of(copy))[number]
        change(holder[index])
        made.append(Mutation(f"{holder[index]['id']}: {name}", area, copy, reversible))

    def at_top(name: str, area: str, change: Change, reversible: bool = True) -> None:
        copy = deepcopy(plan)
        change(copy)
        made.append(Mutation(name, area, copy, reversible))

    for number, (holder, index) in enumerate(steps_of(plan)):
        step = holder[index]
        for name, area, change, reversible in _step_weakenings(step):
            at_step(number, name, area, change, reversible)
        if len(holder) > 1 and _protects(step):
            copy = deepcopy(plan)
            copied, place = list(steps_of(copy))[number]
            del copied[place]
            # put back, what it holds may newly share or act
            made.append(Mutation(f"{step['id']}: gone", "step", copy, not any(steps_of(step))))
    for name in plan["clocks"]:
        for said, change, reversible in _clock_weakenings(plan["clocks"][name]):
            at_top(f"clock {name}: {said}", "clock", lambda p, n=name, c=change: c(p["clocks"][n]), reversible)
        at_top(f"clock {name}: gone", "clock", lambda p, n=name: p["clocks"].pop(n))
    for name, fact in plan["facts"].items():
        at_top(f"fact {name}: source", "fact", lambda p, n=name: p["facts"][n]["sources"].append("somebody"))
        if fact["revise"] is None:
            revise = {"by": ["ops_lead"], "reason": "required"}
            at_top(f"fact {name}: revise", "fact", lambda p, n=name, r=revise: p["facts"][n].update(revise=r))
        else:
            at_top(f"fact {name}: revise", "fact", lambda p, n=name: p["facts"][n]["revise"]["by"].append("ops_lead"))
    for number, track in enumerate(plan["tracks"]):
        at_top(f"track {track['id']}: gone", "track", lambda p, n=number: p["tracks"].pop(n), False)
        at_top(f"track {track['id']}: when", "track", lambda p, n=number: _narrow(p["tracks"][n], "when"))
    if plan["close_when"] is not None:
        at_top("close_when gone", "close", lambda p: p.update(close_when=None))
        at_top("close_when wider", "close", lambda p: _widen(p, "close_when"))
    at_top("severity", "severity", lambda p: p.update(severity="S4"))
    for number in range(len(plan["floors"])):
        at_top(f"floor {number} gone", "severity", lambda p, n=number: p["floors"].pop(n))
        at_top(f"floor {number} lower", "severity", lambda p, n=number: p["floors"][n].update(at_least="S4"))
    at_top("regions", "share", lambda p: p["allowed_regions"].append("elsewhere"))
    return [each for each in made if each.plan != plan]


def _protects(step: dict[str, Any]) -> bool:
    return step["kind"] in {"decide", "task", "hold", "postmortem"} or (
        step["kind"] == "action" and step["effect"] in {"reads", "restricts"}
    )


def _step_weakenings(step: dict[str, Any]) -> Iterator[tuple[str, str, Change, bool]]:
    if _protects(step):
        yield "condition", "condition", lambda s: _narrow(s, "cond"), True
    if step["on_error"] == "fail":
        yield "on_error", "error", lambda s: s.update(on_error="continue"), True
    gates = []
    match step["kind"]:
        case "action":
            gates = [("approval", "gate")] if step["approval"] else []
            yield from _action_weakenings(step)
        case "decide":
            gates = [("", "decision")]
        case "task":
            yield "assignee", "decision", lambda s: s["assignee"]["any_of"].append("visitor"), True
            yield "window", "decision", lambda s: s.update(within=s["within"] * 3), True
            yield from _silence_weakenings(step["on_silence"], lambda s: s["on_silence"])
            if any(item["required"] for item in step.get("checklist", ())):
                yield "checklist", "decision", lambda s: s.update(checklist=s["checklist"][1:]), True
            for field in step["form"]:
                yield f"form {field}", "decision", lambda s, f=field: s["form"].pop(f), True
        case "wait" if step["on_timeout"] == "fail":
            yield "on_timeout", "silence", lambda s: s.update(on_timeout="continue"), True
        case "parallel" if step["join"] == "all":
            yield "join", "loop", lambda s: s.update(join="any"), True
        case "for_each" if step["on_item_error"] == "fail":
            yield "items", "loop", lambda s: s.update(on_item_error="collect"), True
        case "repeat":
            yield "until", "loop", lambda s: _widen(s, "until"), True
            if step["on_exhausted"] != "continue":
                yield "exhausted", "silence", lambda s: s.update(on_exhausted="continue"), False
        case "hold":
            yield "release wider", "hold", lambda s: s["release"][0]["any_of"].append("visitor"), True
            yield "release fewer", "hold", lambda s: s["release"].pop(), True
            yield "source", "hold", lambda s: s["sources"].pop(), True
            yield "scope", "hold", lambda s: s["scope"].popitem(), True
            yield "basis", "hold", lambda s: s["law"].update(months=1), True
            if step["storage"] == "compliance":
                yield "storage", "hold", lambda s: s.update(storage="governance"), True
        case "handoff":
            more = {
                "label": "inputs.more",
                "value": {"src": "inputs.more", "cel": "inputs.more", "vars": {}, "type": "string"},
            }
            yield "shares more", "share", lambda s: s["share"].append(more), True
            yield "to", "share", lambda s: s.update(to="elsewhere"), False
            yield "within", "handoff", lambda s: s.update(accept_within=s["accept_within"] * 4), True
        case "postmortem":
            yield "lead", "review", lambda s: s["facilitator"]["any_of"].append("visitor"), True
            yield "later", "review", lambda s: s.update(business_days=99, within_text="99bd"), True
    for key, area in gates:
        yield from _gate_weakenings(step[key] if key else step, area, (lambda s, k=key: s[k]) if key else (lambda s: s))
    for fact in step["records"]:
        yield f"records {fact}", "fact", lambda s, f=fact: s["records"].update({f: _expr("now")}), False


def _gate_weakenings(
    gate: dict[str, Any], area: str, get: Callable[[dict[str, Any]], dict[str, Any]]
) -> Iterator[tuple[str, str, Change, bool]]:
    yield "seat wider", area, lambda s: get(s)["slots"][0]["any_of"].append("visitor"), True
    yield "seat of others", area, lambda s: get(s)["slots"].__setitem__(0, {"any_of": ["visitor"]}), False
    if len(gate["slots"]) > 1:
        yield "seat gone", area, lambda s: get(s)["slots"].pop(), True
    if gate["exclude"]:
        yield "not", area, lambda s: get(s).update(exclude=[]), True
    if gate["remind"]:
        yield "remind", area, lambda s: get(s)["remind"].pop(), True
    if gate["show"]:
        yield "show", area, lambda s: get(s)["show"].pop(), True
    if isinstance(gate["within"], float):
        yield "window", area, lambda s: get(s).update(within=get(s)["within"] + 60), True
    yield from _silence_weakenings(gate["on_silence"], lambda s: get(s)["on_silence"])
    if area == "gate":
        yield "gone", "gate", lambda s: s.update(approval=None), True
        if gate["on_deny"] in ("stop", "fail"):
            steps = [{"id": "x", "kind": "wait", "path": "x", "at": "1:1", "cond": None}]
            yield "no goes on", "gate", lambda s: get(s).update(on_deny=steps), False


def _silence_weakenings(
    silence: dict[str, Any], get: Callable[[dict[str, Any]], dict[str, Any]]
) -> Iterator[tuple[str, str, Change, bool]]:
    if silence["escalate"]:
        yield "escalates to nobody", "silence", lambda s: get(s).update(escalate=[]), True
        yield "escalates slower", "silence", lambda s: get(s).update(rung=get(s)["rung"] * 3), True


def _action_weakenings(step: dict[str, Any]) -> Iterator[tuple[str, str, Change, bool]]:
    if step["undo"] is not None:
        yield "undo gone", "undo", lambda s: s.update(undo=None), True
        if step["undo"]["on"]:
            yield "undo on", "undo", lambda s: s["undo"].update(on=[]), True
    yield (
        "deletes",
        "effect",
        lambda s: s.update(action="content.purge", effect="destroys", irreversible=True, tier="2", approval=None),
        False,
    )


def _clock_weakenings(clock: dict[str, Any]) -> Iterator[tuple[str, Change, bool]]:
    law = clock["law"]
    if law["duration"] is not None and law["kind"] == "deadline":
        yield "law longer", lambda c: c["law"].update(duration=c["law"]["duration"] * 2), True
    if law["internal_slo"] is not None:
        yield "objective longer", lambda c: c["law"].update(internal_slo=c["law"]["internal_slo"] * 2), True
    if law["kind"] == "min_retention" and law["months"]:
        yield "kept shorter", lambda c: c["law"].update(months=1), True
    other = {"src": "now", "cel": "now", "vars": {}, "type": "timestamp"}
    yield "start", lambda c: c.update(start=other), False
    if clock["stop"] is not None:
        yield "stop", lambda c: c.update(stop=other), False
    yield "restart", lambda c: c.update(restart=other), clock["restart"] is None
    if clock["warn"]:
        yield "warning gone", lambda c: c["warn"].pop(), True
        yield "warning later", lambda c: c["warn"].__setitem__(0, 3000.0), False
    if clock["on_breach"]:
        yield "breach", lambda c: c["on_breach"].pop(), True
    if clock["on_close"]:
        yield "owner", lambda c: c.update(on_close=None), True
    yield "if", lambda c: c.update(cond=_expr("has(facts.rare)")), True


def _expr(src: str) -> dict[str, Any]:
    return {"src": src, "cel": src, "vars": {}, "type": "bool"}


def _narrow(holder: dict[str, Any], key: str) -> None:
    before = holder[key]
    holder[key] = _expr("inputs.rare" if before is None else f"({before['src']}) && inputs.rare")


def _widen(holder: dict[str, Any], key: str) -> None:
    holder[key] = _expr(f"({holder[key]['src']}) || inputs.often")
