"""What the page of a question shows: the effect with its inputs counted, evidence hidden, what was said, what one may
say. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.decision import OpenAsk
from schemas.incident import Board
from schemas.json_value import Json
from watchfloor.client.resolutions import say_option
from watchfloor.client.revealing import REFERENCE, list_evidence
from watchfloor.drawing.words import join_words, name_place
from watchfloor.identity.people import Person
from watchfloor.signing.motions import ANSWERING
from watchfloor.signing.narrowing import list_inside, list_left_out
from watchfloor.signing.standing import (
    ABSTAIN,
    DELEGATE,
    WITHDRAW,
    find_abstained,
    find_answer,
    find_delegations,
    find_questions,
)

MOST_ITEMS = 300
"""Items of one input that a form lists; a longer list is narrowed from the command line."""
_OPPOSING = frozenset({"deny", "decline", "refuse", "give_up", "keep"})
_GRAVE = frozenset({"destroys", "discloses"})
_LEVELS = ("S0", "S1", "S2", "S3", "S4")


@dataclass(frozen=True, slots=True)
class Value:
    """One input or fact: `items` of a list, else `text`. References are hidden: `evidence 2`, unless revealed."""

    label: str
    origin: str
    """Where it comes from, in words; empty where the label says it all."""
    text: str
    items: tuple[str, ...]
    count: int | None


@dataclass(frozen=True, slots=True)
class Narrow:
    """One input of which less can be approved: items that may be left out, or smaller scopes."""

    name: str
    items: tuple[str, ...]
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question that somebody asked back, and its answers; texts by reference."""

    number: int
    by: str
    ref: str
    answers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Words:
    """What this person may say here besides an answer."""

    narrow: tuple[Narrow, ...]
    delegate: bool
    abstain: bool
    question: bool
    answer: bool
    withdraw: bool
    reveal: bool

    @property
    def any(self) -> bool:
        return bool(self.narrow) or self.delegate or self.abstain or self.question


def list_choices(board: Board, ask: OpenAsk) -> dict[str, list[tuple[str, str]]]:
    """Fields of a form that are chosen and not typed: value and words. Who takes an offer reads back its severity and
    which deadline is the nearest; that instant is exact to the microsecond, and nobody types it."""
    if ask["kind"] != "handoff":
        return {}
    dues = [(str(clock["due_at"]), str(clock["name"])) for clock in board["clocks"] if clock["due_at"]]
    return {"severity": [(one, one) for one in _LEVELS], "nearest_deadline": sorted(dues, key=lambda one: one[1])}


def takes_form(ask: OpenAsk, option: str) -> bool:
    """Whether this option is answered with the form: an offer is declined without reading it back."""
    return ask["kind"] != "handoff" or option == "accept"


def list_values(ask: OpenAsk, given: Mapping[str, Json], revealed: Mapping[str, str]) -> list[Value]:
    """Inputs, or what is shown, as a page may show them.

    Args:
        revealed: reference -> how it is written out, for those that were shown to this reader just now.
    """
    hidden = {one.ref: f"evidence {one.number}" for one in list_evidence(ask)}
    return [_draw(name, value, hidden, revealed) for name, value in given.items()]


def _draw(label: str, value: Json, hidden: Mapping[str, str], revealed: Mapping[str, str]) -> Value:
    words, origin = name_place(label)
    if isinstance(value, list):
        return Value(words, origin, "", tuple(_say(one, hidden, revealed) for one in value[:MOST_ITEMS]), len(value))
    return Value(words, origin, _say(value, hidden, revealed), (), None)


def _say(value: Json, hidden: Mapping[str, str], revealed: Mapping[str, str]) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_say(one, hidden, revealed)}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(_say(one, hidden, revealed) for one in value)
    return REFERENCE.sub(lambda found: revealed.get(found[0]) or hidden.get(found[0], "a reference"), str(value))


