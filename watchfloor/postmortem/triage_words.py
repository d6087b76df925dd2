"""What triage did, in sentences: orders taken in, incidents linked, severity moved by people, dismissals."""

from collections.abc import Iterator

from schemas.ledger import EntryKind
from watchfloor.postmortem.account import Note
from watchfloor.postmortem.fields import instant, text, words
from watchfloor.postmortem.sentences import Id, Sentence, Word, say

TOLD = frozenset(
    {
        EntryKind.MERGED,
        EntryKind.LINKED,
        EntryKind.SEVERITY,
        EntryKind.PROPOSED,
        EntryKind.DISMISSED,
        EntryKind.DECLARED,
    }
)
"""Kinds of entry that this module tells of."""


def tell_triage(note: Note) -> Iterator[Sentence]:
    """The sentence about one of these entries; a run that a step started is told of by that step."""
    at, seqs, data = note.moment.at, [note.moment.seq], note.data
    if note.kind == EntryKind.MERGED:
        since = instant(data, "known_at")
        known: list[Word] = [", known there since ", since] if since else []
        source: list[Word] = [" from ", Id(text(data, "source"))] if text(data, "source") else []
        yield say(at, seqs, "A report over the same content came", *source, *known, "; it started no run of its own.")
    elif note.kind == EntryKind.SEVERITY:
        yield say(at, seqs, "Severity was set to ", Id(text(data, "severity", "now", "to")), *_cause(note), ".")
    elif note.kind == EntryKind.PROPOSED:
        level = text(data, "level")
        what: list[Word] = ["lower severity to ", Id(level)] if level else ["dismiss the incident"]
        yield say(at, seqs, Id(note.actor), " proposed to ", *what, *_sign_in(note), ".")
    elif note.kind == EntryKind.DISMISSED:
        yield say(at, seqs, "The incident was dismissed by ", *_people(note), *_sign_in(note), ".")
    elif note.kind == EntryKind.DECLARED:
        yield say(at, seqs, "The case was declared an incident by ", Id(note.actor), *_sign_in(note), ".")
    elif note.kind == EntryKind.LINKED and text(data, "by") == "account":
        yield say(at, seqs, "The incident ", Id(text(data, "run")), " is over the same account.")


def _cause(note: Note) -> list[Word]:
    match text(note.data, "cause"):
        case "raised":
            return [", raised by ", *_people(note), *_sign_in(note)]
        case "lowered":
            return [", lowered by ", *_people(note)]
        case "new fact":
            return [": a fact came that those who had lowered it did not know"]
    return []


def _sign_in(note: Note) -> list[Word]:
    """How who said it had signed in, where the statement says so."""
    way = text(note.data, "signed_in")
    return [" (signed in: ", Id(way), ")"] if way else []


def _people(note: Note) -> list[Word]:
    made: list[Word] = []
    for person in words(note.data, "by"):
        made += [" and ", Id(person)] if made else [Id(person)]
    return made or ["somebody"]
