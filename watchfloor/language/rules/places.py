"""Where in the file a step of the plan stands."""

from schemas.plan import Step
from watchfloor.language.blocks import all_steps
from watchfloor.language.document import Action
from watchfloor.language.document import Step as Written
from watchfloor.language.nodes import Span
from watchfloor.language.surroundings import Surroundings


class Places:
    """Finds the letters that a finding about a step of the plan points at."""

    def __init__(self, given: Surroundings) -> None:
        self._written: dict[str, Written] = {step.id.value: step for step in all_steps(given.runbook)}

    def written(self, step: Step) -> Written | None:
        """The step as its author wrote it."""
        return self._written.get(step["id"])

    def step(self, step: Step) -> Span:
        """The step's id."""
        written = self._written.get(step["id"])
        return written.id.span if written is not None else _start(step)

    def action(self, step: Step) -> Span:
        """The name of the action, or the step's id."""
        written = self._written.get(step["id"])
        if written is not None and isinstance(written.body, Action):
            return written.body.action.span
        return self.step(step)


def _start(step: Step) -> Span:
    line, _, column = step["at"].partition(":")
    return Span(int(line), int(column), int(column) + 1)
