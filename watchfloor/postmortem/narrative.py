"""The story of an incident, chapter by chapter, each sentence with the entries that say so.

What happened many times the same way (an action over forty items) is one sentence with its counts; everything else
is told one by one in the order of the ledger.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.json_value import Json
from schemas.ledger import EntryKind
from watchfloor.postmortem.account import (
    Account,
    Ask,
    Clock,
    Effect,
    Handoff,
    Hold,
    Measure,
    Moment,
    Note,
    Said,
)
from watchfloor.postmortem.command_words import COMMAND_KINDS, tell_command
from watchfloor.postmortem.fields import instant, text, words
from watchfloor.postmortem.outside_words import OUTSIDE_KINDS, tell_outside
from watchfloor.postmortem.sentences import Id, Sentence, Word, list_ids, say
from watchfloor.postmortem.systems_words import tell_systems
from watchfloor.postmortem.triage_words import TOLD, tell_triage
from watchfloor.signing.narrowing import tell_left_out

OPENING = "opening"
_ASKED = {
    "approval": "to approve",
    "decide": "to decide",
    "task": "to carry out and report",
    "handoff": "to accept",
    "release": "to release",
    "failed": "what to do after the failure of",
    "doubt": "what became of",
    "review": "to review",
    "severity": "whether to lower",
    "dismissal": "whether to dismiss",
    "outside": "whether somebody carried out",
}


@dataclass(frozen=True, slots=True)
class Chapter:
    name: str
    began: Moment | None
    ended: Moment | None
    sentences: tuple[Sentence, ...]


def tell(account: Account) -> list[Chapter]:
    """The chapters: what came before the first phase, then each phase as it was entered."""
    told = sorted(_all(account), key=_order)
    starts = [(phase.entered.at, (phase.entered.seq,)) for phase in account.phases]
    chapters: list[Chapter] = []
    before = tuple(one for one in told if not starts or _order(one) < starts[0])
    if before:
        chapters.append(Chapter(OPENING, account.opened, None, before))
    for index, phase in enumerate(account.phases):
        end = starts[index + 1] if index + 1 < len(starts) else None
        inside = tuple(one for one in told if _order(one) >= starts[index] and (end is None or _order(one) < end))
        chapters.append(Chapter(phase.name, phase.entered, phase.left, inside))
    return chapters


def _order(sentence: Sentence) -> tuple[datetime, tuple[int, ...]]:
    """By time, then by the ledger: entries of another chain have no place of their own in this one's order."""
    return sentence.at, sentence.seqs


def _all(account: Account) -> Iterator[Sentence]:
    yield from _frame(account)
    for clock in account.clocks:
        yield from _clock(clock)
    for ask in account.asks:
        yield from _ask(ask)
    for refused in account.stray:
        yield say(
            refused.moment.at, [refused.moment.seq], "A statement was refused: ", Id(refused.why or "unknown"), "."
        )
    for group in group_effects(account):
        yield from _effects(group)
    yield from _measures(account.measures)
    for hold in account.holds:
        yield from _hold(hold)
    for handoff in account.handoffs:
        yield from _handoff(handoff)
    asked = {ask.path for ask in account.asks}
    for note in account.notes:
        if note.kind != EntryKind.BRANCH or note.path not in asked:
            # the way taken after a decision is what the decision says
            yield from _note(note)


def _frame(account: Account) -> Iterator[Sentence]:
    if account.opened:
        words: list[Word] = ["The run was opened"]
        if account.requester:
            words += [" by ", Id(account.requester)]
        if account.severity:
            words += [" with severity ", Id(account.severity)]
        if account.received_at:
            words += ["; its trigger had been received at ", account.received_at]
        yield say(account.opened.at, [account.opened.seq], *words, ".")
        if account.commander:
            yield say(account.opened.at, [account.opened.seq], Id(account.commander), " commanded.")
    for phase in account.phases:
        if phase.left:
            seqs = [phase.entered.seq, phase.left.seq]
            lasted = phase.left.at - phase.entered.at
            yield say(phase.entered.at, seqs, "Phase ", Id(phase.name), " began and lasted ", lasted, ".")
        else:
            yield say(phase.entered.at, [phase.entered.seq], "Phase ", Id(phase.name), " began.")
    if account.closed:
        outcome: list[Word] = [" with outcome ", Id(account.outcome)] if account.outcome else []
        yield say(account.closed.at, [account.closed.seq], "The run was closed", *outcome, ".")


