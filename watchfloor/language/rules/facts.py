"""Facts: their sources exist, and a step that is a source records."""

from watchfloor.language import codes
from watchfloor.language.document import all_steps
from watchfloor.language.findings import listing, nearest
from watchfloor.language.step_compiler import Surroundings
from watchfloor.language.type_reader import assignable, cel_type


def check(given: Surroundings) -> None:
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
            elif name:
                given.report.add(
                    codes.BAD_SOURCE,
                    source.span,
                    f"`{source.value}` is no source",
                    expected="`inputs.x`, `steps.x`, or the name of a system or role",
                )
