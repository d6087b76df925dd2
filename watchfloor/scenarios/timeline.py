"""What happened in one run of a scenario, in the order in which it happened."""

from dataclasses import dataclass
from datetime import datetime

from schemas.ledger import Entry, EntryKind


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `kind` is `call`, `failed`, `page`, `said`, `refused`, or a ledger entry's kind."""

    at: datetime
    kind: str
    step: str
    path: str
    what: str
    detail: str = ""


class Timeline:
    """Collects events; the same ledger entry is told once, whoever brings it."""

    def __init__(self, started_at: datetime) -> None:
        self.started_at = started_at
        self.events: list[Event] = []
        self.entries: dict[str, Entry] = {}

    def add(self, at: datetime, kind: str, *, step: str = "", path: str = "", what: str = "", detail: str = "") -> None:
        self.events.append(Event(at, kind, step, path, what, detail))

    def take(self, entries: list[Entry]) -> None:
        """Take ledger entries as an activity would append them."""
        for entry in entries:
            if entry["id"] in self.entries:
                continue
            self.entries[entry["id"]] = entry
            at = datetime.fromisoformat(entry["at"])
            self.add(
                at, entry["kind"], step=entry["step"], path=entry["path"], what=_told(entry), detail=entry["chain"]
            )

    def begun(self) -> list[Event]:
        """One event per begin of a step: the first call of an action, the ask, the branch. What `order` looks at."""
        seen: set[str] = set()
        order: list[Event] = []
        for event in self.events:
            if event.step and event.path not in seen:
                seen.add(event.path)
                order.append(event)
        return order


_TOLD = ("option", "outcome", "branch", "role", "roles", "name", "clock", "fact", "severity", "source", "why", "error")


def _told(entry: Entry) -> str:
    data = entry["data"]
    parts = [f"{key} {_short(data[key])}" for key in _TOLD if data.get(key)]
    if entry["kind"] == EntryKind.OPENED:
        return ""
    return ", ".join(parts)


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"
