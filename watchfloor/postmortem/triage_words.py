"""What triage did, in sentences: orders taken in, incidents linked."""

from collections.abc import Iterator

from schemas.ledger import EntryKind
from watchfloor.postmortem.account import Note
from watchfloor.postmortem.fields import instant, text
from watchfloor.postmortem.sentences import Id, Sentence, Word, say

TOLD = frozenset({EntryKind.MERGED, EntryKind.LINKED})
"""Kinds of entry that this module tells of."""


def tell_triage(note: Note) -> Iterator[Sentence]:
    """The sentence about one of these entries; a run that a step started is told of by that step."""
    at, seqs, data = note.moment.at, [note.moment.seq], note.data
    if note.kind == EntryKind.MERGED:
        since = instant(data, "known_at")
        known: list[Word] = [", known there since ", since] if since else []
        source: list[Word] = [" from ", Id(text(data, "source"))] if text(data, "source") else []
        yield say(at, seqs, "A report over the same content came", *source, *known, "; it started no run of its own.")
    elif note.kind == EntryKind.LINKED and text(data, "by") == "account":
        yield say(at, seqs, "The incident ", Id(text(data, "run")), " is over the same account.")
