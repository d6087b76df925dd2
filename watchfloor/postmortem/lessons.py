"""What went well and what did not, as far as a ledger can say: only what follows from entries, no opinion."""

from collections.abc import Iterator
from datetime import datetime

from schemas.ledger import EntryKind
from watchfloor.postmortem.account import Account, Clock, Moment
from watchfloor.postmortem.fields import text
from watchfloor.postmortem.sentences import Id, Sentence, Word, list_ids, say

THIN = 0.25
"""A clock that stopped with less than this share of its time left is told among what to look at."""


def find_strengths(account: Account) -> list[Sentence]:
    """Clocks met with room, effects carried out once each, holds proved, handoffs taken, people who answered."""
    return sorted(_strengths(account), key=_order)


def find_weaknesses(account: Account) -> list[Sentence]:
    """Late or thin clocks, silences, escalations, refusals, failed steps, doubts, undelivered notices, open ends."""
    return sorted(_weaknesses(account), key=_order)


def _order(sentence: Sentence) -> tuple[datetime, tuple[int, ...]]:
    return sentence.at, sentence.seqs


def _strengths(account: Account) -> Iterator[Sentence]:
    for clock in account.clocks:
        if clock.state == "met" and clock.margin is not None and not _is_thin(clock) and clock.stopped:
            yield say(
                clock.stopped.at, clock.seqs, "The clock ", Id(clock.name), " was met with ", clock.margin, " left."
            )
    effects = [effect for effect in account.effects if effect.kind != "reads"]
    if effects and all(effect.carried_out for effect in effects):
        seqs = [seq for effect in effects for seq in effect.seqs]
        retried = sum(1 for effect in effects if effect.retried)
        many = f"All {len(effects)} effects were" if len(effects) > 1 else "The one effect was"
        again = f", {retried} of them after another attempt" if retried else ", each at the first attempt"
        yield say(effects[0].first_at, seqs, f"{many} carried out", again if len(effects) > 1 else "", ".")
    for hold in account.holds:
        if hold.verified and not hold.failed:
            yield say(
                hold.verified.at, [hold.verified.seq], "The hold ", Id(hold.id), " was proved by a refused deletion."
            )
    for handoff in account.handoffs:
        if handoff.accepted:
            wait = handoff.accepted.at - handoff.offered.at
            seqs = [handoff.offered.seq, handoff.accepted.seq]
            yield say(handoff.accepted.at, seqs, Id(handoff.to), " took the handoff after ", wait, ".")
    answered = [ask for ask in account.asks if ask.answers]
    if answered and not any(ask.silent or ask.escalated or ask.reminded for ask in account.asks):
        seqs = [seq for ask in answered for seq in (ask.asked.seq, *(answer.moment.seq for answer in ask.answers))]
        many = (
            f"All {len(answered)} questions to people were" if len(answered) > 1 else "The one question to people was"
        )
        yield say(answered[0].asked.at, seqs, f"{many} answered without a reminder.")


