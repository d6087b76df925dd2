"""What a scenario names, held against the plan: steps, options, clocks, facts, sources."""

from collections.abc import Iterable, Iterator

from schemas.plan import Plan, Step
from watchfloor.language.codes import BAD_VALUE, UNKNOWN_NAME, Code
from watchfloor.language.findings import Finding, listing, nearest
from watchfloor.scenarios.crossing import all_steps
from watchfloor.scenarios.model import Scenario
from watchfloor.scenarios.stage import outside_sources

_SEEN = {"action", "decide", "task", "hold", "handoff", "postmortem", "stop"}
"""Kinds of step whose begin somebody outside the engine notices; `order` can only name these."""
_ASKS = {"failed": {"retry", "skip", "give_up"}, "doubt": {"happened", "resend", "give_up"}}


_PROPOSALS = {"!severity": {"lower", "keep"}, "!dismissal": {"dismiss", "keep"}}
"""What people are asked about the incident itself, at no step."""


def check_references(scenario: Scenario, plan: Plan) -> list[Finding]:
    """Findings for every name in a scenario that its runbook does not have; they point at the entry's line."""
    steps = {step["id"]: step for step in all_steps(plan)}
    return sorted(
        _finding(scenario.path, line, code, message, expected)
        for line, code, message, expected in (
            *_in_answers(scenario, steps),
            *_in_controls(scenario, steps),
            *_in_facts(scenario, plan),
            *_in_expectations(scenario, plan, steps),
        )
    )


_Problem = tuple[int, Code, str, str]


def _in_answers(scenario: Scenario, steps: dict[str, Step]) -> Iterator[_Problem]:
    for answer in scenario.people:
        name, _, ask = answer.step.rsplit("/", 1)[-1].partition("!")
        step = steps.get(name.split("[", 1)[0])
        if answer.step in _PROPOSALS:
            if answer.choose and answer.choose not in _PROPOSALS[answer.step] and answer.refused is None:
                wanted = f"one of {listing(sorted(_PROPOSALS[answer.step]))}"
                yield answer.line, UNKNOWN_NAME, f"`{answer.step}` has no option `{answer.choose}`", wanted
            continue
        if step is None:
            yield _unknown(answer.line, "step", answer.step, steps)
            continue
        options = _ASKS.get(ask) if ask else _options(step)
        if options is None:
            yield (
                answer.line,
                BAD_VALUE,
                f"`{answer.step}` asks nobody",
                "a step that asks, or its `!failed` or `!doubt`",
            )
        elif answer.choose and answer.choose not in options and answer.refused is None:
            yield (
                answer.line,
                UNKNOWN_NAME,
                f"`{answer.step}` has no option `{answer.choose}`",
                f"one of {listing(sorted(options))}",
            )


def _in_controls(scenario: Scenario, steps: dict[str, Step]) -> Iterator[_Problem]:
    for control in scenario.controls:
        if not control.step:
            continue
        step = steps.get(control.step.rsplit("/", 1)[-1].split("[", 1)[0])
        if step is None:
            yield _unknown(control.line, "step", control.step, steps)
        elif step["kind"] != "task":
            yield control.line, BAD_VALUE, f"`{control.step}` is no task", "a `task` step"


def _in_facts(scenario: Scenario, plan: Plan) -> Iterator[_Problem]:
    for statement in scenario.facts:
        sources = outside_sources(plan, statement.fact)
        if statement.fact not in plan["facts"]:
            yield _unknown(statement.line, "fact", statement.fact, plan["facts"])
        elif statement.source is None and len(sources) != 1:
            yield (
                statement.line,
                BAD_VALUE,
                f"who says `{statement.fact}`? it has {len(sources)} sources from outside",
                f"`from: {' | '.join(sources)}`" if sources else "a fact that somebody from outside may say",
            )
        elif statement.source not in {None, *sources} and statement.refused is None:
            yield _unknown(statement.line, "source", str(statement.source), sources)


def _in_expectations(scenario: Scenario, plan: Plan, steps: dict[str, Step]) -> Iterator[_Problem]:
    expect, line = scenario.expect, scenario.line
    for name in (*expect.order, *(expect.undone or ())):
        if name not in steps:
            yield _unknown(line, "step", name, steps)
        elif steps[name]["kind"] not in _SEEN:
            yield (
                line,
                BAD_VALUE,
                f"`order` cannot see the {steps[name]['kind']} step `{name}`",
                "a step inside or after it",
            )
    steps_asked = [asked for asked in expect.asked or () if asked not in _PROPOSALS]
    for name in (asked.partition("!")[0].split("[", 1)[0] for asked in steps_asked):
        if name not in steps:
            yield _unknown(line, "step", name, steps)
    for name in expect.clocks:
        if name not in plan["clocks"]:
            yield _unknown(line, "clock", name, plan["clocks"])
    for name in (*expect.facts, *expect.set, *expect.unset):
        if name not in plan["facts"]:
            yield _unknown(line, "fact", name, plan["facts"])


def _options(step: Step) -> set[str] | None:
    match step["kind"]:
        case "decide":
            return set(step["options"])
        case "task":
            return {"done"}
        case "handoff":
            return {"accept", "decline"}
        case "hold":
            return {"release"}
        case "action" if step["approval"] is not None:
            return {"approve", "deny"}
    return None


def _unknown(line: int, what: str, name: str, known: Iterable[str]) -> _Problem:
    words = list(known)
    near = nearest(name, words)
    hint = f"; did you mean `{near}`?" if near else ""
    return (
        line,
        UNKNOWN_NAME,
        f"the runbook has no {what} `{name}`{hint}",
        f"one of {listing(words)}" if words else "none",
    )


def _finding(path: str, line: int, code: Code, message: str, expected: str) -> Finding:
    return Finding(path, line, 1, 2, code.number, code.severity, message, expected)