def _clock(clock: Clock) -> Iterator[Sentence]:
    name = Id(clock.name)
    for index, run in enumerate(clock.runs):
        due: list[Word] = [", due at ", run.due_at] if run.due_at else []
        verb = " was started anew and counts from " if index else " counts from "
        yield say(run.moment.at, [run.moment.seq], "The clock ", name, verb, run.started_at, *due, ".")
    for still in clock.stills:
        at = [still.moment.seq]
        yield say(
            still.moment.at, at, "The clock ", name, " stood still from ", still.since, ": ", Id(still.reason), "."
        )
        if still.resumed and still.until:
            yield say(still.resumed.at, [still.resumed.seq], "The clock ", name, " went on from ", still.until, ".")
    for renewal in clock.renewals:
        so: list[Word] = [", which did not count: ", Id(renewal.refused)]
        if not renewal.refused:
            so = [" and is due at ", renewal.due_at] if renewal.due_at else []
        verb = " had a renewal at " if renewal.refused else " was renewed at "
        yield say(renewal.moment.at, [renewal.moment.seq], "The clock ", name, verb, renewal.at, *so, ".")
    for moment, due_at in clock.warned:
        to_go: list[Word] = [" with ", due_at - moment.at, " to go"] if due_at and due_at > moment.at else []
        yield say(moment.at, [moment.seq], "The clock ", name, " warned", *to_go, ".")
    if clock.breached:
        yield say(clock.breached.at, [clock.breached.seq], "The clock ", name, " ran out.")
    if clock.stopped and clock.stopped_at:
        margin = clock.margin
        left: list[Word] = []
        if margin is not None:
            left = [" with ", margin, " left"] if clock.state == "met" else [", ", -margin, " late"]
        yield say(
            clock.stopped.at, [clock.stopped.seq], "The clock ", name, " stopped at ", clock.stopped_at, *left, "."
        )
    if clock.assigned:
        owner: list[Word] = [Id(clock.custodian), " as ", Id(clock.assigned_to)]
        to: list[Word] = [" and was assigned to ", *owner[0 if clock.custodian else 2 :]] if clock.assigned_to else []
        yield say(clock.assigned.at, [clock.assigned.seq], "The clock ", name, " still ran at the close", *to, ".")


def _ask(ask: Ask) -> Iterator[Sentence]:
    step = Id(ask.step or ask.path)
    who: list[Word] = [Id(ask.roles), " was asked "] if ask.roles else ["People were asked "]
    until: list[Word] = [", to answer by ", ask.deadline_at] if ask.deadline_at else []
    yield say(ask.asked.at, [ask.asked.seq], *who, _ASKED.get(ask.kind, "about"), " ", step, *until, ".")
    for moment in ask.reminded:
        yield say(moment.at, [moment.seq], "A reminder went out for ", step, ".")
    for moment, roles in ask.escalated:
        to: list[Word] = [" to ", Id(roles)] if roles else []
        yield say(moment.at, [moment.seq], step, " was escalated", *to, " for want of an answer.")
    for answer in sorted([*ask.answers, *ask.taken_back], key=lambda one: one.moment.seq):
        role: list[Word] = [" as ", Id(answer.role)] if answer.role else []
        wait = answer.moment.at - ask.asked.at
        words = [Id(answer.person), *role, " chose ", Id(answer.option), " at ", step, " after ", wait]
        yield say(answer.moment.at, [answer.moment.seq], *words, ".")
    for said in ask.said:
        yield say(said.moment.at, [said.moment.seq], Id(said.person), *_spoken(said, step), ".")
    for refused in ask.refused:
        yield say(
            refused.moment.at, [refused.moment.seq], "An answer to ", step, " was refused: ", Id(refused.why), "."
        )
    if ask.silent:
        yield say(ask.silent.at, [ask.silent.seq], "Nobody answered ", step, " in time.")


def _left_out(data: Mapping[str, Json]) -> list[Word]:
    """What a narrowing left out, and that answers to what was asked before count no more."""
    left, answered = data.get("left_out"), words(data, "answered")
    told: list[Word] = ["; ", Id(tell_left_out(left))] if isinstance(left, dict) and left else []
    void: list[Word] = ["; void was what had been said by ", Id(", ".join(answered))] if answered else []
    return [*told, *void]


