"""What a printed runbook holds: its steps as boxes to tick, who decides, what takes each back, its clocks. Pure.

It is made from the same model as the pictures of a runbook (`watchfloor.language.graph_model`), so paper and screen say
the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.actions import ActionContract
from schemas.plan import ClockPlan, Expr, Plan, Slot, Step, Value
from watchfloor.drawing import join_words
from watchfloor.drawing.words import render_span
from watchfloor.language.graph_clocks import in_words, list_steps
from watchfloor.language.graph_model import Branch, Lane, Node, build_graph, write_value

_KINDS = {
    "gate": "decide first",
    "decide": "decide",
    "task": "task",
    "for_each": "for each",
    "choose": "one of these",
    "parallel": "at the same time",
    "repeat": "again and again",
    "wait": "wait",
    "hold": "legal hold",
    "handoff": "hand over",
    "postmortem": "review",
    "stop": "end",
    "try": "together",
    "run": "another runbook",
}


@dataclass(frozen=True, slots=True)
class Way:
    """Steps that are taken in one case only; `on_trouble` when something went wrong or nobody answered."""

    label: str
    on_trouble: bool
    boxes: tuple["Box", ...]


@dataclass(frozen=True, slots=True)
class Box:
    """One box to tick. `seats` has one line for each person who must sign, with the roles that may.

    `path` is how a record names the step, empty where nothing of it is recorded. `each` where it is done many times.
    """

    number: str
    kind: str
    title: str
    path: str
    does: str
    inputs: tuple[str, ...]
    seats: tuple[str, ...]
    notes: tuple[str, ...]
    undo: str
    each: bool
    final: bool
    inside: tuple["Box", ...]
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A phase, or what is done beside the phases when something happens."""

    title: str
    when: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class PaperClock:
    """A clock with room for the real times. `basis` says whether the law or we set its length."""

    name: str
    title: str
    length: str
    adds: str
    basis: str
    keeps: bool
    starts: str
    stops: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One runbook, ready to be printed. `digest` names the exact plan; two prints with one digest say the same."""

    runbook: str
    version: int
    title: str
    digest: str
    severity: str
    command: str
    compartment: str
    printed_at: datetime
    inputs: tuple[str, ...]
    clocks: tuple[PaperClock, ...]
    phases: tuple[Part, ...]
    tracks: tuple[Part, ...]
    roles: tuple[str, ...]
    closes: str


def make_sheet(plan: Plan, digest: str, catalog: Mapping[str, ActionContract], *, printed_at: datetime) -> Sheet:
    """The sheet of one compiled runbook; everything stands in the order in which its author wrote it."""
    graph = build_graph(plan)
    writer = _Writer(plan, catalog)
    return Sheet(
        runbook=plan["id"],
        version=plan["version"],
        title=plan["title"],
        digest=digest,
        severity=plan["severity"],
        command=plan["command"],
        compartment=plan["compartment"],
        printed_at=printed_at,
        inputs=tuple(plan["inputs"]),
        clocks=tuple(_clock(name, clock, plan) for name, clock in plan["clocks"].items()),
        phases=tuple(writer.part(lane, f"{nth}") for nth, lane in enumerate(graph.phases, 1)),
        tracks=tuple(writer.part(lane, chr(ord("A") + nth % 26)) for nth, lane in enumerate(graph.tracks)),
        roles=_list_roles(plan),
        closes=graph.close_when,
    )


class _Writer:
    """Turns nodes of the graph into boxes, with what only the plan and the catalogue know."""

    def __init__(self, plan: Plan, catalog: Mapping[str, ActionContract]) -> None:
        self._steps = {step["path"]: step for step in list_steps(plan)}
        self._catalog = catalog

    def part(self, lane: Lane, number: str) -> Part:
        return Part(lane.label, lane.note, self._boxes(lane.nodes, number, each=False))

    def _boxes(self, nodes: Sequence[Node], above: str, *, each: bool) -> tuple[Box, ...]:
        return tuple(self._box(node, f"{above}.{nth}", each) for nth, node in enumerate(nodes, 1))

    def _box(self, node: Node, number: str, each: bool) -> Box:
        step = self._steps[node.key.removesuffix("?")]
        gate = node.kind == "gate"
        action = step if step["kind"] == "action" and not gate else None
        slots = _seats(step, gate)
        many = each or node.kind in {"for_each", "repeat"}
        return Box(
            number=number,
            kind=_KINDS.get(node.kind, "do"),
            title=f"{step['id']}: is it to be done?" if gate else node.title,
            path=step["path"] if node.kind in {"action", "task"} else "",
            does=self._does(step) if action else _coded(node),
            inputs=tuple(f"{name}: {_written(value)}" for name, value in action["with_"].items()) if action else (),
            seats=tuple(" or ".join(slot["any_of"]) for slot in slots),
            notes=(*((f"only if {step['cond']['src']}",) if gate and step["cond"] else ()), *node.lines),
            undo=self._undo(step) if action else node.undo,
            each=each,
            final=bool(action and action["irreversible"]),
            inside=self._boxes(node.body, number, each=many),
            ways=tuple(self._way(way, f"{number}{chr(97 + nth % 26)}", each) for nth, way in enumerate(_taken(node))),
        )

    def _way(self, way: Branch, number: str, each: bool) -> Way:
        return Way(way.label, way.flow == "exception", self._boxes(way.nodes, number, each=each))

    def _does(self, step: Step) -> str:
        if step["kind"] != "action":
            return ""
        return f"{step['action']} ({step['effect']})" + self._doc(step["action"], ": ")

    def _undo(self, step: Step) -> str:
        if step["kind"] != "action":
            return ""
        undo = step["undo"]
        if undo is None:
            if step["effect"] == "reads":
                return ""
            return "nothing takes it back" if step["irreversible"] else "nothing takes it back by itself"
        on = f", when {join_words(undo['on'], 'or')}" if undo["on"] else ""
        return f"taken back by {undo['action']}{on}" + self._doc(undo["action"], ". ")

    def _doc(self, action: str, between: str) -> str:
        contract = self._catalog.get(action)
        return between + contract["doc"].replace("`", "") if contract else ""


def _taken(node: Node) -> Iterator[Branch]:
    """The ways out of a node that hold something to do or to know; that it simply goes on is no way on paper."""
    for branch in node.beside:
        if branch.nodes or branch.flow == "chosen":
            yield branch


def _coded(node: Node) -> str:
    return node.code if node.kind in {"for_each", "repeat", "hold", "run", "stop"} else ""


def _seats(step: Step, gate: bool) -> Sequence[Slot]:
    match step["kind"]:
        case "action" if gate and step["approval"] is not None:
            return step["approval"]["slots"]
        case "decide":
            return step["slots"]
        case "task":
            return [step["assignee"]]
        case "postmortem":
            return [step["facilitator"]]
        case "handoff":
            return step["slots"]
        case _:
            return []


def _written(value: Value) -> str:
    literal = value.get("lit")
    return join_words([str(one) for one in literal]) if isinstance(literal, list) else write_value(value)


def _clock(name: str, clock: ClockPlan, plan: Plan) -> PaperClock:
    law = clock["law"]
    counted = law["duration"] is not None or law["business_days"] is not None or law["months"] is not None
    if law["duration"] is not None:
        length = render_span(law["duration"])
    elif law["business_days"] is not None:
        length = f"{law['business_days']} business days"
    elif law["months"] is not None:
        length = f"{law['months']} months"
    else:
        length = "promptly"
    objective = render_span(law["internal_slo"]) if law["internal_slo"] is not None else ""
    if law["basis"] == "P":
        basis = f"our own objective: {law['legal_ref']}"
    else:
        basis = f"{'law' if counted else 'law, which gives no number; the objective is ours'}: {law['legal_ref']}"
    if law["basis"] in {"S", "T"}:
        basis += " (reading not verified: ask counsel)"
    notes = _known_from(plan, clock["start"], clock["stop"])
    if clock["restart"]:
        notes.append(f"begins anew: {clock['restart']['src']}")
    for reason, rule in clock.get("pause", {}).items():
        notes.append(f"stands still ({reason.replace('_', ' ')}): {rule['since']['src']} to {rule['until']['src']}")
    if clock["warn"]:
        notes.append(f"look at it at {', '.join(in_words(warn) for warn in clock['warn'])}")
    if clock["on_breach"]:
        notes.append(f"missed: tell {join_words([page['page'] for page in clock['on_breach']])}")
    if clock["on_close"]:
        notes.append(f"still running at the end: {clock['on_close']} has it")
    return PaperClock(
        name=name,
        title=law["title"],
        length=length if counted or not objective else f"promptly, ours {objective}",
        adds=length if counted else f"{objective}, our objective" if objective else "promptly",
        basis=basis,
        keeps=law["kind"] in {"min_retention", "max_retention"},
        starts=clock["start"]["src"],
        stops=clock["stop"]["src"] if clock["stop"] else "",
        notes=tuple(notes),
    )


def _known_from(plan: Plan, *exprs: Expr | None) -> list[str]:
    """Where the facts that start and stop a clock come from."""
    names = dict.fromkeys(
        variable.removeprefix("has.").split(".")[1]
        for expr in exprs
        if expr is not None
        for variable in expr["vars"]
        if variable.removeprefix("has.").startswith("facts.")
    )
    return [
        f"{name} is known from {join_words(plan['facts'][name]['sources'], 'or')}"
        for name in names
        if name in plan["facts"]
    ]


def _list_roles(plan: Plan) -> tuple[str, ...]:
    """Every role that the runbook may need, the commander first, in the order in which it names them."""
    found: dict[str, None] = {"incident_commander": None, "deputy": None}

    def gather(value: object) -> None:
        if isinstance(value, dict):
            for key, one in value.items():
                if key in {"any_of", "escalate", "ask"} and isinstance(one, list):
                    found.update(dict.fromkeys(text for text in one if isinstance(text, str)))
                gather(one)
        elif isinstance(value, list):
            for one in value:
                gather(one)

    gather(plan["phases"])
    gather(plan["tracks"])
    for clock in plan["clocks"].values():
        found.update(dict.fromkeys(page["page"] for page in clock["on_breach"]))
        if clock["on_close"]:
            found[clock["on_close"]] = None
    for step in list_steps(plan):
        if step["kind"] == "action" and step["action"] == "page":
            role: Mapping[str, object] = step["with_"].get("role") or {}
            if isinstance(role.get("lit"), str):
                found[str(role["lit"])] = None
    return tuple(found)