def list_narrows(ask: OpenAsk) -> tuple[Narrow, ...]:
    """The inputs of which less can be approved here."""
    found: list[Narrow] = []
    for name, how in (ask["narrows"]["inputs"] if "narrows" in ask else {}).items():
        value = ask["inputs"].get(name)
        if isinstance(value, list) and 1 < len(value) <= MOST_ITEMS and all(isinstance(one, str) for one in value):
            found.append(Narrow(name, tuple(map(str, value)), ()))
        elif not isinstance(value, list) and list_inside(how, value):
            found.append(Narrow(name, (), tuple(list_inside(how, value))))
    return tuple(found)


def list_left(ask: OpenAsk) -> list[tuple[str, str, str]]:
    """What was left out of what was asked first: input, what, by whom."""
    narrowed = ask.get("narrowed")
    if narrowed is None:
        return []
    who = ", ".join(dict.fromkeys(f"{one['person']} as {one['role']}" for one in narrowed["by"]))
    found: list[tuple[str, str, str]] = []
    for name, asked in narrowed["original"].items():
        left = narrowed["to"][name]
        if isinstance(asked, list):
            out = [str(one) for one in list_left_out(asked, left)]
            found.append((name, f"{len(out)} of {len(asked)} left out: {join_words(out[:10], 'and')}", who))
        else:
            found.append((name, f"{asked} was asked, {left} is left", who))
    return found


def list_questions(ask: OpenAsk) -> list[Question]:
    """What was asked back, with the answers."""
    return [
        Question(
            number,
            f"{said[0]['person']} as {said[0]['role']}",
            str(said[0]["reason_ref"]),
            tuple((f"{one['person']} as {one['role']}", str(one["reason_ref"])) for one in said[1:]),
        )
        for number, said in enumerate(find_questions(ask).values(), 1)
    ]


def list_said(ask: OpenAsk) -> list[str]:
    """What people said here besides questions: answers, and seats given, left or taken back."""
    lines: list[str] = []
    if "answered" not in ask:
        for envelope in ask["answers"]:
            body = envelope["body"]
            behalf = f" on behalf of {body['on_behalf_of']}" if "on_behalf_of" in body else ""
            lines.append(f"{body['person']} as {body['role']}{behalf}: {say_option(ask, str(body['option']))}")
    for envelope in ask.get("motions", []):
        body = envelope["body"]
        who = f"{body['person']} as {body['role']}"
        words = {ABSTAIN: "abstained", WITHDRAW: "took back what they had said"}
        if body["verb"] == DELEGATE:
            about = body["about"]
            lines.append(f"{who} gave the seat to {about['to'] if isinstance(about, dict) else ''}")
        elif body["verb"] in words:
            lines.append(f"{who} {words[str(body['verb'])]}")
    return lines


def find_words(board: Board, ask: OpenAsk, person: Person, mine: bool, decided: bool) -> Words:
    """What this person may say here besides an answer; what the run would refuse at once is not offered."""
    spoken = find_answer(ask, person.id) is not None or person.id in find_delegations(ask)
    questions = [one for one in find_questions(ask).values() if len(one) == 1]
    answers = bool(questions) and bool(set(ANSWERING) & set(person.roles))
    takes_part = mine and person.id not in find_abstained(ask) and not decided
    return Words(
        narrow=list_narrows(ask) if takes_part and ask["kind"] == "approval" else (),
        delegate=takes_part and ask["kind"] in {"approval", "decide", "release", "review"},
        abstain=takes_part and ask["kind"] != "task",
        question=takes_part,
        answer=answers and not decided,
        withdraw=spoken and not ask.get("acting", False),
        reveal=takes_part and bool(list_evidence(ask)),
    )


def order_options(options: Sequence[str]) -> list[tuple[str, bool]]:
    """The options as buttons, each with whether it stops the thing rather than letting it go ahead."""
    return [(option, option in _OPPOSING) for option in options]