def _spoken(said: Said, step: Word) -> list[Word]:
    """What somebody said at an ask besides an answer, after their name."""
    role = _aside(" as ", said.role)
    match said.kind:
        case EntryKind.ABSTAINED:
            return [*role, " abstained from ", step]
        case EntryKind.WITHDRAWN:
            again: list[Word] = ["; it was open again"] if said.data.get("reopens") else []
            what: Word = Id(text(said.data, "option")) if said.data.get("option") else "the seat that was given away"
            return [*role, " took back ", what, " at ", step, *again]
        case EntryKind.QUESTIONED:
            return [*role, " asked back before deciding ", step]
        case EntryKind.NARROWED:
            return [*role, " approved less than was asked at ", step, *_left_out(said.data)]
        case EntryKind.ANSWERED:
            return [*role, " answered a question at ", step]
        case EntryKind.DELEGATED:
            return [*role, " gave their seat at ", step, " to ", Id(text(said.data, "to"))]
        case _:
            return [" spoke at ", step]


def group_effects(account: Account) -> list[list[Effect]]:
    """Calls of one action at one step together, in the order of their first entries."""
    groups: dict[tuple[str, str], list[Effect]] = {}
    for effect in account.effects:
        groups.setdefault((effect.step or effect.path, effect.action), []).append(effect)
    return list(groups.values())


def _effects(group: Sequence[Effect]) -> Iterator[Sentence]:
    first = group[0]
    action = Id(first.action or first.step)
    done = [effect for effect in group if effect.done]
    if done:
        yield _done(first, action, done)
    for effect in group:
        if effect.doubtful:
            at, seq = effect.doubtful.at, effect.doubtful.seq
            yield say(at, [seq], "It was in doubt whether ", action, " at ", Id(effect.path), " took effect.")
        if effect.resolved:
            how: list[Word] = [": ", Id(effect.resolution)] if effect.resolution else []
            at, seq = effect.resolved.at, effect.resolved.seq
            yield say(at, [seq], "The doubt about ", action, " at ", Id(effect.path), " was resolved", *how, ".")
    lost = [effect for effect in group if effect.failed and not effect.carried_out]
    if lost:
        seqs = [seq for effect in lost for seq in effect.seqs]
        count = f" failed {len(lost)} times and was not carried out" if len(lost) > 1 else " failed"
        errors = sorted({effect.error for effect in lost if effect.error})
        why: list[Word] = [" (", *list_ids(errors), ")"] if errors else []
        yield say(lost[0].first_at, seqs, action, " at ", Id(first.step), count, *why, ".")


def _done(first: Effect, action: Id, done: Sequence[Effect]) -> Sentence:
    seqs = [seq for effect in done for seq in effect.seqs]
    moments = [effect.done.at for effect in done if effect.done]
    times: list[Word] = [f" {len(done)} times, from ", min(moments), " to ", max(moments)] if len(done) > 1 else []
    retried = [effect for effect in done if effect.retried]
    again: list[Word] = []
    if retried:
        again = ["; it needed another attempt"] if len(done) == 1 else [f"; {len(retried)} needed another attempt"]
    looked_up = sum(1 for effect in done if effect.how == "looked_up")
    if looked_up:
        again.append(f"; {looked_up} were confirmed by looking up" if looked_up > 1 else "; confirmed by looking up")
    where, verb = Id(first.step or first.path), " was done" if first.kind == "reads" else " took effect"
    return say(min(effect.first_at for effect in done), seqs, action, " at ", where, verb, *times, *again, ".")


def _measures(measures: Sequence[Measure]) -> Iterator[Sentence]:
    groups: dict[tuple[str, str], list[Measure]] = {}
    for measure in measures:
        groups.setdefault((measure.step, measure.action), []).append(measure)
    for (step, action), group in groups.items():
        seqs = [measure.since.seq for measure in group]
        count = f"{len(group)} measures" if len(group) > 1 else "One measure"
        of: list[Word] = [" of ", Id(action)] if action else []
        verb = " are in force" if len(group) > 1 else " is in force"
        yield say(group[0].since.at, seqs, count, *of, " at ", Id(step), verb, " from here on.")
        undone = [measure.undone for measure in group if measure.undone]
        if undone:
            count = f"{len(undone)} measures" if len(undone) > 1 else "One measure"
            verb = " were undone" if len(undone) > 1 else " was undone"
            yield say(undone[0].at, [moment.seq for moment in undone], count, *of, " at ", Id(step), verb, ".")


