"""The demo's live account: lines made from ledger entries of both regions as they are written."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from schemas.json_value import Json
from schemas.ledger import EntryKind as K
from schemas.ledger import StoredEntry
from watchfloor.cli.instants import span
from watchfloor.drawing.words import join_words
from watchfloor.ledger import SqliteLedger
from watchfloor.signing import parse_instant

FOLD_FROM = 3
"""Effects of one step with more items than this are told as a count."""
TELL_EVERY = 10


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the account. `tone` picks the colour; `seq` and `chain` say which entry it rests on."""

    at: str
    region: str
    tone: str
    text: str
    entry: str


@dataclass(slots=True)
class Account:
    """Reads the chains that belong to one incident and tells what is new, each entry once."""

    ledgers: dict[str, SqliteLedger]
    items: int
    """How many items the order names: counts are told against it."""
    _seen: dict[tuple[str, str], int] = field(default_factory=dict)
    _effects: Counter[str] = field(default_factory=Counter)
    _failed: Counter[str] = field(default_factory=Counter)

    def news(self, chains: dict[str, set[str]]) -> list[Line]:
        """What was written since the last call, in the order of the instants.

        Args:
            chains: region -> names of the chains to read there.
        """
        fresh: list[tuple[str, StoredEntry]] = []
        for region, names in chains.items():
            for chain in sorted(names):
                last = self._seen.get((region, chain), 0)
                for entry in self.ledgers[region].read(chain):
                    if entry["seq"] > last:
                        fresh.append((region, entry))
                        self._seen[region, chain] = entry["seq"]
        fresh.sort(key=lambda item: (item[1]["at"], item[1]["chain"], item[1]["seq"]))
        return [line for region, entry in fresh for line in self._tell(region, entry)]

    def _tell(self, region: str, entry: StoredEntry) -> Iterator[Line]:
        teller = _TELLERS.get(entry["kind"])
        if entry["kind"] in _TWICE and entry["chain"].startswith(("hand-", "post-")):
            return  # the incident's chain has told it
        told = self._effect(entry) if entry["kind"] in _EFFECTS else teller(entry) if teller else None
        if told is not None:
            tone, text = told
            yield Line(entry["at"], region, tone, text, entry["id"])

    def _effect(self, entry: StoredEntry) -> tuple[str, str] | None:
        """Effects and reads. Those of a loop are counted; a failing one and its success are told one by one."""
        data, kind = entry["data"], entry["kind"]
        action = str(data.get("action", entry["step"]))
        if kind == K.ANNOUNCED:
            return None
        mark = entry["path"]
        if kind in {K.FAILED, K.READ_FAILED}:
            self._failed[mark] += 1
            why = f"{data.get('error', 'no answer')}{', status ' + str(data['status']) if 'status' in data else ''}"
            return "warn", f"{action} failed ({why}) at attempt {self._failed[mark]}, is tried again: {mark}"
        self._effects[entry["step"]] += 1
        count = self._effects[entry["step"]]
        if self._failed[mark]:
            return "good", f"{action} worked at attempt {self._failed[mark] + 1}: {mark}"
        if action in _SAID_ELSEWHERE:
            return None
        if "[" not in mark:
            return "step", _WORDS.get(action) or f"{action}: {mark}"
        if count % TELL_EVERY == 0 or count == self.items:
            return "step", f"{action}: {count} of {self.items} items"
        return None


_Told = tuple[str, str]
_SAID_ELSEWHERE = {"hold.freeze", "hold.canary"}
"""Their outcome has an entry of its own: `hold.placed`, `hold.verified`."""
_WORDS = {
    "handoff.post": "sealed packet posted to the other region's gateway",
    "handoff.answer": "signed answer posted back",
}
_TWICE = {K.OFFERED, K.REVIEW_STARTED}
_EFFECTS = {K.ANNOUNCED, K.DONE, K.FAILED, K.READ, K.READ_FAILED}


def _opened(entry: StoredEntry) -> _Told:
    return "phase", f"incident opened: {entry['chain']}"


def _closed(entry: StoredEntry) -> _Told:
    return "phase", f"incident closed: {_text(entry, 'outcome')}"


def _phase(entry: StoredEntry) -> _Told:
    return "phase", f"phase {_text(entry, 'phase', 'name') or entry['path']}"


def _fact(entry: StoredEntry) -> _Told:
    return (
        "fact",
        f"fact {_text(entry, 'fact')} from {_text(entry, 'source')}, seen at {_instant(_text(entry, 'observed_at'))}",
    )


def _clock(verb: str, tone: str) -> Callable[[StoredEntry], _Told]:
    def tell(entry: StoredEntry) -> _Told:
        due, role, person = _text(entry, "due_at"), _text(entry, "role"), _text(entry, "person")
        whom = f"{person} ({role})" if person else role
        text = f"clock {_text(entry, 'clock')} {verb}" + (f" {whom}" if whom else "")
        if due:
            left = (parse_instant(due) - parse_instant(entry["at"])).total_seconds()
            text += f", {span(left)} left" if left >= 0 else f", {span(-left)} over"
            text += f" (due {_instant(due)})"
        return tone, text

    return tell


def _stopped(entry: StoredEntry) -> _Told:
    due, stopped = _text(entry, "due_at"), _text(entry, "stopped_at")
    state = _text(entry, "state")
    if not due or not stopped:
        return "clock", f"clock {_text(entry, 'clock')} stops: {state}"
    margin = (parse_instant(due) - parse_instant(stopped)).total_seconds()
    told = f"{span(margin)} to spare" if margin >= 0 else f"{span(-margin)} late"
    return "good" if margin >= 0 else "bad", f"clock {_text(entry, 'clock')} stops: {state}, {told}"


