"""What of a runbook the scenarios have carried out: steps, branches, options, outcomes of approvals, kinds of silence.

Silence: an ask that nobody answers, an offer that the other region does not take, a wait or a repetition that runs out.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from schemas.ledger import EntryKind
from schemas.plan import Plan, Step
from watchfloor.scenarios.crossing import all_steps
from watchfloor.scenarios.outcome import Ending

_ITERATION = re.compile(r"\[\d+\]")
_RAN_OUT = {"timed_out", "exhausted"}
_AFTER_SILENCE = ("on_silence", "on_timeout", "on_exhausted", "fallback")
"""Blocks that are walked when nobody answered or a time ran out."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Marks of one runbook.

    A mark is `step PATH`, `branch PATH=NAME`, `option PATH=OPTION`, `approval PATH=OUTCOME` or `silence PATH`.
    """

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
        marks += [f"{kind} {path}={option}" for kind, option in _options(step)]
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
            marks |= {f"{kind} {path}={event.data['option']}" for kind in ("option", "approval")}
        elif event.kind == EntryKind.BRANCH:
            marks.add(f"branch {path}={event.data.get('taken')}")
        elif event.kind in {EntryKind.SILENT, EntryKind.UNANSWERED} or (
            event.kind == EntryKind.STEP_FAILED and event.data.get("code") in _RAN_OUT
        ):
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
            if any(mark.startswith(f"step {step['path']}/{name}/") for mark in marks)
        }
        if any(f"step {step['path']}/{block}" in marks for block in _AFTER_SILENCE):
            marks.add(f"silence {step['path']}")
    return frozenset(marks)


def _walk_up(path: str, marks: set[str]) -> None:
    """A step was carried out, so were the blocks it stands in."""
    parts = path.split("/")
    marks.update(f"step {'/'.join(parts[: end + 1])}" for end in range(1, len(parts)))


def _static(path: str) -> str:
    return _ITERATION.sub("", path.split("!", 1)[0])


def _options(step: Step) -> list[tuple[str, str]]:
    if step["kind"] == "decide":
        return [("option", name) for name in step["options"]]
    if step["kind"] == "action" and step["approval"] is not None:
        outcomes = ["approve", "deny", *(["break_glass"] if step["approval"].get("break_glass") else [])]
        return [("approval", outcome) for outcome in outcomes]
    return []


def _branches(step: Step) -> list[str]:
    """The blocks of a step of which a run takes some: branches, cases, what is done about a failure."""
    names = [f"on_error{number}" for number in range(1, len(step.get("catches", ())) + 1)]
    if isinstance(step["on_error"], list):
        names.append("on_error")
    match step["kind"]:
        case "parallel":
            names += step["branches"]
        case "choose":
            names += [f"case{number}" for number in range(1, len(step["cases"]) + 1)]
            names += ["otherwise"] if step["otherwise"] else []
        case "try":
            names += [f"catch{number}" for number in range(1, len(step["handlers"]) + 1)]
    return names


def _can_be_silent(step: Step) -> bool:
    match step["kind"]:
        case "decide" | "task" | "handoff":
            return True
        case "action":
            return step["approval"] is not None
        case "wait":
            return step["within"] is not None and step["on_timeout"] != "continue"
        case "repeat":
            return step["on_exhausted"] != "continue"
    return False
