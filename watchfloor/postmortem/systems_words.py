"""What people had done about other systems: events sent again, deliveries of theirs driven again or given up."""

from collections.abc import Iterator

from schemas.ledger import EntryKind
from watchfloor.postmortem.account import Note
from watchfloor.postmortem.fields import text
from watchfloor.postmortem.sentences import Id, Sentence, Word, say


def tell_systems(note: Note) -> Iterator[Sentence]:
    """The sentence about one of these entries."""
    data, at, seqs = note.data, note.moment.at, [note.moment.seq]
    role: list[Word] = [" as ", Id(text(data, "role"))] if text(data, "role") else []
    who: list[Word] = [Id(note.actor), *role]
    system = Id(text(data, "subscription") or text(data, "sender"))
    match note.kind:
        case EntryKind.RESENT:
            yield say(at, seqs, *who, " had events that were given up sent to ", system, " again.")
        case EntryKind.ENABLED:
            yield say(at, seqs, *who, " had ", system, " told again, which had wanted nothing more.")
        case EntryKind.REDRIVEN:
            yield say(at, seqs, *who, " had a delivery of ", system, " driven once more.")
        case EntryKind.DISCARDED:
            yield say(at, seqs, *who, " gave a delivery of ", system, " up.")
