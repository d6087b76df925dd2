"""Going through a plan: the lists of steps below a step, with the way by which each is entered."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from schemas.plan import Plan, Step

Edge: TypeAlias = Literal[
    "body", "option", "branch", "case", "silence", "deny", "timeout", "exhausted", "fallback", "error", "catch", "final"
]
"""How a list of steps is entered. `body` is the plain inside of a loop or a `try`."""

SILENT: frozenset[Edge] = frozenset({"silence", "timeout", "exhausted", "fallback"})
"""Edges of expiry and exhaustion: nobody said anything."""


class Block(NamedTuple):
    """A list of steps below a step."""

    edge: Edge
    word: str
    """As the author wrote it: an option's, branch's or handler's name."""
    steps: Sequence[Step]


def blocks_of(step: Step) -> list[Block]:
    """Every list of steps below a step, in the order of the file."""
    whole: Mapping[str, Any] = step
    found: list[Block] = []
    match whole["kind"]:
        case "action":
            found += _of_gate(whole.get("approval"))
            review = whole.get("review")
            if review:
                found += _written("deny", "on_deny", review["on_deny"])
        case "decide":
            found += [Block("option", name, option["steps"]) for name, option in whole["options"].items()]
            found += _written("silence", "on_silence", whole["on_silence"]["then"])
        case "task":
            found += _written("silence", "on_silence", whole["on_silence"]["then"])
        case "wait":
            found += _written("timeout", "on_timeout", whole["on_timeout"])
        case "parallel":
            found += [Block("branch", name, steps) for name, steps in whole["branches"].items()]
        case "choose":
            found += [Block("case", f"case {n}", case["steps"]) for n, case in enumerate(whole["cases"], 1)]
            found += [Block("case", "otherwise", whole["otherwise"])] if whole["otherwise"] else []
        case "for_each":
            found.append(Block("body", "", whole["steps"]))
        case "repeat":
            found.append(Block("body", "", whole["steps"]))
            found += _written("exhausted", "on_exhausted", whole["on_exhausted"])
        case "handoff":
            found += _written("fallback", "fallback", whole["fallback"])
        case "try":
            found.append(Block("body", "", whole["steps"]))
            found += [Block("catch", "catch", handler["steps"]) for handler in whole["handlers"]]
            found += [Block("final", "finally", whole["finally_"])] if whole["finally_"] else []
    found += [Block("catch", "on_error", catch["steps"]) for catch in whole.get("catches", ())]
    return found + _written("error", "on_error", whole["on_error"])


def _of_gate(approval: Mapping[str, Any] | None) -> list[Block]:
    if approval is None:
        return []
    denied = _written("deny", "on_deny", approval["on_deny"])
    return denied + _written("silence", "on_silence", approval["on_silence"]["then"])


def _written(edge: Edge, word: str, handler: str | Sequence[Step]) -> list[Block]:
    return [] if isinstance(handler, str) else [Block(edge, word, handler)]


def every_step(steps: Sequence[Step]) -> Iterator[Step]:
    """These steps and all below them, in the order of the file."""
    for step in steps:
        yield step
        for block in blocks_of(step):
            yield from every_step(block.steps)


def roots_of(plan: Plan) -> list[tuple[str, list[Step]]]:
    """What runs by itself: the phases one after another, and each track (named `alongside/<id>`)."""
    phases: list[Step] = [step for phase in plan["phases"] for step in phase["steps"]]
    return [("", phases), *((f"alongside/{track['id']}", track["steps"]) for track in plan["tracks"])]


def steps_of(plan: Plan) -> Iterator[Step]:
    """Every step of a plan."""
    for _, steps in roots_of(plan):
        yield from every_step(steps)


def facts_in(names: Mapping[str, str]) -> set[str]:
    """The facts that an expression's variables name."""
    found: set[str] = set()
    for name in names:
        root, _, rest = name.removeprefix("has.").partition(".")
        if root == "facts":
            found.add(rest.partition(".")[0])
    return found
