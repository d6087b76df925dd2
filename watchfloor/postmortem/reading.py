"""From ledger entries to an account, one reader per kind of entry.

Readers take what an entry has. An entry that refers to something never announced (an answer to an unknown ask, the
stop of an unknown clock) starts no story of its own; it stays visible in the list of entries.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from schemas.json_value import Json
from schemas.ledger import EntryKind, StoredEntry
from watchfloor.postmortem.account import (
    Account,
    Answer,
    Ask,
    Clock,
    ClockRun,
    Effect,
    Handoff,
    Hold,
    Measure,
    Moment,
    Note,
    Phase,
    Refused,
    Renewed,
    Said,
    Still,
)
from watchfloor.postmortem.citations import number_entry
from watchfloor.postmortem.fields import instant, number, text, words
from watchfloor.signing import parse_instant

Reader = Callable[["Account", StoredEntry, Moment], None]


def read_account(entries: Iterable[StoredEntry], related: Sequence[Iterable[StoredEntry]] = ()) -> Account:
    """Read the entries of one incident and of the holds and handoffs it started.

    Of the related chains only what became of the hold or the offer is told; how it was done is their own story.

    Raises:
        ValueError: the entries are not whole chains in order, so nothing may be told from them.
    """
    kept = _whole(entries)
    account = Account(entries=kept, related=tuple(_whole(chain) for chain in related))
    for entry in kept:
        reader = _READERS.get(entry["kind"])
        if reader is not None:
            reader(account, entry, Moment(parse_instant(entry["at"]), entry["seq"]))
    for index, chain in enumerate(account.related):
        for entry in chain:
            reader = _READERS.get(entry["kind"]) if entry["kind"] in _TOLD_OF_RELATED else None
            if reader is not None:
                reader(account, entry, Moment(parse_instant(entry["at"]), number_entry(index + 1, entry["seq"])))
    return account


def find_related(entries: Iterable[StoredEntry]) -> list[str]:
    """The chains of the holds and handoffs that an incident's entries name, in the order they were started."""
    names = {EntryKind.HOLD_PLACED: "hold", EntryKind.OFFERED: "handoff"}
    found = (text(entry["data"], names[entry["kind"]]) for entry in entries if entry["kind"] in names)
    return [chain for chain in dict.fromkeys(found) if chain]


def _whole(entries: Iterable[StoredEntry]) -> tuple[StoredEntry, ...]:
    kept = tuple(entries)
    if [entry["seq"] for entry in kept] != list(range(1, len(kept) + 1)):
        raise ValueError("the entries are not one whole chain in order; verify the ledger before drafting from it")
    return kept


def _opened(account: Account, entry: StoredEntry, moment: Moment) -> None:
    data = entry["data"]
    trigger = data.get("trigger")
    account.opened = moment
    account.received_at = instant(trigger, "received_at") if isinstance(trigger, dict) else instant(data, "received_at")
    account.severity = text(data, "severity")
    account.requester = text(data, "requester")
    commander = data.get("commander")
    account.commander = text(commander, "person") if isinstance(commander, dict) else text(data, "commander")


def _closed(account: Account, entry: StoredEntry, moment: Moment) -> None:
    account.closed = moment
    account.outcome = text(entry["data"], "outcome")


def _entered(account: Account, entry: StoredEntry, moment: Moment) -> None:
    name = text(entry["data"], "phase", "name") or entry["path"]
    account.phases.append(Phase(name, moment))


def _left(account: Account, entry: StoredEntry, moment: Moment) -> None:
    name = text(entry["data"], "phase", "name") or entry["path"]
    for phase in reversed(account.phases):
        if phase.name == name and phase.left is None:
            phase.left = moment
            return


def _clock_started(account: Account, entry: StoredEntry, moment: Moment) -> None:
    data = entry["data"]
    name = text(data, "clock", "name")
    run = ClockRun(moment, instant(data, "started_at") or moment.at, instant(data, "due_at"))
    account.clocks.append(Clock(name, moment, [run]))