def _weaknesses(account: Account) -> Iterator[Sentence]:
    for clock in account.clocks:
        yield from _clock(clock)
    for ask in account.asks:
        step = Id(ask.step or ask.path)
        if ask.silent:
            yield say(ask.silent.at, [ask.asked.seq, ask.silent.seq], "Nobody answered ", step, " in time.")
        if ask.escalated:
            seqs = [ask.asked.seq, *(moment.seq for moment, _ in ask.escalated)]
            roles = list_ids([who for _, who in ask.escalated if who])
            to: list[Word] = [" to ", *roles] if roles else []
            yield say(ask.escalated[0][0].at, seqs, step, " had to be escalated", *to, ".")
        if ask.refused:
            seqs = [refused.moment.seq for refused in ask.refused]
            whys = list_ids(sorted({refused.why for refused in ask.refused}))
            yield say(
                ask.refused[0].moment.at, seqs, _times(len(seqs)), " an answer to ", step, " was refused: ", *whys, "."
            )
    if account.stray:
        seqs = [refused.moment.seq for refused in account.stray]
        whys = list_ids(sorted({refused.why for refused in account.stray}))
        yield say(account.stray[0].moment.at, seqs, _times(len(seqs)), " a statement was refused: ", *whys, ".")
    yield from _effects(account)
    for note in account.kind(EntryKind.STEP_FAILED):
        error = text(note.data, "code", "error", "type", "why")
        why: list[Word] = [" (", Id(error), ")"] if error else []
        yield _one(note.moment, "Step ", Id(note.step or note.path), " failed", *why, ".")
    for note in account.kind(EntryKind.NOTICE_FAILED):
        yield _one(note.moment, "A notice about ", Id(note.step or note.path), " reached nobody.")
    for note in account.kind(EntryKind.ABORTED, EntryKind.PAUSED):
        yield _one(note.moment, "The run was ", note.kind.removeprefix("run."), " by ", Id(note.actor), ".")
    for note in account.kind(EntryKind.CONFLICT):
        yield _one(note.moment, "A ledger entry came again with other content.")
    for hold in account.holds:
        if hold.failed:
            yield _one(hold.failed, "The hold ", Id(hold.id), " failed at a custodian.")
        elif hold.placed and not hold.verified:
            yield _one(hold.placed, "The hold ", Id(hold.id), " was placed but never proved.")
    for handoff in account.handoffs:
        if handoff.declined:
            yield _one(handoff.declined, Id(handoff.to), " declined the handoff.")
        if handoff.unanswered:
            yield _one(handoff.unanswered, Id(handoff.to), " did not answer the handoff in time.")


def _clock(clock: Clock) -> Iterator[Sentence]:
    name = Id(clock.name)
    if clock.state == "late" and clock.stopped and clock.margin is not None:
        yield say(clock.stopped.at, clock.seqs, "The clock ", name, " stopped ", -clock.margin, " late.")
    elif clock.state == "breached" and clock.breached:
        yield say(clock.breached.at, clock.seqs, "The clock ", name, " ran out and was never stopped.")
    elif clock.state == "met" and _is_thin(clock) and clock.stopped and clock.margin is not None:
        yield say(clock.stopped.at, clock.seqs, "The clock ", name, " was met with only ", clock.margin, " left.")


def _effects(account: Account) -> Iterator[Sentence]:
    for effect in account.effects:
        action, where = Id(effect.action or effect.step), Id(effect.path)
        if effect.doubtful:
            seqs = [effect.doubtful.seq, *([effect.resolved.seq] if effect.resolved else [])]
            end = " and a person had to say" if effect.resolved else " and it stayed so"
            yield say(
                effect.doubtful.at, seqs, "Whether ", action, " at ", where, " took effect was in doubt", end, "."
            )
    lost = [effect for effect in account.effects if effect.failed and not effect.carried_out]
    for effect in lost:
        why: list[Word] = [" (", Id(effect.error), ")"] if effect.error else []
        yield say(
            effect.first_at,
            effect.seqs,
            Id(effect.action or effect.step),
            " at ",
            Id(effect.path),
            " failed",
            *why,
            ".",
        )
    open_ = [e for e in account.effects if e.announced and not (e.done or e.failed or e.resolved or e.doubtful)]
    for effect in open_:
        yield say(
            effect.first_at,
            effect.seqs,
            Id(effect.action),
            " at ",
            Id(effect.path),
            " was announced and has no outcome.",
        )
    retried = [effect for effect in account.effects if effect.retried and effect.carried_out]
    for step in dict.fromkeys(effect.step or effect.path for effect in retried):
        group = [effect for effect in retried if (effect.step or effect.path) == step]
        seqs = [seq for effect in group for seq in effect.seqs]
        many = f"{len(group)} calls" if len(group) > 1 else "One call"
        yield say(group[0].first_at, seqs, f"{many} of ", Id(group[0].action or step), " needed another attempt.")


def _one(moment: Moment, *words: Word) -> Sentence:
    return say(moment.at, [moment.seq], *words)


def _times(count: int) -> str:
    return "Once" if count == 1 else f"{count} times"


def _is_thin(clock: Clock) -> bool:
    margin = clock.margin
    if margin is None or clock.due_at is None:
        return False
    return margin < THIN * (clock.due_at - clock.started_at)