def _hold(hold: Hold) -> Iterator[Sentence]:
    name = Id(hold.id)
    if hold.placed:
        at: list[Word] = [" at ", *list_ids(hold.sources)] if hold.sources else []
        yield say(hold.placed.at, hold.placings, "The legal hold ", name, " was placed", *at, ".")
    if hold.verified:
        proof = " was proved: a deletion tried on purpose was refused."
        yield say(hold.verified.at, hold.proofs, "The hold ", name, proof)
    if hold.failed:
        yield say(hold.failed.at, [hold.failed.seq], "The hold ", name, " failed at a custodian.")
    for moment, until in hold.renewed:
        kept: list[Word] = [", kept until ", until] if until else []
        yield say(moment.at, [moment.seq], "The hold ", name, " was renewed", *kept, ".")
    if hold.released:
        yield say(hold.released.at, [hold.released.seq], "The hold ", name, " was released.")


def _handoff(handoff: Handoff) -> Iterator[Sentence]:
    to = Id(handoff.to or "another region")
    mode: list[Word] = [" (", Id(handoff.mode), ")"] if handoff.mode else []
    yield say(handoff.offered.at, [handoff.offered.seq], "A handoff was offered to ", to, *mode, ".")
    by: list[Word] = [" by ", Id(handoff.by)] if handoff.by else []
    if handoff.accepted:
        wait = handoff.accepted.at - handoff.offered.at
        yield say(handoff.accepted.at, [handoff.accepted.seq], to, " accepted the handoff", *by, " after ", wait, ".")
    if handoff.declined:
        yield say(handoff.declined.at, [handoff.declined.seq], to, " declined the handoff", *by, ".")
    if handoff.unanswered:
        yield say(handoff.unanswered.at, [handoff.unanswered.seq], to, " did not answer the handoff in time.")


def _note(note: Note) -> Iterator[Sentence]:
    at, seqs = note.moment.at, [note.moment.seq]
    step = Id(note.step or note.path)
    match note.kind:
        case EntryKind.FACT:
            yield say(at, seqs, *_fact(note), ".")
        case EntryKind.STEP_SKIPPED:
            yield say(at, seqs, "Step ", step, " was skipped.")
        case EntryKind.STEP_FAILED:
            error = text(note.data, "code", "error", "type", "why")
            yield say(at, seqs, "Step ", step, " failed", *_aside(" (", error, ")"), ".")
        case EntryKind.BRANCH:
            taken = text(note.data, "taken", "branch", "option")
            yield say(at, seqs, "At ", step, " the way ", Id(taken), " was taken.")
        case EntryKind.TRACK:
            yield say(
                at, seqs, "The track ", Id(text(note.data, "track", "id") or note.path), " began beside the phases."
            )
        case EntryKind.PAUSED | EntryKind.RESUMED | EntryKind.ABORTED:
            how = _aside(" (signed in: ", text(note.data, "signed_in"), ")")
            yield say(at, seqs, "The run was ", note.kind.removeprefix("run."), " by ", Id(note.actor), *how, ".")
        case EntryKind.TASK_CLAIMED:
            yield say(at, seqs, Id(note.actor), " took the task ", step, ".")
        case EntryKind.TASK_REASSIGNED:
            yield say(at, seqs, "The task ", step, " was reassigned.")
        case EntryKind.TASK_TICKED:
            yield say(at, seqs, Id(note.actor), " ticked ", Id(text(note.data, "item")), " of the task ", step, ".")
        case EntryKind.TASK_FELL_BACK:
            yield say(at, seqs, "The person named for the task ", step, " was not there; it went to the role.")
        case EntryKind.TASK_LAPSED:
            yield say(at, seqs, "The claim on the task ", step, " lapsed.")
        case EntryKind.RETENTION:
            yield say(at, seqs, *_ruling(note), ".")
        case EntryKind.REVEALED:
            yield say(
                at,
                seqs,
                Id(note.actor),
                *_aside(" as ", text(note.data, "role")),
                " was shown a reference at ",
                step,
                ".",
            )
        case EntryKind.RESENT | EntryKind.ENABLED | EntryKind.REDRIVEN | EntryKind.DISCARDED:
            yield from tell_systems(note)
        case EntryKind.DESTROYED:
            yield say(at, seqs, *_destroyed(note))
        case EntryKind.NOTICE_FAILED:
            yield say(at, seqs, "A notice about ", step, " reached nobody.")
        case EntryKind.PAGE_SENT | EntryKind.PAGE_CLIMBED | EntryKind.PAGE_ACKNOWLEDGED | EntryKind.PAGE_REOPENED:
            yield say(at, seqs, *_page(note))
        case EntryKind.STATUS_REMINDED:
            yield say(
                at, seqs, "No status had been given in time; ", *list_ids(words(note.data, "roles")), " was told."
            )
        case EntryKind.STATUS_NOTED:
            yield say(at, seqs, "A status was given by ", Id(note.actor), ".")
        case EntryKind.REVIEW_STARTED:
            yield say(at, seqs, "This review was asked for.")
        case kind if kind in COMMAND_KINDS:
            yield from tell_command(note)
        case kind if kind in OUTSIDE_KINDS:
            yield from tell_outside(note)
        case kind if kind in TOLD:
            yield from tell_triage(note)
        case EntryKind.CONFLICT:
            yield say(at, seqs, "An entry came again with other content; the first was kept.")
        case _:
            return


