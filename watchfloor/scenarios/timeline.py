"""What happened in one run of a scenario, in the order in which it happened."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from schemas.json_value import Json
from schemas.ledger import Entry, EntryKind

ASK = EntryKind.ASKED
TOLD = "told"
SAID = "said"
UNDECIDED = "undecided"
CALLED, CALL_FAILED = "called", "call failed"
CALL = (CALLED, CALL_FAILED)

_BEGINS = {
    *CALL,
    ASK,
    EntryKind.BRANCH,
    EntryKind.TRACK,
    EntryKind.HOLD_PLACED,
    EntryKind.OFFERED,
    EntryKind.REVIEW_STARTED,
    EntryKind.CLOSED,
}
"""Events by which a step is seen to begin."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `kind` is one of the names above or a ledger entry's kind; `what` the action, the
    role, the ask or the entry's gist."""

    at: datetime
    kind: str
    step: str
    path: str
    what: str
    chain: str
    data: dict[str, Json]


class Timeline:
    """Collects events; the same ledger entry is told once, whoever brings it."""

    def __init__(self, started_at: datetime) -> None:
        self.started_at = started_at
        self.events: list[Event] = []
        self.entries: dict[str, Entry] = {}
        self.aliases: dict[str, str] = {}
        """Workflow of a receiving side -> the handoff step it answers for, by which its ask is called."""

    def add(
        self,
        at: datetime,
        kind: str,
        what: str,
        *,
        step: str = "",
        path: str = "",
        data: Mapping[str, Json] | None = None,
    ) -> None:
        self.events.append(Event(at, kind, step, path, what, "", dict(data or {})))

    def take(self, entries: list[Entry]) -> None:
        """Take ledger entries as the ledger would: each id once."""
        for entry in entries:
            if entry["id"] in self.entries:
                continue
            self.entries[entry["id"]] = entry
            at = datetime.fromisoformat(entry["at"])
            chain = entry["chain"]
            asked = self.aliases.get(chain) or address(entry["path"])
            what = asked if entry["kind"] == ASK else _gist(entry)
            self.events.append(Event(at, entry["kind"], entry["step"], entry["path"], what, chain, entry["data"]))

    def settle(self) -> None:
        """Put the events in the order in which they happened: ledger entries arrive after their instant."""
        self.events.sort(key=lambda event: event.at)

    def begun(self) -> list[tuple[int, Event]]:
        """The first event of each step (and iteration), with its index."""
        seen: set[str] = set()
        first: list[tuple[int, Event]] = []
        for index, event in enumerate(self.events):
            if event.step and event.kind in _BEGINS and event.path not in seen:
                seen.add(event.path)
                first.append((index, event))
        return first


def address(path: str) -> str:
    """How a scenario names an ask: the last part of its path (`order_doubt`, `disable!failed`)."""
    return path.rsplit("/", 1)[-1]


_GIST = ("name", "clock", "fact", "phase", "option", "branch", "outcome", "severity", "roles", "source", "why", "error")


def _gist(entry: Entry) -> str:
    return ", ".join(_short(entry["data"][key]) for key in _GIST if entry["data"].get(key))


def _short(value: Json) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"
