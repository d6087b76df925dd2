"""The record of what was done by hand: a form that is printed empty and read back as strictly as a runbook.

Every text stays text until the plan says what it is. Instants are absolute: a file that is taken in twice must say the
same twice.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from watchfloor.client.errors import ClientError
from watchfloor.identity.located import LocatedTree, PeopleRefused, Place, read_located
from watchfloor.identity.people import Id, Role, in_words
from watchfloor.signing import parse_instant, render_instant

MAX_LINES = 200
"""Facts of one record; the same of what was done, and of what was decided."""
MAX_NOTE = 2000


class RecordRefused(ClientError):
    """The record cannot be taken in; one line `file:line:column: what` for each thing wrong. Nothing was sent."""


def _read_past(text: str) -> str:
    try:
        return render_instant(parse_instant(text))
    except ValueError as error:
        raise PydanticCustomError(
            "instant", "no instant; expected one such as 2026-11-28T03:10Z, with its zone"
        ) from error


_EMPTY_LIST = BeforeValidator(lambda given: [] if given is None or given == "" else given)
"""A key with nothing behind it: all its lines are still comments."""
_EMPTY_MAP = BeforeValidator(lambda given: {} if given is None or given == "" else given)
Instant = Annotated[str, AfterValidator(_read_past)]
Note = Annotated[str, Field(max_length=MAX_NOTE)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
People = Annotated[list[Id], Field(max_length=10)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FactLine(_Strict):
    """Something that was observed. Without `value` it is the instant `at`."""

    fact: Name
    at: Instant
    source: Name
    value: Any = None
    note: Note = ""


class DoneLine(_Strict):
    """An action or a task that people carried out."""

    step: Name
    at: Instant
    by: Annotated[People, Field(min_length=1)]
    items: Annotated[list[Name], Field(max_length=1000)] = Field(default_factory=list)
    witnesses: People = Field(default_factory=list)
    outputs: dict[Name, Any] = Field(default_factory=dict)
    note: Note = ""


class DecidedLine(_Strict):
    """A decision that somebody made on paper."""

    model_config = ConfigDict(extra="forbid")

    step: Name
    option: Name
    by: Id
    role: Role = Field(alias="as")
    at: Instant
    witnesses: People = Field(default_factory=list)
    note: Note = ""


class Document(_Strict):
    """The whole file."""

    by_hand: Literal["1"]
    runbook: Name
    plan: Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64})?$")] = ""
    incident: Annotated[str, Field(pattern=r"^([a-z]{2,4}-[a-z0-9-]{1,80})?$")] = ""
    source: Name = "paper"
    key: Annotated[str, Field(max_length=200)] = ""
    known_at: Instant | Literal[""] = ""
    received_at: Instant | Literal[""] = ""
    requester: Id | Literal[""] = ""
    note: Annotated[str, Field(min_length=1, max_length=MAX_NOTE)]
    inputs: Annotated[dict[Name, Any], _EMPTY_MAP] = Field(default_factory=dict)
    facts: Annotated[list[FactLine], Field(max_length=MAX_LINES), _EMPTY_LIST] = Field(default_factory=list)
    done: Annotated[list[DoneLine], Field(max_length=MAX_LINES), _EMPTY_LIST] = Field(default_factory=list)
    decided: Annotated[list[DecidedLine], Field(max_length=MAX_LINES), _EMPTY_LIST] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Record:
    """A record that is well formed; `where` gives the place of something in it."""

    file: Path
    document: Document
    located: LocatedTree

    def where(self, *place: str | int) -> str:
        """`file:line:column`."""
        return self.located.where(place)


def read_record(file: Path, *, now: datetime) -> Record:
    """Read a record.

    Raises:
        RecordRefused: it cannot be read, is not strict YAML, or something in it does not fit its form.
    """
    try:
        located = read_located(file)
    except PeopleRefused as error:
        raise RecordRefused(str(error)) from error
    try:
        document = Document.model_validate(located.tree)
    except ValidationError as error:
        faults = [in_words(located, _plain(item["loc"]), item["msg"]) for item in error.errors(include_url=False)]
        raise RecordRefused("\n".join(dict.fromkeys(faults))) from error
    record = Record(file, document, located)
    faults = [f"{record.where(*place)}: {what}" for place, what in _find_faults(document, now)]
    if faults:
        raise RecordRefused("\n".join(faults))
    return record


def _plain(loc: tuple[int | str, ...]) -> Place:
    """The place in the file, without the alternatives of a union that pydantic names."""
    return tuple(part for part in loc if not (isinstance(part, str) and ("[" in part or part.startswith("function"))))


def _find_faults(document: Document, now: datetime) -> list[tuple[Place, str]]:
    """What the form alone cannot say: instants that are to come, two ways to name the incident, nothing at all."""
    found: list[tuple[Place, str]] = []
    for name in ("known_at", "received_at"):
        at = getattr(document, name)
        if at and parse_instant(at) > now:
            found.append(((name,), f"`{name}` is to come; a record says what has been"))
    for part in ("facts", "done", "decided"):
        for nth, line in enumerate(getattr(document, part)):
            if parse_instant(line.at) > now:
                found.append(((part, nth, "at"), "`at` is to come; a record says what has been"))
    if document.incident and (document.key or document.inputs):
        wrong = "key" if document.key else "inputs"
        found.append(((wrong,), f"`{wrong}` starts an incident, and `incident` names one that goes on; leave one out"))
    if not document.incident and not document.key:
        found.append((("by_hand",), "neither `incident` nor `key`: name the incident that this joins, or give a key"))
    if document.incident and not (document.facts or document.done or document.decided):
        found.append((("incident",), "nothing is recorded: no facts, nothing done, nothing decided"))
    return found
