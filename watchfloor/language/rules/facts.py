"""Facts: their sources exist, and a step that is a source records."""

from watchfloor.language import codes
from watchfloor.language.blocks import all_steps, every_step
from watchfloor.language.document import Fact, Repeat, Step
from watchfloor.language.findings import listing, nearest
from watchfloor.language.flow import goes_on
from watchfloor.language.nodes import Scalar
from watchfloor.language.surroundings import Surroundings
from watchfloor.language.type_reader import assignable, cel_type

OF_TRIGGER = ("known_at", "received_at")
"""What a fact may take from the trigger: when it was first known, when it arrived."""


def check(given: Surroundings) -> None:
    _check_sources(given)
    for step in all_steps(given.runbook):
        if isinstance(step.body, Repeat) and step.records:
            _check_exhaustion(given, step, step.body)


def _check_exhaustion(given: Surroundings, step: Step, body: Repeat) -> None:
    """`records` of a repeat is carried out when `until` held; the path of exhaustion must see to the fact itself."""
    course = body.on_exhausted
    if not goes_on(course):
        return
    there = {name.value for inner in every_step(course.steps) for name, _ in inner.records}
    for name, _ in step.records:
        if name.value not in there:
            given.report.add(
                codes.GOES_ON_WITHOUT,
                name.span,
                f"the fact `{name.value}` is recorded only when `until` held, but the run goes on without it",
                expected=f"`on_exhausted` of `{step.id.value}` is on line {course.span.line}",
                help="record it in a step of that path too, or end there: `on_exhausted: fail`",
            )


def _check_sources(given: Surroundings) -> None:
    runbook = given.runbook
    inputs = {field.name.value: field.spec for field in runbook.inputs}
    steps = {step.id.value: step for step in all_steps(runbook)}
    for fact in runbook.facts:
        for source in fact.sources:
            kind, _, name = source.value.partition(".")
            if kind == "inputs":
                if name not in inputs:
                    near = nearest(name, inputs)
                    given.report.add(
                        codes.BAD_SOURCE,
                        source.span,
                        f"unknown input `{name}`",
                        expected=f"one of {listing(list(inputs))}" if inputs else "no input is declared",
                        help=f"did you mean `inputs.{near}`?" if near else "",
                    )
                elif not assignable(cel_type(inputs[name]), fact.spec):
                    given.report.add(
                        codes.BAD_SOURCE,
                        source.span,
                        f"the fact `{fact.name.value}` cannot hold {cel_type(inputs[name])}",
                        expected=f"an input of type {fact.spec['type']}",
                    )
            elif kind == "steps":
                step = steps.get(name)
                if step is None:
                    near = nearest(name, steps)
                    given.report.add(
                        codes.BAD_SOURCE,
                        source.span,
                        f"unknown step `{name}`",
                        expected=f"one of {listing(list(steps))}",
                        help=f"did you mean `steps.{near}`?" if near else "",
                    )
                elif all(name_.value != fact.name.value for name_, _ in step.records):
                    given.report.add(
                        codes.UNUSED_SOURCE,
                        source.span,
                        f"step `{name}` may set `{fact.name.value}` but does not record it",
                        help=f"add to the step: `records: {{{fact.name.value}: steps.{name}.…}}`",
                    )
            elif kind == "trigger":
                _check_trigger(given, fact, source, name)
            elif name:
                given.report.add(
                    codes.BAD_SOURCE,
                    source.span,
                    f"`{source.value}` is no source",
                    expected="`inputs.x`, `steps.x`, `trigger.known_at`, or the name of a system or role",
                )


def _check_trigger(given: Surroundings, fact: Fact, source: Scalar, name: str) -> None:
    """What every trigger gives are two instants."""
    if name not in OF_TRIGGER:
        near = nearest(name, OF_TRIGGER)
        given.report.add(
            codes.BAD_SOURCE,
            source.span,
            f"a trigger gives no `{name}`",
            expected=f"one of {listing(list(OF_TRIGGER))}",
            help=f"did you mean `trigger.{near}`?" if near else "",
        )
    elif fact.spec["type"] != "timestamp":
        given.report.add(
            codes.BAD_SOURCE,
            source.span,
            f"the fact `{fact.name.value}` cannot hold timestamp",
            expected="a fact of type timestamp",
        )
