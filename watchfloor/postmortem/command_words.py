"""How the review tells of command, of keys, and of people who stood aside."""

from collections.abc import Iterator

from schemas.ledger import EntryKind
from watchfloor.postmortem.account import Note
from watchfloor.postmortem.fields import instant, text, words
from watchfloor.postmortem.sentences import Id, Sentence, Word, list_ids, say

COMMAND_KINDS = (
    EntryKind.COMMAND,
    EntryKind.COMMAND_OFFERED,
    EntryKind.COMMAND_RETURNED,
    EntryKind.VOIDED,
    EntryKind.KEY_REVOKED,
    EntryKind.RECUSED,
    EntryKind.UNRECUSED,
)
_RETURNED = {
    "declined": "was declined",
    "withdrawn": "was withdrawn",
    "silent": "was not answered in time; command stayed where it was",
    "passed_by_handoff": "ended, because command passed to another region",
    "taken": "ended, because somebody took command",
    "recused": "ended, because one of the two has to stand aside",
}


def tell_command(note: Note) -> Iterator[Sentence]:
    """The sentences of one entry about command or keys."""
    data, at, seqs = note.data, note.moment.at, [note.moment.seq]
    match note.kind:
        case EntryKind.COMMAND:
            if not text(data, "person"):
                yield say(at, seqs, "Nobody commands since ", Id(text(data, "before")), " stands aside.")
                return
            to = _aside(" to ", text(data, "person"))
            yield say(at, seqs, "Command passed", *to, *_aside(" in ", text(data, "region")), ".")
        case EntryKind.COMMAND_OFFERED:
            place = _aside(" in the place of ", text(data, "in_place_of"))
            yield say(at, seqs, Id(note.actor), " offered command to ", Id(text(data, "to")), *place, ".")
        case EntryKind.COMMAND_RETURNED:
            how = _RETURNED.get(text(data, "why"), "ended")
            yield say(at, seqs, "The offer of command to ", Id(text(data, "to")), f" {how}.")
        case EntryKind.VOIDED:
            why = _aside(" (", text(data, "why"), ")")
            whose = list_ids(words(data, "persons"))
            step = Id(note.step or note.path)
            yield say(at, seqs, "Answers to ", step, " became void: ", *whose, *why, "; it was asked again.")
        case EntryKind.RECUSED:
            yield say(at, seqs, Id(text(data, "person")), " had to stand aside from the incident.")
        case EntryKind.UNRECUSED:
            end = " no longer had to stand aside." if data.get("done", True) else " may come back if a second agrees."
            yield say(at, seqs, Id(text(data, "person")), end)
        case EntryKind.KEY_REVOKED:
            since = instant(data, "since")
            when: list[Word] = [", as of ", since] if since else []
            yield say(at, seqs, "The face key ", Id(text(data, "kid")), " was revoked", *when, ".")


def _aside(before: str, name: str, after: str = "") -> list[Word]:
    return [before, Id(name), *([after] if after else [])] if name else []
