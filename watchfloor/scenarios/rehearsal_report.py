"""A rehearsal for people and for programs: the predicted timeline, clocks, people asked, what would have been done."""

import json
import re
from collections.abc import Iterator
from datetime import datetime

from schemas.incident import ClockState
from schemas.json_value import Json
from schemas.ledger import EntryKind
from watchfloor.scenarios.rehearsal import Rehearsal
from watchfloor.scenarios.report import elapsed
from watchfloor.scenarios.timeline import CALL_FAILED, TOLD, Event

_QUIET = {EntryKind.ANNOUNCED, EntryKind.DONE, EntryKind.READ, EntryKind.READ_FAILED, EntryKind.FAILED}
"""What the ledger says of a call that the timeline shows already."""
_SHOWN = 200
_WIDTH = 160
_ITERATION = re.compile(r"\[\d+\]")


def render_rehearsal(rehearsal: Rehearsal) -> str:
    """The whole of it as text; values longer than a line are cut, `as_document` has them whole."""
    plan = rehearsal.plan
    lines = [
        f"{plan['id']} version {plan['version']}: a rehearsal, {rehearsal.seconds:.1f} s for "
        f"{elapsed(rehearsal.ending.ended_at - rehearsal.ending.timeline.started_at)}; nothing outside was touched",
        "",
        *_timeline(rehearsal),
        "",
        *_clocks(rehearsal),
        "",
        *_people(rehearsal),
        "",
        *_effects(rehearsal),
    ]
    lines += [f"not said: {message}" for message in rehearsal.unsaid]
    return "\n".join(lines)


def as_document(rehearsal: Rehearsal) -> dict[str, Json]:
    """Everything as JSON; instants are seconds since the start, so that two rehearsals can be compared."""
    since = _Since(rehearsal)
    return {
        "runbook": rehearsal.plan["id"],
        "version": rehearsal.plan["version"],
        "outcome": rehearsal.ending.outcome,
        "ended_after": since(rehearsal.ending.ended_at),
        "severity": rehearsal.ending.board["severity"],
        "timeline": [
            {"after": since(event.at), "kind": event.kind, "path": event.path, "what": event.what}
            for event in _told(rehearsal)
        ],
        "clocks": [
            {
                "name": clock["name"],
                "state": clock["state"],
                "started": since.text(clock["started_at"]),
                "due": since.text(clock["due_at"]),
                "stopped": since.text(clock["stopped_at"]),
                "assigned_to": clock["assigned_to"],
            }
            for clock in rehearsal.clocks
        ],
        "asked": [
            {
                "after": since(event.at),
                "path": event.path,
                "roles": event.data.get("roles", []),
                "options": event.data.get("options", []),
                "answer": _answer(rehearsal, event),
            }
            for event in rehearsal.asked
        ],
        "effects": [
            {
                "after": since(event.at),
                "action": event.what,
                "path": event.path,
                "effect": event.data["effect"],
                "gated": event.data["gated"],
                "inputs": event.data["inputs"],
                "failed": event.kind == CALL_FAILED,
            }
            for event in rehearsal.effects
        ],
        "reads": rehearsal.reads,
        "unsaid": list(rehearsal.unsaid),
    }


class _Since:
    """Instants as seconds since the start."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._start = rehearsal.ending.timeline.started_at

    def __call__(self, at: datetime) -> float:
        return round((at - self._start).total_seconds(), 1)

    def text(self, at: str | None) -> float | None:
        return None if at is None else self(datetime.fromisoformat(at))


def _told(rehearsal: Rehearsal) -> list[Event]:
    return [event for event in rehearsal.events if event.kind not in _QUIET]


def _folded(events: list[Event]) -> list[tuple[Event, int]]:
    """The same thing done for one item after the other, as one line: its first event and how many there are."""
    found: list[tuple[Event, int]] = []
    for event in events:
        if found and _alike(found[-1][0], event):
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((event, 1))
    return found


def _alike(one: Event, other: Event) -> bool:
    return (
        "[" in one.path
        and (one.kind, one.what) == (other.kind, other.what)
        and _ITERATION.sub("[]", one.path) == _ITERATION.sub("[]", other.path)
    )


def _place(event: Event, count: int) -> str:
    return event.path if count == 1 else f"{_ITERATION.sub('[…]', event.path)} × {count}"


def _timeline(rehearsal: Rehearsal) -> Iterator[str]:
    start = rehearsal.ending.timeline.started_at
    events = _folded(_told(rehearsal))
    yield "predicted timeline"
    for event, count in events[:_SHOWN]:
        what = f"to {event.what}" if event.kind == TOLD else event.what
        place = _place(event, count) or "-"
        yield f"  {elapsed(event.at - start):>12}  {event.kind:<18} {place:<40} {what}".rstrip()
    if len(events) > _SHOWN:
        yield f"  … {len(events) - _SHOWN} more; --json has them all"
    yield f"  {elapsed(rehearsal.ending.ended_at - start):>12}  ended as {rehearsal.ending.outcome}"


def _clocks(rehearsal: Rehearsal) -> Iterator[str]:
    yield "clocks"
    if not rehearsal.clocks:
        yield "  none"
    for clock in rehearsal.clocks:
        yield f"  {clock['name']:<20} {clock['state']:<9} {_clock_times(rehearsal, clock)}".rstrip()


def _clock_times(rehearsal: Rehearsal, clock: ClockState) -> str:
    start = rehearsal.ending.timeline.started_at
    named = (("started", clock["started_at"]), ("due", clock["due_at"]), ("stopped", clock["stopped_at"]))
    told = [f"{word} {elapsed(datetime.fromisoformat(at) - start)}" for word, at in named if at]
    if clock["assigned_to"]:
        told.append(f"goes to {clock['assigned_to']}")
    return ", ".join(told)


def _people(rehearsal: Rehearsal) -> Iterator[str]:
    start = rehearsal.ending.timeline.started_at
    yield "people asked"
    if not rehearsal.asked:
        yield "  nobody"
    for event in rehearsal.asked:
        roles = event.data.get("roles")
        who = ", ".join(map(str, roles)) if isinstance(roles, list) else ""
        answer = _answer(rehearsal, event) or "no answer"
        yield f"  {elapsed(event.at - start):>12}  {event.path:<36} {who}: {answer}"


def _answer(rehearsal: Rehearsal, ask: Event) -> str | None:
    """The option by which an ask was settled; None when it never was."""
    later = (event for event in rehearsal.ending.timeline.events if event.at >= ask.at)
    for event in later:
        if event.path == ask.path and event.chain == ask.chain and event.kind == EntryKind.SETTLED:
            return str(event.data.get("option"))
    return None


def _effects(rehearsal: Rehearsal) -> Iterator[str]:
    start = rehearsal.ending.timeline.started_at
    yield f"would have been done (beside {rehearsal.reads} calls that only look)"
    effects = _folded(rehearsal.effects)
    if not effects:
        yield "  nothing"
    for event, count in effects[:_SHOWN]:
        failed = " FAILED" if event.kind == CALL_FAILED else ""
        line = (
            f"  {elapsed(event.at - start):>12}  {event.data['effect']:<9} {event.what}{failed}  {_place(event, count)}"
        )
        yield _cut(f"{line}  {json.dumps(event.data['inputs'], ensure_ascii=False)}")
    if len(effects) > _SHOWN:
        yield f"  … {len(effects) - _SHOWN} more; --json has them all"


def _cut(line: str) -> str:
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"