def _clock_restarted(account: Account, entry: StoredEntry, moment: Moment) -> None:
    clock = _clock(account, entry)
    if clock:
        data = entry["data"]
        clock.runs.append(ClockRun(moment, instant(data, "started_at") or moment.at, instant(data, "due_at")))


def _clock_warned(account: Account, entry: StoredEntry, moment: Moment) -> None:
    clock = _clock(account, entry)
    if clock:
        clock.warned.append((moment, instant(entry["data"], "due_at") or clock.due_at))


def _clock_breached(account: Account, entry: StoredEntry, moment: Moment) -> None:
    clock = _clock(account, entry)
    if clock:
        clock.breached = moment


def _clock_paused(account: Account, entry: StoredEntry, moment: Moment) -> None:
    clock, data = _clock(account, entry), entry["data"]
    if clock:
        _move_due(clock, data)
        clock.stills.append(Still(moment, text(data, "reason"), instant(data, "since") or moment.at))


def _clock_resumed(account: Account, entry: StoredEntry, moment: Moment) -> None:
    clock, data = _clock(account, entry), entry["data"]
    if clock is None:
        return
    _move_due(clock, data)
    reason, until = text(data, "reason"), instant(data, "until") or moment.at
    for place in reversed(range(len(clock.stills))):
        still = clock.stills[place]
        if still.reason == reason:
            clock.stills[place] = replace(
                still, since=instant(data, "since") or still.since, resumed=moment, until=until
            )
            return
    clock.stills.append(Still(moment, reason, instant(data, "since") or moment.at, moment, until))


def _clock_renewed(account: Account, entry: StoredEntry, moment: Moment) -> None:
    clock, data = _clock(account, entry), entry["data"]
    if clock is None:
        return
    refused = text(data, "why") if entry["kind"] == EntryKind.CLOCK_NOT_RENEWED else ""
    if entry["kind"] == EntryKind.CLOCK_RENEWED:
        _move_due(clock, data)
        # what had run out runs again
        clock.stopped = clock.stopped_at = None
    clock.renewals.append(Renewed(moment, instant(data, "renewed_at") or moment.at, clock.due_at, refused))


def _move_due(clock: Clock, data: dict[str, Json]) -> None:
    """The end of the run that counts, as the entry gives it."""
    clock.runs[-1] = replace(clock.runs[-1], due_at=instant(data, "due_at") or clock.due_at)


def _clock_stopped(account: Account, entry: StoredEntry, moment: Moment) -> None:
    clock = _clock(account, entry)
    if clock:
        clock.stopped = moment
        clock.stopped_at = instant(entry["data"], "stopped_at") or moment.at
        if any(still.until is None for still in clock.stills):
            # it stopped while it stood still: the end had moved until then
            _move_due(clock, entry["data"])


def _clock_assigned(account: Account, entry: StoredEntry, moment: Moment) -> None:
    clock = _clock(account, entry)
    if clock:
        clock.assigned = moment
        clock.assigned_to = text(entry["data"], "role", "assigned_to", "to")
        clock.custodian = text(entry["data"], "person")


def _clock(account: Account, entry: StoredEntry) -> Clock | None:
    name = text(entry["data"], "clock", "name")
    return next((clock for clock in reversed(account.clocks) if clock.name == name), None)


def _asked(account: Account, entry: StoredEntry, moment: Moment) -> None:
    data = entry["data"]
    account.asks.append(
        Ask(
            path=entry["path"],
            step=entry["step"],
            kind=text(data, "kind"),
            roles=" or ".join(words(data, "roles", "slots")),
            asked=moment,
            deadline_at=instant(data, "deadline_at"),
        )
    )


def _sealed(account: Account, entry: StoredEntry, moment: Moment) -> None:
    """Said at a blind ask: the entry that tells what follows when all have answered."""


