"""The steps below a step: its side paths and the lists in its body, each with its part of the block path."""

from watchfloor.language.document import (
    Action,
    Choose,
    Course,
    Decide,
    ForEach,
    Handoff,
    Parallel,
    Repeat,
    Runbook,
    Step,
    Task,
    Try,
    Wait,
)


def courses(step: Step) -> list[tuple[str, Course]]:
    """The named side paths of a step, in a fixed order: the name is their part of the block path."""
    found: list[tuple[str, Course | None]] = [("on_error", step.on_error)]
    body = step.body
    if isinstance(body, Action):
        found.append(("review", body.review.on_deny if body.review else None))
        gate = body.approval
        if gate is not None:
            found += [("on_deny", gate.on_deny), ("on_silence", gate.silence.then if gate.silence else None)]
            found.append(("break_glass", gate.break_glass.review.on_deny if gate.break_glass else None))
    elif isinstance(body, Decide | Task):
        found.append(("on_silence", body.silence.then if body.silence else None))
    elif isinstance(body, Wait):
        found.append(("on_timeout", body.on_timeout))
    elif isinstance(body, Repeat):
        found.append(("on_exhausted", body.on_exhausted))
    elif isinstance(body, Handoff):
        found.append(("fallback", body.fallback))
    return [(name, course) for name, course in found if course is not None]


def blocks(step: Step) -> list[tuple[str, tuple[Step, ...]]]:
    """Every list of steps below a step with its part of the block path; empty for the plain body of a loop."""
    body = step.body
    found: list[tuple[str, tuple[Step, ...]]] = []
    if isinstance(body, Try):
        found.append(("", body.steps))
        found += [(f"catch{number}", catch.steps) for number, catch in enumerate(body.handlers, 1)]
        found.append(("finally", body.finally_))
    elif isinstance(body, Decide):
        found += [(choice.name.value, choice.steps) for choice in body.options]
    elif isinstance(body, Parallel):
        found += [(name.value, steps) for name, steps in body.branches]
    elif isinstance(body, ForEach | Repeat):
        found.append(("", body.steps))
    elif isinstance(body, Choose):
        found += [(f"case{number}", steps) for number, (_, steps) in enumerate(body.cases, 1)]
        found.append(("otherwise", body.otherwise or ()))
    found += [(f"on_error{number}", catch.steps) for number, catch in enumerate(step.catches, 1)]
    return found + [(name, course.steps) for name, course in courses(step)]


def every_step(steps: tuple[Step, ...]) -> list[Step]:
    """These steps and all below them, in the order of the file."""
    found: list[Step] = []
    for step in steps:
        found.append(step)
        for _, inner in blocks(step):
            found += every_step(inner)
    return found


def all_steps(runbook: Runbook) -> list[Step]:
    found: list[Step] = []
    for track in runbook.tracks:
        found += every_step(track.steps)
    for phase in runbook.phases:
        found += every_step(phase.steps)
    return found