def _page(note: Note) -> list[Word]:
    about, roles = Id(note.step or note.path), list_ids(words(note.data, "roles"))
    if note.kind == EntryKind.PAGE_SENT:
        return ["", *roles, " was paged about ", about, "."]
    if note.kind == EntryKind.PAGE_CLIMBED:
        return ["Nobody had acknowledged the page about ", about, "; it climbed to ", *roles, "."]
    if note.kind == EntryKind.PAGE_REOPENED:
        return ["The page about ", about, " was nobody's again: ", Id(text(note.data, "before")), " stands aside."]
    how = text(note.data, "how")
    if how == "over":
        return ["What the page about ", about, " was for ended before anybody acknowledged it."]
    by = {"answer": " with an answer", "claim": " by claiming the task", "pager": " at the paging service"}.get(how, "")
    return ["The page about ", about, " was acknowledged by ", Id(note.actor), f"{by}."]


def _aside(before: str, name: str, after: str = "") -> list[Word]:
    """A piece of a sentence that is left out when its name is not known."""
    return [before, Id(name), *([after] if after else [])] if name else []


def _ruling(note: Note) -> list[Word]:
    """What the conflict order said about one copy; its reasoning stands in the ledger."""
    words: list[Word] = ["The conflict order was asked about ", Id(text(note.data, "copy")), " before its deletion"]
    return [*words, " and said: ", Id(text(note.data, "ruling")), _by(note)]


def _destroyed(note: Note) -> list[Word]:
    """Which copies, on what authority, and where the receipt is; what the copies held is nowhere."""
    gone = note.data.get("exhibits")
    refs = sorted(str(ref) for ref in gone) if isinstance(gone, dict) else []
    many = "1 preserved copy was" if len(refs) == 1 else f"{len(refs)} preserved copies were"
    words: list[Word] = [f"{many} lawfully destroyed on the request ", Id(text(note.data, "authority"))]
    words += [f", by step 1 of the conflict order and {len(note.data.get('decisions', []))} people's approval: "]
    words += [*list_ids(refs)]
    if not text(note.data, "receipt"):
        return [*words, "; the others of this request were not."]
    return [*words, ". The receipt is ", Id(text(note.data, "receipt")), "."]


def _by(note: Note) -> str:
    step = note.data.get("rule")
    return f", by step {step}" if isinstance(step, int) and step else ""


def _fact(note: Note) -> list[Word]:
    observed: datetime | None = instant(note.data, "observed_at", "at")
    source = text(note.data, "source")
    words: list[Word] = ["The fact ", Id(text(note.data, "fact", "name")), " was recorded"]
    if observed:
        words += [", observed at ", observed]
    if source:
        words += [", from ", Id(source)]
    return words