def _decided(account: Account, entry: StoredEntry, moment: Moment) -> None:
    ask, data = _ask(account, entry), entry["data"]
    moment = Moment(instant(data, "accepted_at") or moment.at, moment.seq)
    if ask:
        person = text(data, "person") or entry["actor"]
        answer = Answer(
            moment,
            person,
            text(data, "role"),
            text(data, "option"),
            text(data, "reason_ref"),
            text(data, "on_behalf_of"),
        )
        ask.answers.append(answer)


def _said(account: Account, entry: StoredEntry, moment: Moment) -> None:
    ask, data = _ask(account, entry), entry["data"]
    if ask is None:
        return
    moment = Moment(instant(data, "accepted_at") or moment.at, moment.seq)
    ask.said.append(Said(moment, entry["kind"], entry["actor"], text(data, "role"), data))
    if entry["kind"] == EntryKind.WITHDRAWN:
        ask.taken_back += [one for one in ask.answers if one.person == entry["actor"]]
        ask.answers = [one for one in ask.answers if one.person != entry["actor"]]
        if data.get("reopens"):
            ask.settled, ask.option = None, ""


def _refused(account: Account, entry: StoredEntry, moment: Moment) -> None:
    data = entry["data"]
    refused = Refused(moment, text(data, "why", "type"), text(data, "person"), text(data, "role"))
    ask = _ask(account, entry) if entry["path"] else None
    (ask.refused if ask else account.stray).append(refused)


def _settled(account: Account, entry: StoredEntry, moment: Moment) -> None:
    ask = _ask(account, entry)
    if ask and not entry["data"].get("void"):
        ask.settled = moment
        ask.option = text(entry["data"], "option")


def _reminded(account: Account, entry: StoredEntry, moment: Moment) -> None:
    ask = _ask(account, entry)
    if ask:
        ask.reminded.append(moment)


def _escalated(account: Account, entry: StoredEntry, moment: Moment) -> None:
    ask = _ask(account, entry)
    if ask:
        ask.escalated.append((moment, " or ".join(words(entry["data"], "roles"))))


def _silent(account: Account, entry: StoredEntry, moment: Moment) -> None:
    ask = _ask(account, entry)
    if ask:
        ask.silent = moment


def _ask(account: Account, entry: StoredEntry) -> Ask | None:
    return next((ask for ask in reversed(account.asks) if ask.path == entry["path"]), None)


def _effect(account: Account, entry: StoredEntry) -> Effect:
    """The story of this call so far; a call is known by its key, in the data or in the entry's id."""
    data = entry["data"]
    key = text(data, "key") or entry["id"].rsplit(":", 1)[0]
    effect = next((one for one in reversed(account.effects) if one.key == key), None)
    if effect is None:
        reads = entry["kind"] in {EntryKind.READ, EntryKind.READ_FAILED}
        kind = text(data, "effect") or ("reads" if reads else "")
        effect = Effect(key, text(data, "action"), entry["path"], entry["step"], kind, [])
        account.effects.append(effect)
    effect.seqs.append(entry["seq"])
    effect.kind = effect.kind or text(data, "effect")
    effect.action = effect.action or text(data, "action")
    attempts = number(data, "n", "attempt", "attempts")
    if attempts is not None:
        effect.attempts = max(attempts, effect.attempts or 0)
    return effect


def _announced(account: Account, entry: StoredEntry, moment: Moment) -> None:
    effect = _effect(account, entry)
    effect.announced = effect.announced or moment


def _done(account: Account, entry: StoredEntry, moment: Moment) -> None:
    effect = _effect(account, entry)
    effect.done = moment
    effect.how = text(entry["data"], "resolved")


def _failed(account: Account, entry: StoredEntry, moment: Moment) -> None:
    effect = _effect(account, entry)
    effect.failures += 1
    effect.failed = moment
    effect.error = text(entry["data"], "code", "error", "type", "why")


def _doubtful(account: Account, entry: StoredEntry, moment: Moment) -> None:
    _effect(account, entry).doubtful = moment


def _resolved(account: Account, entry: StoredEntry, moment: Moment) -> None:
    effect = _effect(account, entry)
    effect.resolved = moment
    effect.resolution = text(entry["data"], "resolution")


