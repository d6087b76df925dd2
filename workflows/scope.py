"""Where a step stands: its runtime path, the names it can see, the part of the walk that can stop it."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from schemas.incident import Carried, IncidentStart, KeptFrame
from schemas.json_value import Json
from watchfloor.expressions import MISSING, Missing
from watchfloor.signing import parse_instant
from workflows.halt import Halt
from workflows.jurisdictions import find_places
from workflows.plans import Loaded


@dataclass(frozen=True, slots=True)
class Frame:
    """One nesting of the walk. Immutable; blocks make new ones for what is inside them.

    `prefixes` maps the static path of each loop around to its runtime path with the iteration, outermost first.
    `items` are the loops' items by their names, `item` the innermost one (part of idempotency keys).
    `last` is the previous round of the innermost `repeat`: step id -> outputs.
    `caught` says that a failure in here is handled by a block around, so nobody is asked about it.
    """

    halt: Halt
    prefixes: tuple[tuple[str, str], ...] = ()
    items: dict[str, Json] = field(default_factory=dict)
    item: Json = None
    last: dict[str, dict[str, Json]] | None = None
    caught: bool = False

    def locate(self, static: str) -> str:
        """The runtime path of a static one: the innermost loop around gives the iterations."""
        for inner, runtime in reversed(self.prefixes):
            if static.startswith(f"{inner}/"):
                return runtime + static[len(inner) :]
        return static

    def inside(
        self,
        *,
        halt: Halt | None = None,
        caught: bool | None = None,
    ) -> "Frame":
        """The frame of a block without a loop."""
        return replace(self, halt=self.halt if halt is None else halt, caught=self.caught if caught is None else caught)

    def looping(self, static: str, runtime: str) -> "Frame":
        """The frame of one iteration of the loop at `static`."""
        return replace(self, prefixes=(*self.prefixes, (static, runtime)))

    def naming(self, name: str, item: Json) -> "Frame":
        """With a loop's item under its name."""
        return replace(self, items={**self.items, name: item}, item=item)

    def after_round(self, last: dict[str, dict[str, Json]] | None) -> "Frame":
        """With the outputs of a finished round of `repeat`."""
        return replace(self, last=last)


def keep_frame(frame: Frame) -> KeptFrame:
    """What a later execution needs to stand where this frame stands."""
    prefixes = [[static, runtime] for static, runtime in frame.prefixes]
    return {"prefixes": prefixes, "items": dict(frame.items), "item": frame.item}


def find_frame(kept: KeptFrame, halt: Halt) -> Frame:
    """The frame that was kept, under another halt; the rounds of a `repeat` around are not seen any more."""
    prefixes = tuple((static, runtime) for static, runtime in kept["prefixes"])
    return Frame(halt=halt, prefixes=prefixes, items=dict(kept["items"]), item=kept["item"])


class Scope:
    """Looks variables up in a run's state. Reads only; `now` comes from workflow time."""

    def __init__(self, start: IncidentStart, loaded: Loaded, state: Carried) -> None:
        self._start = start
        self._loaded = loaded
        self._state = state

    def find(self, name: str, frame: Frame, now: str) -> Json | Missing:
        """The value of a dotted variable, or `MISSING`."""
        root, _, rest = name.partition(".")
        parts = rest.split(".") if rest else []
        if root in frame.items:
            return _descend(frame.items[root], parts)
        match root:
            case "inputs":
                return _descend(self._start["inputs"], parts)
            case "facts":
                return self._find_fact(parts)
            case "steps":
                return self._find_output(parts, frame)
            case "last":
                return _descend(frame.last, parts)
            case "incident" if parts and parts[0] == "jurisdictions":
                where = self.find_jurisdictions(frame, now)
                return sorted({place for places in where.values() for place in places})
            case "incident" if parts and parts[0] == "jurisdiction_of":
                return _descend(dict[str, Json](self.find_jurisdictions(frame, now)), parts[1:])
            case "incident":
                return _descend(self._describe(), parts)
            case "now":
                return now
        return MISSING

    def outputs_below(self, loop: str, frame: Frame) -> dict[str, dict[str, Json]]:
        """The outputs of the finished steps right inside a loop, of the iteration that `frame` stands in."""
        found: dict[str, dict[str, Json]] = {}
        for step_id, placed in self._loaded.steps.items():
            if placed.loops and placed.loops[-1] == loop:
                result = self._state["results"].get(frame.locate(placed.step["path"]))
                if result is not None:
                    found[step_id] = visible(result)
        return found

    def _find_fact(self, parts: list[str]) -> Json | Missing:
        fact = self._state["facts"].get(parts[0]) if parts else None
        if fact is None:
            return MISSING
        if parts[1:] == ["at"]:
            return fact["at"]
        return _descend(fact["value"], parts[1:])

    def _find_output(self, parts: list[str], frame: Frame) -> Json | Missing:
        placed = self._loaded.steps.get(parts[0]) if parts else None
        if placed is None:
            return MISSING
        around = [static for static, _ in frame.prefixes]
        if any(loop not in around for loop in placed.loops):
            return MISSING
        result = self._state["results"].get(frame.locate(placed.step["path"]))
        return MISSING if result is None else _descend(visible(result), parts[1:])

    def find_jurisdictions(self, frame: Frame, now: str) -> dict[str, list[str]]:
        """Role -> places, from what the runbook declares; it reads inputs and facts only."""
        return find_places(
            self._loaded.plan.get("jurisdictions", {}), lambda name: self.find(name, Frame(halt=frame.halt), now)
        )

    def _find_knowledge(self) -> str:
        """When it was first known, by whichever delivery of the same thing knew of it first."""
        trigger = self._start["trigger"]
        first = trigger.get("known_at") or trigger["received_at"]
        return min([first, *(one["known_at"] for one in self._state.get("merged", []))], key=_at)

    def _describe(self) -> dict[str, Json]:
        start, plan, state = self._start, self._loaded.plan, self._state
        given = start.get("given")
        return {
            "id": start["incident"],
            "region": start["region"],
            "runbook": plan["id"],
            "version": plan["version"],
            "title": plan["title"],
            "harm": plan["harm"],
            "mode": state["taken"].get("!mode", plan["mode"]),
            "compartment": (given["compartment"] if given else "") or plan["compartment"],
            "severity": state["severity"],
            "phase": state["phase"],
            "opened_at": state["opened_at"],
            "requester": start["requester"],
            "commander": state["commander"]["person"],
            "commanding_region": state["commander"]["region"],
            "source": start["trigger"]["source"],
            "received_at": start["trigger"]["received_at"],
            "known_at": self._find_knowledge(),
        }


def _at(text: str) -> datetime:
    return parse_instant(text)


def visible(result: dict[str, Json]) -> dict[str, Json]:
    """What expressions see of a step's result: its outputs, and `ok`, `status`, `at`."""
    return {**result["outputs"], "ok": result["ok"], "status": result["status"], "at": result["at"]}


def _descend(value: Json, parts: list[str]) -> Json | Missing:
    for part in parts:
        if not isinstance(value, dict) or part not in value:
            return MISSING
        value = value[part]
    return MISSING if value is None else value
