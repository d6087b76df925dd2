"""What people did and decided outside a run, in sentences that name both times: when it was done, when it was told."""

from collections.abc import Iterator

from schemas.ledger import EntryKind
from watchfloor.postmortem.account import Note
from watchfloor.postmortem.fields import instant, text, words
from watchfloor.postmortem.sentences import Id, Sentence, Word, list_ids, say

OUTSIDE_KINDS = frozenset(
    {
        EntryKind.OUTSIDE_PROPOSED,
        EntryKind.OUTSIDE_DONE,
        EntryKind.OUTSIDE_REFUTED,
        EntryKind.OUTSIDE_COUNTED,
        EntryKind.OUTSIDE_DECIDED,
    }
)
"""Kinds of entry that this module tells of."""


def tell_outside(note: Note) -> Iterator[Sentence]:
    """The sentence about one of these entries."""
    data, at, seqs = note.data, note.moment.at, [note.moment.seq]
    done_at = instant(data, "done_at")
    when: list[Word] = [" at ", done_at] if done_at else []
    step = Id(note.step)
    by: list[Word] = [" by ", *list_ids(words(data, "by"))]
    match note.kind:
        case EntryKind.OUTSIDE_PROPOSED:
            yield say(
                at, seqs, Id(note.actor), " recorded that ", step, " was carried out outside", *when, "; ",
                "a second person was asked.",
            )  # fmt: skip
        case EntryKind.OUTSIDE_DONE:
            second: list[Word] = (
                [", confirmed by ", Id(text(data, "confirmed_by"))] if text(data, "confirmed_by") else []
            )
            told: list[Word] = [", as ", Id(note.actor), " recorded", *second, "."]
            yield say(at, seqs, step, " was carried out outside", *when, *by, *told)
        case EntryKind.OUTSIDE_REFUTED:
            yield say(at, seqs, Id(text(data, "refuted_by")), " denied that ", step, " was carried out outside.")
        case EntryKind.OUTSIDE_COUNTED:
            yield say(at, seqs, step, " counts as done", *when, "; the run did not carry it out.")
        case EntryKind.OUTSIDE_DECIDED:
            decided_at = instant(data, "decided_at")
            then: list[Word] = [" at ", decided_at] if decided_at else []
            yield say(
                at, seqs, Id(text(data, "by")), " decided ", Id(text(data, "option")), " at ", step, " on paper", *then,
                ", as ", Id(note.actor), " recorded; it filled no seat.",
            )  # fmt: skip