def _measure(account: Account, entry: StoredEntry, moment: Moment) -> None:
    data = entry["data"]
    key = text(data, "key") or entry["path"]
    account.measures.append(Measure(key, text(data, "action"), entry["step"], entry["path"], moment))


def _undone(account: Account, entry: StoredEntry, moment: Moment) -> None:
    key = text(entry["data"], "key")
    for measure in account.measures:
        if measure.undone is None and (measure.key == key if key else measure.path == entry["path"]):
            measure.undone = moment
            return


def _hold(account: Account, entry: StoredEntry, moment: Moment) -> None:
    data = entry["data"]
    name = text(data, "hold", "workflow") or entry["path"]
    hold = next((one for one in account.holds if one.id == name), None)
    if hold is None:
        hold = Hold(name, entry["path"])
        account.holds.append(hold)
    hold.expires_at = instant(data, "expires_at") or hold.expires_at
    hold.sources = words(data, "sources") or hold.sources
    match entry["kind"]:
        case EntryKind.HOLD_PLACED:
            hold.placed = hold.placed or moment
            hold.placings.append(moment.seq)
        case EntryKind.HOLD_VERIFIED:
            hold.proved.setdefault(text(data, "source"), moment)
        case EntryKind.HOLD_FAILED:
            hold.failed = moment
        case EntryKind.HOLD_RENEWED:
            hold.renewed.append((moment, instant(data, "expires_at")))
        case EntryKind.HOLD_RELEASED:
            hold.released = moment


def _handoff(account: Account, entry: StoredEntry, moment: Moment) -> None:
    data = entry["data"]
    name = text(data, "handoff") or entry["path"]
    handoff = next((one for one in account.handoffs if name in {one.id, one.path}), None)
    if handoff is None:
        if entry["kind"] != EntryKind.OFFERED:
            return
        to, mode = text(data, "to_region", "to"), text(data, "mode")
        account.handoffs.append(Handoff(name, entry["path"], to, mode, moment))
        return
    match entry["kind"]:
        case EntryKind.ACCEPTED:
            handoff.accepted = moment
            handoff.by = text(data, "person", "by") or handoff.by
        case EntryKind.DECLINED:
            handoff.declined = moment
            handoff.by = text(data, "person", "by") or handoff.by
        case EntryKind.UNANSWERED:
            handoff.unanswered = moment


def _note(account: Account, entry: StoredEntry, moment: Moment) -> None:
    account.notes.append(Note(entry["kind"], moment, entry["actor"], entry["step"], entry["path"], entry["data"]))


