"""A task as a screen shows it: what it exposes to first, then how urgent it is and until when. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchfloor.client.queueing import Queued
from watchfloor.gateway.console.clocks import say_left
from watchfloor.signing import neutral_name, parse_instant
from watchfloor.signing.tasks import find_claim, ticks_of


@dataclass(frozen=True, slots=True)
class Tickable:
    """An item of a task's checklist; `by` is empty while nobody has ticked it."""

    id: str
    do: str
    required: bool
    by: str


@dataclass(frozen=True, slots=True)
class TaskCard:
    """One task. `claimed` says whether the person has claimed it; one that is meant for them is theirs all the same."""

    key: str
    title: str
    name: str
    runbook: str
    is_case: bool
    severity: str
    priority: str
    exposure: str
    deadline_at: str | None
    left: str
    pressing: bool
    claimed: bool
    until: str | None
    until_left: str
    items: tuple[Tickable, ...]
    open_items: int
    form: Mapping[str, Any]
    ask: str
    why: str

    @property
    def url(self) -> str:
        return f"/console/asks/{self.key}"


def draw_task(one: Queued, now: datetime, why: str = "") -> TaskCard:
    """The card of a task in somebody's queue."""
    ask = one.at.ask
    claim = find_claim(ask, now)
    due = parse_instant(ask["deadline_at"]) if ask["deadline_at"] else None
    ticks = ticks_of(ask)
    items = tuple(
        Tickable(item["id"], item["do"], item["required"], ticks[item["id"]]["by"] if item["id"] in ticks else "")
        for item in ask.get("checklist", ())
    )
    return TaskCard(
        key=one.key,
        title=ask["title"],
        name=neutral_name(one.root["workflow"]),
        runbook=one.root["runbook"],
        is_case=one.is_case,
        severity=one.root["severity"],
        priority=one.priority,
        exposure=one.exposure,
        deadline_at=ask["deadline_at"],
        left=say_left(due, now),
        pressing=one.priority == "P0" or (due is not None and due <= now),
        claimed=claim is not None,
        until=claim["until"] if claim else None,
        until_left=say_left(parse_instant(claim["until"]), now) if claim else "",
        items=items,
        open_items=sum(item.required and not item.by for item in items),
        form=ask["form"],
        ask=ask["ask"],
        why=why.replace("`", ""),
    )
