"""What a scenario says, once its file has been read. Nothing here runs anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from schemas.actions import ErrorType
from schemas.json_value import Json

FAILURES: Mapping[str, tuple[str, bool]] = {
    "unreachable": (ErrorType.UNAVAILABLE, False),
    "refused": (ErrorType.REFUSED, True),
    "outcome_unknown": (ErrorType.OUTCOME_UNKNOWN, True),
    "bad_input": (ErrorType.BAD_INPUT, True),
    "not_bound": (ErrorType.NOT_BOUND, True),
    "switched_off": (ErrorType.KILLED, True),
    "ledger_unavailable": (ErrorType.LEDGER, False),
}
"""Word in a scenario -> the error type the action raises, and whether the engine must not retry it."""


@dataclass(frozen=True, slots=True)
class Stub:
    """What one call of an action gives: outputs laid over the synthesised ones, or a failure.

    `matching` restricts it to calls with these inputs. `times` calls are answered by it before the next stub of the
    same kind takes over; the last one answers for ever.
    """

    returns: Mapping[str, Json] | None
    fails: str | None
    matching: Mapping[str, Json] = field(default_factory=dict)
    times: int = 1


@dataclass(frozen=True, slots=True)
class Person:
    """Who speaks in a scenario. `region` is where they sit; a handoff is answered from the receiving one."""

    id: str
    role: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One person's answer to one ask.

    `at` is the time since the start; None means when the step asks, `after` later. `refused` names the refusal that
    the run must give; None means that it must accept. Instead of `choose` they may `say` something else
    (`watchfloor.signing.motions.VERBS`), `about` what that verb speaks of;
    `behalf` names whose seat they fill.
    """

    step: str
    choose: str
    person: Person
    reason: str
    form: Mapping[str, Json]
    at: timedelta | None
    after: timedelta
    refused: str | None
    line: int
    say: str = ""
    behalf: str = ""
    about: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Statement:
    """A fact from outside, `at` after the start. `source` is None when the fact has exactly one outside source."""

    fact: str
    value: Json
    at: timedelta
    source: str | None
    person: Person | None
    refused: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Control:
    """Pause, resume or abort, a word to a task (`step`), or about severity (`level`), `at` after the start."""

    verb: str
    person: Person
    reason: str
    at: timedelta
    refused: str | None
    line: int
    step: str = ""
    level: str = ""
    item: str = ""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must have happened when the run has ended, or when `until` has come."""

    outcome: str | None = None
    order: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    clocks: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Json] = field(default_factory=dict)
    set: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()
    undone: tuple[str, ...] | None = None
    asked: tuple[str, ...] | None = None
    paged: tuple[str, ...] = ()
    ledger: tuple[str, ...] = ()
    severity: str | None = None
    calls: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Assumptions:
    """How people behave in a rehearsal where no scenario says it.

    Both name an ask as scenarios do: by step id, by path, or with what it is about (`disable!failed`). An ask that
    neither names is answered by `usual`, or by nobody when that is None: then the rehearsal ends there, so that
    somebody can be asked what to assume.
    """

    choices: Mapping[str, str] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    usual: Mapping[str, str] | None = None
    """Path of a step without iterations -> the option taken when nothing else is assumed."""
    after: timedelta = timedelta(minutes=1)
    """How long people take to answer."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One story about one runbook. `until` ends it although the run is still open.

    `assume` is set in a rehearsal only: it answers the asks that `people` do not.
    """

    name: str
    path: str
    line: int
    runbook: str
    inputs: Mapping[str, Json]
    requester: str
    actions: Mapping[str, tuple[Stub, ...]]
    people: tuple[Answer, ...]
    facts: tuple[Statement, ...]
    controls: tuple[Control, ...]
    until: timedelta | None
    expect: Expectation
    assume: Assumptions | None = None
