"""What a comparison of two runbooks says: changes, how dangerous each is, where it stands in both files."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from schemas.plan import Duration, Plan
from watchfloor.language.nodes import Mapping, Node, Scalar, Sequence


class Danger(IntEnum):
    """What a change does to safety. `LOOK`: a reviewer must judge it, the compiler cannot."""

    WEAKER = 0
    LOOK = 1
    STRONGER = 2


WORDS = {Danger.WEAKER: "weaker", Danger.LOOK: "look", Danger.STRONGER: "stronger"}

ORDER = (
    *("effect", "gate", "decision", "share", "order", "silence", "clock", "hold", "undo", "fact", "track", "error"),
    *("condition", "step", "close", "severity", "handoff", "regions", "review", "loop", "run", "input", "time"),
)
"""Areas, the most telling first: the first word of a change's kind."""


@dataclass(frozen=True, slots=True)
class Place:
    """Line and column, from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What comparing one thing gave, before it is known where it stands.

    Attributes:
        kind: a stable name, `gate.seats`; its first word is an area of `ORDER`.
        message: lower case, names in backticks, no final stop.
        before, after: what stood there and what stands there; empty for nothing.
        keys: the way to the place below the step, as written in the runbook.
    """

    danger: Danger
    kind: str
    message: str
    before: str = ""
    after: str = ""
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One change by meaning. `subject` is a step's path, or a part of the document: `clocks.removal`."""

    danger: Danger
    kind: str
    subject: str
    message: str
    before: str = ""
    after: str = ""
    old_at: Place | None = None
    new_at: Place | None = None

    @property
    def rank(self) -> tuple[int, int, int, int, str, str]:
        """Dangerous first, then by area, then by place."""
        area = self.kind.partition(".")[0]
        weight = ORDER.index(area) if area in ORDER else len(ORDER)
        place = self.new_at or self.old_at or Place(0, 0)
        return (self.danger, weight, place.line, place.column, self.kind, self.message)


@dataclass(frozen=True, slots=True)
class Pair:
    """The two plans of a comparison."""

    old: Plan
    new: Plan

    def seconds(self, duration: Duration | None, plan: Plan) -> float | None:
        """Seconds of a duration; None for nothing, or for a share of a clock that has no length in seconds."""
        if duration is None or isinstance(duration, int | float):
            return duration
        clock = plan["clocks"].get(duration["of"])
        length = None if clock is None else clock["law"]["duration"] or clock["law"]["internal_slo"]
        return None if length is None else length * duration["share"]


@dataclass(frozen=True, slots=True)
class Places:
    """Where the parts of a runbook stand in its file."""

    root: Node | None
    steps: dict[str, Mapping] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Node | None) -> "Places":
        """Index every mapping that has an id by where that stands, as a plan names its steps: `line:column`."""
        steps: dict[str, Mapping] = {}
        todo: list[Node] = [] if root is None else [root]
        while todo:
            node = todo.pop()
            if isinstance(node, Mapping):
                id_ = node.get("id")
                if id_ is not None:
                    steps[f"{id_.span.line}:{id_.span.column}"] = node
                todo += [value for _, value in node.entries]
            elif isinstance(node, Sequence):
                todo += node.items
        return cls(root, steps)

    def step(self, at: str, keys: tuple[str, ...] = ()) -> Place:
        """The place of a key of a step, or of the nearest key above it that is written."""
        line, _, column = at.partition(":")
        return self._below(self.steps.get(at), keys) or Place(int(line), int(column))

    def top(self, *keys: str) -> Place:
        """The place of a key of the document, or of the nearest key above it that is written."""
        return self._below(self.root, keys) or Place(1, 1)

    def _below(self, node: Node | None, keys: tuple[str, ...]) -> Place | None:
        found: Place | None = None
        for key in keys:
            entry = self._entry(node, key)
            if entry is None:
                break
            name, node = entry
            found = Place(name.span.line, name.span.column)
        return found

    @staticmethod
    def _entry(node: Node | None, key: str) -> tuple[Scalar, Node] | None:
        if isinstance(node, Sequence):
            # a list of things with an id, or of single names: phases, tracks
            for item in node.items:
                if isinstance(item, Mapping):
                    named = item.get("id")
                    if isinstance(named, Scalar) and named.value == key:
                        return named, item
                    if len(item.entries) == 1 and item.entries[0][0].value == key:
                        return item.entries[0]
            return None
        if isinstance(node, Mapping):
            return next(((name, value) for name, value in node.entries if name.value == key), None)
        return None


def render_value(value: Any) -> str:
    """A piece of a plan as a reader would write it; not meant to be read back."""
    if value is None or value in ([], {}):
        return ""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"{value:g}"
        case str():
            return value
        case {"share": share, "of": clock}:
            return f"{share:g} of {clock}"
        case {"any_of": roles}:
            return " or ".join(roles)
        case {"src": src}:
            return str(src).strip()
        case {"label": label}:
            return str(label)
        case {"page": role}:
            return str(role)
        case {"lit": literal}:
            return render_value(literal)
        case {"expr": {"src": src}}:
            return f"${{{{ {str(src).strip()} }}}}"
        case {"text": parts}:
            return "".join(part if isinstance(part, str) else f"${{{{ {part['src'].strip()} }}}}" for part in parts)
        case {"list": items} | {"map": items} if len(value) == 1:
            return render_value(items)
        case list():
            return "[" + ", ".join(render_value(each) for each in value) + "]"
        case dict():
            return "{" + ", ".join(f"{key}: {render_value(each)}" for key, each in value.items()) + "}"
    return str(value)


def render_duration(seconds: float | None) -> str:
    """`90m`, `4h`, `7d`; empty for None."""
    if seconds is None:
        return ""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds:g}s"