_READERS: dict[str, Reader] = {
    EntryKind.OPENED: _opened,
    EntryKind.CLOSED: _closed,
    EntryKind.PHASE: _entered,
    EntryKind.PHASE_DONE: _left,
    EntryKind.CLOCK_STARTED: _clock_started,
    EntryKind.CLOCK_RESTARTED: _clock_restarted,
    EntryKind.CLOCK_WARNED: _clock_warned,
    EntryKind.CLOCK_BREACHED: _clock_breached,
    EntryKind.CLOCK_PAUSED: _clock_paused,
    EntryKind.CLOCK_RESUMED: _clock_resumed,
    EntryKind.CLOCK_RENEWED: _clock_renewed,
    EntryKind.CLOCK_NOT_RENEWED: _clock_renewed,
    EntryKind.CLOCK_STOPPED: _clock_stopped,
    EntryKind.CLOCK_ASSIGNED: _clock_assigned,
    EntryKind.ASKED: _asked,
    EntryKind.DECIDED: _decided,
    EntryKind.REFUSED: _refused,
    EntryKind.SETTLED: _settled,
    EntryKind.REMINDED: _reminded,
    EntryKind.ESCALATED: _escalated,
    EntryKind.SILENT: _silent,
    EntryKind.SEALED: _sealed,
    EntryKind.ABSTAINED: _said,
    EntryKind.WITHDRAWN: _said,
    EntryKind.DELEGATED: _said,
    EntryKind.QUESTIONED: _said,
    EntryKind.NARROWED: _said,
    EntryKind.ANSWERED: _said,
    EntryKind.ANNOUNCED: _announced,
    EntryKind.DONE: _done,
    EntryKind.FAILED: _failed,
    EntryKind.DOUBTFUL: _doubtful,
    EntryKind.RESOLVED: _resolved,
    EntryKind.READ: _done,
    EntryKind.READ_FAILED: _failed,
    EntryKind.MEASURE: _measure,
    EntryKind.UNDONE: _undone,
    EntryKind.HOLD_PLACED: _hold,
    EntryKind.HOLD_VERIFIED: _hold,
    EntryKind.HOLD_FAILED: _hold,
    EntryKind.HOLD_WARNED: _hold,
    EntryKind.HOLD_RENEWED: _hold,
    EntryKind.HOLD_RELEASED: _hold,
    EntryKind.OFFERED: _handoff,
    EntryKind.ACCEPTED: _handoff,
    EntryKind.DECLINED: _handoff,
    EntryKind.UNANSWERED: _handoff,
    EntryKind.SEVERITY: _note,
    EntryKind.FACT: _note,
    EntryKind.STEP_SKIPPED: _note,
    EntryKind.STEP_FAILED: _note,
    EntryKind.BRANCH: _note,
    EntryKind.NOTICE_FAILED: _note,
    EntryKind.REVEALED: _note,
    EntryKind.RESENT: _note,
    EntryKind.ENABLED: _note,
    EntryKind.REDRIVEN: _note,
    EntryKind.DISCARDED: _note,
    EntryKind.PAGE_SENT: _note,
    EntryKind.PAGE_CLIMBED: _note,
    EntryKind.PAGE_ACKNOWLEDGED: _note,
    EntryKind.PAGE_REOPENED: _note,
    EntryKind.DESTROYED: _note,
    EntryKind.STATUS_REMINDED: _note,
    EntryKind.STATUS_NOTED: _note,
    EntryKind.PAUSED: _note,
    EntryKind.RESUMED: _note,
    EntryKind.ABORTED: _note,
    EntryKind.TRACK: _note,
    EntryKind.MERGED: _note,
    EntryKind.OUTSIDE_PROPOSED: _note,
    EntryKind.OUTSIDE_DONE: _note,
    EntryKind.OUTSIDE_REFUTED: _note,
    EntryKind.OUTSIDE_COUNTED: _note,
    EntryKind.OUTSIDE_DECIDED: _note,
    EntryKind.PROPOSED: _note,
    EntryKind.DISMISSED: _note,
    EntryKind.DECLARED: _note,
    EntryKind.LINKED: _note,
    EntryKind.COMMAND: _note,
    EntryKind.TASK_CLAIMED: _note,
    EntryKind.RETENTION: _note,
    EntryKind.TASK_REASSIGNED: _note,
    EntryKind.TASK_LAPSED: _note,
    EntryKind.VOIDED: _note,
    EntryKind.RECUSED: _note,
    EntryKind.UNRECUSED: _note,
    EntryKind.COMMAND_OFFERED: _note,
    EntryKind.COMMAND_RETURNED: _note,
    EntryKind.KEY_REVOKED: _note,
    EntryKind.TASK_TICKED: _note,
    EntryKind.TASK_FELL_BACK: _note,
    EntryKind.CONTINUED: _note,
    EntryKind.REVIEW_STARTED: _note,
    EntryKind.CONFLICT: _note,
}

_TOLD_OF_RELATED = frozenset(
    {
        EntryKind.HOLD_PLACED,
        EntryKind.HOLD_VERIFIED,
        EntryKind.HOLD_FAILED,
        EntryKind.HOLD_RENEWED,
        EntryKind.HOLD_RELEASED,
        EntryKind.ACCEPTED,
        EntryKind.DECLINED,
        EntryKind.UNANSWERED,
    }
)
