"""Taking a person out of what is open in a workflow that asks people; see `workflows.recusal` for who may say so."""

from collections.abc import Mapping, Sequence

from temporalio import workflow

from schemas.decision import OpenAsk, RefusalType
from schemas.ledger import EntryKind
from workflows.claiming import give_back
from workflows.journal import Journal
from workflows.notices import Notices
from workflows.revocations import void_answers

_PERSON_LIMIT = 64


def take_recusal(
    recused: list[str], asks: Mapping[str, OpenAsk], journal: Journal, notices: Notices, said: object
) -> tuple[str, bool] | None:
    """Take the word of the run that started this one; gives whom it changed something for, and whether they are out.

    Anything else is dropped, and what is known already changes nothing: so word that goes in a circle comes to rest.
    """
    if not isinstance(said, dict) or set(said) != {"person", "recused"} or not is_person(said["person"]):
        return None
    person = str(said["person"])
    if said["recused"] is True and person not in recused:
        journal.note(EntryKind.RECUSED, data={"person": person})
        stand_aside(recused, asks, journal, notices, person, workflow.info().get_current_history_length())
        return person, True
    if said["recused"] is False and person in recused:
        recused.remove(person)
        journal.note(EntryKind.UNRECUSED, data={"person": person})
        return person, False
    return None


def note_those_aside(journal: Journal, recused: Sequence[str]) -> None:
    """Write down at the opening who stands aside from the beginning: the chain alone says whom it is not shown to."""
    for person in recused:
        journal.note(EntryKind.RECUSED, data={"person": person})


def stand_aside(
    recused: list[str], asks: Mapping[str, OpenAsk], journal: Journal, notices: Notices, person: str, nth: int
) -> None:
    """Take a person out of everything that is open."""
    recused.append(person)
    for ask in asks.values():
        claim = ask.get("claim")
        if claim is not None and claim["person"] == person:
            give_back(ask, {"person": "engine", "role": ""}, "", journal, notices, workflow.now())
        void_answers(
            journal,
            notices,
            ask,
            lambda envelope, _: envelope["body"]["person"] == person,
            why=RefusalType.EXCLUDED,
            nth=f"{person}:{nth}",
        )


def is_person(value: object) -> bool:
    """Whether this may be a person's id."""
    return isinstance(value, str) and 0 < len(value) <= _PERSON_LIMIT