def _instant(text: str) -> str:
    """`22:30:36Z`, with the date when it is not today."""
    at = parse_instant(text)
    return f"{at:%H:%M:%SZ}" if at.date() == datetime.now(UTC).date() else f"{at:%Y-%m-%d}"


def _asked(entry: StoredEntry) -> _Told:
    until, options = _text(entry, "deadline_at"), entry["data"].get("options", [])
    return "ask", (
        f"asked at {entry['path']}: {_words(entry['data'].get('roles', []))} may choose {_words(options)}"
        + (f", until {_instant(until)}" if until else "")
    )


def _decided(entry: StoredEntry) -> _Told:
    return (
        "ask",
        f"recorded: {entry['actor']} as {_text(entry, 'role')} chose `{_text(entry, 'option')}` at {entry['path']}",
    )


def _refused(entry: StoredEntry) -> _Told:
    return "warn", f"refused: {_text(entry, 'why')}"


def _branch(entry: StoredEntry) -> _Told:
    return "step", f"goes on with `{_text(entry, 'taken')}` after {entry['path']}"


def _skipped(entry: StoredEntry) -> _Told:
    return "quiet", f"skipped: {entry['path']} ({_text(entry, 'why')})"


def _step_failed(entry: StoredEntry) -> _Told:
    return "warn", f"step failed: {entry['path']} ({_text(entry, 'code')})"


def _hold(verb: str) -> Callable[[StoredEntry], _Told]:
    def tell(entry: StoredEntry) -> _Told:
        return "hold", f"hold {verb} at {_text(entry, 'source')}"

    return tell


def _placed(entry: StoredEntry) -> _Told | None:
    """Told once by the incident and once for each source; the hold's own opening is the same thing again."""
    source, expires = _text(entry, "source"), _text(entry, "expires_at")
    if source:
        return "hold", f"deletion frozen at {source} ({_text(entry, 'reference')})"
    if expires:
        return "hold", f"hold placed: {_text(entry, 'hold')}, basis {_text(entry, 'basis')}, until {expires[:10]}"
    return None


def _handoff(verb: str) -> Callable[[StoredEntry], _Told]:
    def tell(entry: StoredEntry) -> _Told:
        who = _text(entry, "person", "by")
        to, sender = _text(entry, "to"), _text(entry, "from")
        where = f" to {to}" if to else f" by {sender}" if sender else ""
        return "hand", f"handoff {verb}{where}" + (f" by {who}" if who else "")

    return tell


def _drafted(entry: StoredEntry) -> _Told:
    return "good", f"review drafted from {_text(entry, 'entries')} ledger entries: {_text(entry, 'folder')}"


def _plain(tone: str, text: str) -> Callable[[StoredEntry], _Told]:
    return lambda entry: (tone, f"{text} {entry['path']}".rstrip())


def _text(entry: StoredEntry, *names: str) -> str:
    for name in names:
        value = entry["data"].get(name)
        if value not in (None, ""):
            return str(value)
    return ""


def _words(value: Json) -> str:
    return join_words([str(item) for item in value], "or") if isinstance(value, list) else str(value)


_TELLERS: dict[str, Callable[[StoredEntry], _Told | None]] = {
    K.OPENED: _opened,
    K.CLOSED: _closed,
    K.PHASE: _phase,
    K.FACT: _fact,
    K.CLOCK_STARTED: _clock("starts", "clock"),
    K.CLOCK_RESTARTED: _clock("starts anew", "clock"),
    K.CLOCK_WARNED: _clock("warns", "warn"),
    K.CLOCK_BREACHED: _clock("is BREACHED", "bad"),
    K.CLOCK_STOPPED: _stopped,
    K.CLOCK_ASSIGNED: _clock("is handed to", "clock"),
    K.ASKED: _asked,
    K.DECIDED: _decided,
    K.REFUSED: _refused,
    K.ESCALATED: _plain("warn", "escalated:"),
    K.SILENT: _plain("warn", "nobody answered:"),
    K.BRANCH: _branch,
    K.STEP_SKIPPED: _skipped,
    K.STEP_FAILED: _step_failed,
    K.DOUBTFUL: _plain("bad", "effect in doubt:"),
    K.PROPOSED: _plain("warn", "proposed:"),
    K.DISMISSED: _plain("phase", "dismissed"),
    K.DECLARED: _plain("phase", "declared an incident"),
    K.MERGED: _plain("step", "a report over the same content was taken in"),
    K.OUTSIDE_DONE: _plain("step", "carried out outside:"),
    K.OUTSIDE_DECIDED: _plain("step", "decided on paper:"),
    K.TRACK: _plain("phase", "track fired:"),
    K.HOLD_PLACED: _placed,
    K.HOLD_VERIFIED: _hold("proved: a test deletion was refused"),
    K.HOLD_FAILED: _hold("NOT proved"),
    K.OFFERED: _handoff("offered"),
    K.ACCEPTED: _handoff("accepted"),
    K.DECLINED: _handoff("declined"),
    K.UNANSWERED: _handoff("not answered"),
    K.REVIEW_STARTED: _plain("step", "review started"),
    K.REVIEW_DRAFTED: _drafted,
}
