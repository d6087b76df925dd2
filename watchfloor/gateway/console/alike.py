"""What is alike is told once, with how often: two hundred items in doubt are one line and not a wall. Pure."""

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from schemas.incident import StepView
from schemas.plan import Plan
from watchfloor.client.loop_items import find_item
from watchfloor.client.standstill import Reason
from watchfloor.gateway.console.crew import Paged
from watchfloor.gateway.console.resolving import KINDS
from watchfloor.gateway.console.views import AskCard

T = TypeVar("T")
_SECONDS = re.compile(r"(?<=T\d\d:\d\d):[\d.]+Z")
"""What two deadlines of the same minute differ in."""
MOST_ITEMS = 12
"""Items of a loop that are named one by one."""


@dataclass(frozen=True, slots=True)
class Held:
    """Reasons that say the same: the first of them, how many, and where all of them are answered at once."""

    reason: Reason
    count: int
    url: str


@dataclass(frozen=True, slots=True)
class Doing:
    """Steps under way that say the same, and which items of their loop they are about, in words."""

    step: StepView
    items: str


def gather_cards(cards: Iterable[AskCard]) -> list[AskCard]:
    """Doubts and failures of the same step as one card that leads to all of them; the order stays."""
    return [
        same[0] if len(same) == 1 else replace(same[0], count=len(same))
        for same in _gather(cards, lambda one: (one.workflow, one.kind, one.step) if one.kind in KINDS else None)
    ]


def gather_reasons(reasons: Iterable[Reason]) -> list[Held]:
    """Reasons that differ in nothing but the item; the order stays."""
    found = []
    for same in _gather(reasons, lambda one: (one.kind, one.where, one.what, one.do, one.who, one.workflow)):
        first = same[0]
        url = ""
        if first.path and len(same) > 1 and first.kind in KINDS:
            url = f"/console/incidents/{first.workflow}/act#{first.kind}"
        elif first.path:
            url = f"/console/asks/{first.workflow}/{first.path}"
        elif first.workflow:
            url = f"/console/incidents/{first.workflow}"
        found.append(Held(first, len(same), url))
    return found


def gather_steps(steps: Iterable[StepView], plan: Plan | None) -> list[Doing]:
    """Steps under way, items of a loop that do the same together."""
    found = []
    for same in _gather(steps, lambda one: (one["step"], one["state"], _SECONDS.sub("", one["detail"]))):
        numbers = [find_item(plan, one["path"]) for one in same]
        found.append(Doing(same[0], say_items([int(one) for one in numbers if one])))
    return found


def gather_paged(paged: Iterable[Paged]) -> list[tuple[Paged, int]]:
    """Pages about the same, to the same and answered by the same person, each with how many there are."""
    return [(same[0], len(same)) for same in _gather(paged, lambda one: (one.about, one.told, one.taken, one.rung))]


def say_items(numbers: Sequence[int]) -> str:
    """`item 3`, `items 1-4 and 7`; empty for none."""
    spans: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if spans and spans[-1][1] == number - 1:
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((number, number))
    if not spans:
        return ""
    if len(spans) > MOST_ITEMS:
        return f"{len(set(numbers))} items"
    said = [f"{low}" if low == high else f"{low}-{high}" for low, high in spans]
    words = said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
    return f"{'item' if len(set(numbers)) == 1 else 'items'} {words}"


def _gather(things: Iterable[T], key: Callable[[T], Hashable | None]) -> list[list[T]]:
    """Things of one key together, where the first of them stood; those without a key alone."""
    groups: dict[Hashable, list[T]] = {}
    for number, one in enumerate(things):
        same = key(one)
        groups.setdefault(("alone", number) if same is None else ("same", same), []).append(one)
    return list(groups.values())
