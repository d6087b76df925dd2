"""A rehearsal: the real engine on skipped time without a scenario file, people and systems as somebody assumes them.

Nothing outside is touched: actions give what their contracts promise, or the failure that is assumed.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from schemas.incident import ClockState
from schemas.json_value import Json
from schemas.plan import Plan
from watchfloor.client.errors import InputsRefused, NotFound
from watchfloor.client.inputs import validate_inputs
from watchfloor.client.orders import Order
from watchfloor.language.findings import nearest
from watchfloor.scenarios.crossing import all_steps
from watchfloor.scenarios.files import CONTRACTS
from watchfloor.scenarios.model import FAILURES, Answer, Assumptions, Expectation, Person, Scenario, Statement, Stub
from watchfloor.scenarios.outcome import Ending
from watchfloor.scenarios.play import play
from watchfloor.scenarios.references import check_references
from watchfloor.scenarios.stage import outside_sources
from watchfloor.scenarios.timeline import ASK, CALL, CALLED, UNDECIDED, Event

_GRACE = 0.1


class Unplayable(NotFound):
    """The rehearsal could not be held: the engine's own complaint."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is assumed besides the answers of people.

    `facts` maps a fact to when it becomes known and its value; `failing` an action to a word of `FAILURES`; `outputs`
    an action to what it gives instead of what its contract's samples say.
    """

    facts: Mapping[str, tuple[timedelta, Json]]
    failing: Mapping[str, str]
    outputs: Mapping[str, Mapping[str, Json]]


@dataclass(frozen=True, slots=True)
class Undecided:
    """An ask about which nothing is assumed. `at` is since the start."""

    name: str
    title: str
    options: tuple[str, ...]
    at: timedelta


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What came of it. `unsaid` are facts that came too late to be said: the run had ended."""

    plan: Plan
    assume: Assumptions
    ending: Ending
    unsaid: tuple[str, ...]
    seconds: float

    @property
    def undecided(self) -> Undecided | None:
        """The ask at which it stopped, if it did."""
        event = next((one for one in self.ending.timeline.events if one.kind == UNDECIDED), None)
        if event is None:
            return None
        options = event.data["options"]
        assert isinstance(options, list)
        after = event.at - self.ending.timeline.started_at
        return Undecided(event.what, str(event.data["title"]), tuple(map(str, options)), after)

    @property
    def events(self) -> list[Event]:
        """What happened until the incident ended; its hold and its review live on."""
        return [one for one in self.ending.timeline.events if one.at <= self.ending.ended_at]

    @property
    def effects(self) -> list[Event]:
        """Calls that would have changed something, in their order; failed attempts are among them."""
        return [one for one in self.events if one.kind in CALL and one.data["effect"] != "reads"]

    @property
    def reads(self) -> int:
        """Calls that only look."""
        return sum(one.kind == CALLED and one.data["effect"] == "reads" for one in self.events)

    @property
    def asked(self) -> list[Event]:
        return [one for one in self.events if one.kind == ASK]

    @property
    def called(self) -> set[str]:
        """The actions that were called, whatever came of it."""
        return {one.what for one in self.events if one.kind in CALL}

    @property
    def clocks(self) -> list[ClockState]:
        return self.ending.board["clocks"]


def usual_choices(plan: Plan) -> dict[str, str]:
    """The option that each asking step takes when nothing is assumed: yes at a gate, the first one at a choice."""
    return {step["id"]: next(iter(step["options"])) for step in all_steps(plan) if step["kind"] == "decide"}


def rehearse(
    plan: Plan, plan_digest: str, order: Order, assume: Assumptions, wish: Wish, *, within: Scenario | None = None
) -> Rehearsal:
    """Hold a rehearsal.

    Args:
        within: a scenario in whose world it is held: what systems answer and which facts come there, where `wish` says
            nothing else. Its people do not speak.

    Raises:
        NotFound: something is assumed of a step, fact, action or output that the runbook does not have.
        InputsRefused: the order's inputs do not fit.
        Unplayable: the engine could not play it.
        FileNotFoundError: the time-skipping server is not installed.
    """
    scenario = _scenario(plan, order, assume, wish, within)

    async def run() -> Rehearsal:
        outcome = await play(scenario, plan, plan_digest, CONTRACTS)
        # as `watchfloor.scenarios.files.run_files`: let the engine's threads give back their last calls
        await asyncio.sleep(_GRACE)
        if outcome.ending is None:
            raise Unplayable("; ".join(each.message for each in outcome.deviations))
        unsaid = () if outcome.ending.outcome == "open" else tuple(each.message for each in outcome.deviations)
        return Rehearsal(plan, assume, outcome.ending, unsaid, outcome.seconds)

    return asyncio.run(run())


