"""No step that can never run: nothing after a step that ends the run on every path."""

from watchfloor.language import codes
from watchfloor.language.blocks import blocks
from watchfloor.language.document import Step
from watchfloor.language.flow import ends
from watchfloor.language.surroundings import Surroundings


def check(given: Surroundings) -> None:
    for track in given.runbook.tracks:
        _visit(track.steps, given)
    stopped: Step | None = None
    for phase in given.runbook.phases:
        stopped = _visit(phase.steps, given, stopped)


def _visit(steps: tuple[Step, ...], given: Surroundings, stopped: Step | None = None) -> Step | None:
    """Gives the step that ends the list, if one does."""
    for step in steps:
        if stopped is not None:
            given.report.add(
                codes.NEVER_RUNS,
                step.id.span,
                f"step `{step.id.value}` can never run",
                expected=f"`{stopped.id.value}` on line {stopped.span.line} ends the run",
                help="move it before, or remove it",
            )
            return None
        for _, inner in blocks(step):
            _visit(inner, given)
        if ends(step):
            stopped = step
    return stopped
