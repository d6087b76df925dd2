"""What of a runbook the scenarios have carried out: steps, options and branches, kinds of silence."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from schemas.ledger import EntryKind
from schemas.plan import Plan, Step
from watchfloor.scenarios.crossing import all_steps
from watchfloor.scenarios.outcome import Ending

_ITERATION = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Coverage:
    """Marks of one runbook. A mark is `step PATH`, `option PATH=OPTION`, `branch PATH=NAME` or `silence PATH`."""

    runbook: str
    all: tuple[str, ...]
    covered: frozenset[str]

    @property
    def missed(self) -> tuple[str, ...]:
        return tuple(mark for mark in self.all if mark not in self.covered)

    def count(self, kind: str) -> tuple[int, int]:
        """How many marks of a kind were covered, and how many there are."""
        mine = [mark for mark in self.all if mark.startswith(kind + " ")]
        return sum(mark in self.covered for mark in mine), len(mine)

    def with_(self, covered: Iterable[str]) -> "Coverage":
        return Coverage(self.runbook, self.all, self.covered | (frozenset(covered) & frozenset(self.all)))


def list_marks(plan: Plan) -> tuple[str, ...]:
    """Everything in a plan that a scenario can cover, in the order written."""
    marks: list[str] = []
    for step in all_steps(plan):
        path = step["path"]
        marks.append(f"step {path}")
        marks += [f"option {path}={option}" for option in _options(step)]
        marks += [f"branch {path}={name}" for name in _branches(step)]
        if _can_be_silent(step):
            marks.append(f"silence {path}")
    return tuple(marks)


def find_covered(plan: Plan, ending: Ending) -> frozenset[str]:
    """The marks that one run covered."""
    marks = set[str]()
    for event in ending.timeline.events:
        path = _static(event.path)
        if event.kind == EntryKind.SETTLED and event.data.get("option"):
            marks.add(f"option {path}={event.data['option']}")
        elif event.kind == EntryKind.SILENT:
            marks.add(f"silence {path}")
        if event.kind != EntryKind.STEP_SKIPPED and path:
            _walk_up(path, marks)
    for view in ending.board["steps"]:
        if view["state"] != "skipped":
            _walk_up(_static(view["path"]), marks)
    for step in all_steps(plan):
        marks |= {
            f"branch {step['path']}={name}"
            for name in _branches(step)
            if any(mark.startswith(f"step {step['path']}/{name}") for mark in marks)
        }
    return frozenset(marks)


def _walk_up(path: str, marks: set[str]) -> None:
    """A step was carried out, so were the blocks it stands in."""
    parts = path.split("/")
    marks.update(f"step {'/'.join(parts[: end + 1])}" for end in range(1, len(parts)))


def _static(path: str) -> str:
    return _ITERATION.sub("", path.split("!", 1)[0])


def _options(step: Step) -> list[str]:
    if step["kind"] == "decide":
        return list(step["options"])
    if step["kind"] == "action" and step["approval"] is not None:
        return ["approve", "deny"]
    return []


def _branches(step: Step) -> list[str]:
    if step["kind"] == "parallel":
        return list(step["branches"])
    if step["kind"] == "choose":
        cases = [f"case{number}" for number in range(1, len(step["cases"]) + 1)]
        return [*cases, "otherwise"] if step["otherwise"] else cases
    return []


def _can_be_silent(step: Step) -> bool:
    return step["kind"] in {"decide", "task"} or (step["kind"] == "action" and step["approval"] is not None)