def check_order(plan: Plan, order: Order, *, now: datetime) -> None:
    """Check an order's inputs before any server is started.

    Raises:
        InputsRefused: naming every field that does not fit.
    """
    validate_inputs(plan["inputs"], order.inputs, now=now, relative=True)


def _scenario(plan: Plan, order: Order, assume: Assumptions, wish: Wish, within: Scenario | None) -> Scenario:
    scenario = Scenario(
        name="rehearsal",
        path="rehearsal",
        line=1,
        runbook=plan["id"],
        inputs=order.inputs,
        requester=order.requester,
        actions={**(within.actions if within else {}), **dict(_stubs(plan, wish))},
        people=(),
        facts=(*_facts_of(within, wish), *_statements(plan, wish)),
        controls=(),
        until=None,
        expect=Expectation(),
        assume=assume,
    )
    _check_names(scenario, plan, assume)
    return scenario


def _facts_of(within: Scenario | None, wish: Wish) -> Iterator[Statement]:
    """The facts of a scenario of which no other is wished. What its author expects to be refused is no fact."""
    for one in within.facts if within else ():
        if one.fact not in wish.facts and one.refused is None:
            yield one


def _stubs(plan: Plan, wish: Wish) -> Iterator[tuple[str, tuple[Stub, ...]]]:
    named = {*wish.failing, *wish.outputs}
    for name in sorted(named):
        if name not in CONTRACTS:
            raise NotFound(f"there is no action `{name}`{_hint(name, CONTRACTS)}")
    for name, given in wish.outputs.items():
        known = CONTRACTS[name]["outputs"]
        for output in given:
            if output not in known:
                raise NotFound(f"`{name}` gives no `{output}`{_hint(output, known)}; it gives {', '.join(known)}")
        if name not in wish.failing:
            yield name, (Stub(given, None),)
    for name, word in wish.failing.items():
        if word not in FAILURES:
            raise NotFound(f"an action cannot fail by `{word}`{_hint(word, FAILURES)}; it can by {', '.join(FAILURES)}")
        yield name, (Stub(None, word),)


def _statements(plan: Plan, wish: Wish) -> Iterator[Statement]:
    for name, (at, value) in wish.facts.items():
        if name not in plan["facts"]:
            raise NotFound(f"the runbook has no fact `{name}`{_hint(name, plan['facts'])}")
        sources = outside_sources(plan, name)
        if not sources:
            raise NotFound(
                f"nobody outside may say `{name}`: it comes from {', '.join(plan['facts'][name]['sources'])}"
            )
        yield Statement(name, value, at, sources[0], None, None, 0)


def _check_names(scenario: Scenario, plan: Plan, assume: Assumptions) -> None:
    """Hold the assumed answers against the plan, as a scenario's answers are."""
    nobody = Person("nobody", "")
    answers = [
        Answer(step, option, nobody, "", {}, None, timedelta(0), None, 0) for step, option in assume.choices.items()
    ]
    answers += [Answer(step, "", nobody, "", {}, None, timedelta(0), "late", 0) for step in sorted(assume.silent)]
    findings = check_references(replace(scenario, people=tuple(answers)), plan)
    if findings:
        raise NotFound("; ".join(f"{finding.message}, expected {finding.expected}" for finding in findings))


def _hint(name: str, known: Sequence[str] | Mapping[str, object]) -> str:
    near = nearest(name, list(known))
    return f"; did you mean `{near}`?" if near else ""


__all__ = [
    "InputsRefused",
    "Rehearsal",
    "Undecided",
    "Unplayable",
    "Wish",
    "check_order",
    "rehearse",
    "usual_choices",
]
