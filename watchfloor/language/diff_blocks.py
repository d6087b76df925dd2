"""The steps of a plan with where they stand, and which step of one plan is which of the other."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from schemas.plan import Plan

CONTAINERS = frozenset({"parallel", "for_each", "choose", "repeat", "try"})


@dataclass(frozen=True, slots=True)
class Rung:
    """One level on the way to a step: the list it stands in, and where in it.

    `holder` is the step that holds the list (None for phases and tracks), `block` the list's name in it.
    """

    holder: str | None
    block: str
    index: int


@dataclass(frozen=True, slots=True)
class Located:
    """A step of a plan. `step` is the plan's own object; nothing here changes it."""

    step: dict[str, Any]
    trail: tuple[Rung, ...]

    @property
    def id(self) -> str:
        return str(self.step["id"])

    @property
    def kind(self) -> str:
        return str(self.step["kind"])

    @property
    def home(self) -> tuple[tuple[str | None, str], ...]:
        """The blocks around the step, outermost first, without places in them."""
        return tuple((rung.holder, rung.block) for rung in self.trail)


def locate(plan: Plan) -> list[Located]:
    """Every step in the order of running; tracks after the phases."""
    found: list[Located] = []
    seen: dict[str, int] = {}
    for number, phase in enumerate(plan["phases"]):
        name = phase["name"]
        seen[name] = seen.get(name, 0) + 1
        block = name if seen[name] == 1 else f"{name}~{seen[name]}"
        # phases run one after the other: to what stands before what, they are one list
        found += _inside(phase["steps"], (Rung(None, "phases", number),), None, block)
    for track in plan["tracks"]:
        found += _inside(track["steps"], (), None, f"alongside/{track['id']}")
    return found


def _inside(steps: Any, trail: tuple[Rung, ...], holder: str | None, block: str) -> Iterator[Located]:
    for index, step in enumerate(steps):
        here = (*trail, Rung(holder, block, index))
        yield Located(step, here)
        for name, inner in blocks(step):
            yield from _inside(inner, here, step["id"], name)


def blocks(step: Any) -> Iterator[tuple[str, list[Any]]]:
    """The lists of steps directly below a step, each with its name: `options.clarify.steps`, `on_silence.then`."""
    for key, value in step.items():
        yield from _lists(value, key)


def _lists(value: Any, name: str) -> Iterator[tuple[str, list[Any]]]:
    if is_steps(value):
        yield name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _lists(inner, f"{name}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from _lists(inner, f"{name}.{number}")


def is_steps(value: Any) -> bool:
    """True for a list of steps that is not empty."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and {"id", "kind"} <= value[0].keys()


@dataclass(frozen=True, slots=True)
class Matched:
    """Which step of the old plan is which of the new one."""

    both: tuple[tuple[Located, Located], ...]
    gone: tuple[Located, ...]
    fresh: tuple[Located, ...]


def match(old: list[Located], new: list[Located]) -> Matched:
    """Steps of one id and kind are the same; of the rest, those that do the same in the same place were renamed."""
    by_id = {each.id: each for each in new}
    both: list[tuple[Located, Located]] = []
    left: list[Located] = []
    taken: set[str] = set()
    for each in old:
        other = by_id.get(each.id)
        if other is not None and other.kind == each.kind:
            both.append((each, other))
            taken.add(other.id)
        else:
            left.append(each)
    names = {before.id: after.id for before, after in both}
    waiting: dict[tuple[Any, ...], list[Located]] = defaultdict(list)
    for each in new:
        if each.id not in taken:
            waiting[_deed(each, {})].append(each)
    gone: list[Located] = []
    for each in left:
        candidates = waiting.get(_deed(each, names), [])
        if candidates:
            other = candidates.pop(0)
            names[each.id] = other.id
            both.append((each, other))
            taken.add(other.id)
        else:
            gone.append(each)
    return Matched(tuple(both), tuple(gone), tuple(each for each in new if each.id not in taken))


def _deed(each: Located, names: dict[str, str]) -> tuple[Any, ...]:
    """What a step does and where, whatever its name."""
    step = each.step
    what = step.get("action") or step.get("outcome") or step.get("basis") or step.get("to") or step.get("runbook")
    home = tuple((names.get(holder, holder) if holder else None, block) for holder, block in each.home)
    return (each.kind, what, home)


def runs_before(first: Located, second: Located) -> bool:
    """The first is done, or has asked, when the second begins; false for branches beside each other."""
    for one, other in zip(first.trail, second.trail, strict=False):
        if (one.holder, one.block) != (other.holder, other.block):
            return False
        if one.index != other.index:
            return one.index < other.index
    # one stands inside the other: a decision is before what its options hold
    return len(first.trail) < len(second.trail) and first.kind == "decide"
