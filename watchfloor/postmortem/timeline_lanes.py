"""What the timeline shows: lanes with items, made from an account. No pixels yet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from watchfloor.postmortem.account import Account, Effect, Hold, Moment
from watchfloor.postmortem.citations import cite
from watchfloor.postmortem.fields import phase_of
from watchfloor.postmortem.narrative import group_effects

Mark = Literal[
    "reads", "restricts", "discloses", "destroys", "asked", "answered", "silent", "placed", "proved", "trouble"
]

_MARKS: dict[str, Mark] = {
    "restricts": "restricts",
    "discloses": "discloses",
    "reveals": "discloses",
    "destroys": "destroys",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One thing in a lane: marks at instants, joined by a line, with a label to the right."""

    marks: tuple[tuple[datetime, Mark], ...]
    label: str
    hover: str


@dataclass(frozen=True, slots=True)
class Lane:
    name: str
    start: datetime
    end: datetime
    open_end: bool
    items: tuple[Item, ...]


def lay_lanes(account: Account) -> list[Lane]:
    """A lane per phase in the order they were entered, then one per track and whatever lies in no phase."""
    found: dict[str, list[Item]] = {phase.name: [] for phase in account.phases}
    order: dict[str, list[Item]] = {}
    for lane, item in _items(account):
        (found if lane in found else order).setdefault(lane, []).append(item)
    last = max(last_instants(account), default=None)
    lanes: list[Lane] = []
    for phase in account.phases:
        end = phase.left.at if phase.left else last or phase.entered.at
        lanes.append(Lane(phase.name, phase.entered.at, end, phase.left is None, _sorted(found[phase.name])))
    for name, items in order.items():
        times = [at for item in items for at, _ in item.marks]
        lanes.append(Lane(name or "run", min(times), max(times), open_end=False, items=_sorted(items)))
    return lanes


def last_instants(account: Account) -> list[datetime]:
    """Instants at which something happened in the run."""
    moments = [account.opened, account.closed, *(note.moment for note in account.notes)]
    moments += [phase.entered for phase in account.phases]
    return [moment.at for moment in moments if moment] + [effect.first_at for effect in account.effects]


def _sorted(items: Sequence[Item]) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda item: (item.marks[0][0], item.label)))


def _items(account: Account) -> Iterator[tuple[str, Item]]:
    for group in group_effects(account):
        for phase in dict.fromkeys(phase_of(effect.path) for effect in group):
            yield phase, _effect_item([effect for effect in group if phase_of(effect.path) == phase])
    for ask in account.asks:
        marks: list[tuple[datetime, Mark]] = [(ask.asked.at, "asked")]
        marks += [(answer.moment.at, "answered") for answer in ask.answers]
        label = f"{ask.step}: {ask.roles}" if ask.roles else ask.step
        if ask.silent:
            marks.append((ask.silent.at, "silent"))
            label = f"{ask.step}: nobody answered"
        elif ask.answers:
            label = f"{ask.step}: {ask.option or ask.answers[-1].option}"
        seqs = [ask.asked.seq, *(answer.moment.seq for answer in ask.answers)]
        yield phase_of(ask.path), Item(tuple(marks), label, f"{label} {cite(seqs)}")
    for hold in account.holds:
        yield from _hold_item(hold)
    for handoff in account.handoffs:
        end = handoff.accepted or handoff.declined or handoff.unanswered
        result: Mark = "answered" if handoff.accepted else "trouble"
        pair: list[tuple[datetime, Mark]] = [(handoff.offered.at, "asked"), *([(end.at, result)] if end else [])]
        word = "accepted" if handoff.accepted else "declined" if handoff.declined else "no answer" if end else "open"
        label = f"handoff to {handoff.to}: {word}"
        seqs = [handoff.offered.seq, *([end.seq] if end else [])]
        yield phase_of(handoff.path), Item(tuple(pair), label, f"{label} {cite(seqs)}")


def _hold_item(hold: Hold) -> Iterator[tuple[str, Item]]:
    marks: list[tuple[datetime, Mark]] = []
    seqs: list[int] = []
    steps: tuple[tuple[Moment | None, Mark], ...] = (
        (hold.placed, "placed"),
        (hold.verified, "proved"),
        (hold.failed, "trouble"),
    )
    for moment, mark in steps:
        if moment:
            marks.append((moment.at, mark))
            seqs += hold.proofs if mark == "proved" else [moment.seq]
    if marks:
        label = "hold proved" if hold.verified else "hold not proved"
        item = Item(tuple(sorted(marks, key=lambda one: one[0])), label, f"{label} {cite(seqs)}")
        yield phase_of(hold.path), item


def _effect_item(group: Sequence[Effect]) -> Item:
    kind = _MARKS.get(group[0].kind, "reads")
    marks: list[tuple[datetime, Mark]] = []
    for effect in group:
        done = effect.carried_out
        marks.append((done.at, kind) if done else (effect.first_at, "trouble"))
        if effect.doubtful:
            marks.append((effect.doubtful.at, "trouble"))
    count = f" ×{len(group)}" if len(group) > 1 else ""
    label = f"{group[0].action or group[0].step}{count}"
    retried = sum(1 for effect in group if effect.retried and effect.carried_out)
    lost = sum(1 for effect in group if effect.failed and not effect.carried_out)
    if retried:
        label += f", {retried} retried"
    if lost:
        label += f", {lost} failed"
    seqs = [seq for effect in group for seq in effect.seqs]
    return Item(tuple(sorted(marks, key=lambda mark: mark[0])), label, f"{label} {cite(seqs)}")
