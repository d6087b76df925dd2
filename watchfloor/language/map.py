"""Where every step of a runbook stands, for messages that explain why one cannot be seen."""

from dataclasses import dataclass

from watchfloor.language.blocks import blocks
from watchfloor.language.document import (
    Action,
    Body,
    Choose,
    Decide,
    ForEach,
    Handoff,
    Hold,
    Parallel,
    Postmortem,
    Repeat,
    Run,
    Runbook,
    Step,
    Stop,
    Task,
    Try,
    Wait,
)

KIND_WORDS: dict[type, str] = {
    Action: "action",
    Decide: "decide",
    Task: "task",
    Wait: "wait",
    Parallel: "parallel",
    ForEach: "for_each",
    Choose: "choose",
    Repeat: "repeat",
    Hold: "hold",
    Handoff: "handoff",
    Postmortem: "postmortem",
    Stop: "stop",
    Try: "try",
    Run: "run",
}


@dataclass(frozen=True, slots=True)
class Placed:
    step: Step
    around: tuple[tuple[Step, str], ...]
    """Enclosing steps, outermost first, each with the name of its block."""
    track: str | None


class StepMap:
    """Steps by id. Of two with the same id the first counts; the reader of ids reports the second."""

    def __init__(self, runbook: Runbook) -> None:
        self.ids: dict[str, Placed] = {}
        self.twice: list[Step] = []
        for track in runbook.tracks:
            self._place(track.steps, (), track.id.value)
        for phase in runbook.phases:
            self._place(phase.steps, (), None)

    def _place(self, steps: tuple[Step, ...], around: tuple[tuple[Step, str], ...], track: str | None) -> None:
        for step in steps:
            if step.id.value in self.ids:
                self.twice.append(step)
            else:
                self.ids[step.id.value] = Placed(step, around, track)
            for name, inner in blocks(step):
                self._place(inner, (*around, (step, name)), track)

    def what(self, step: str) -> str:
        """`case.triage` for an action, else the kind."""
        placed = self.ids.get(step)
        if placed is None:
            return f"`{step}`"
        return f"`{describe(placed.step.body)}`"

    def why_hidden(self, step: str) -> tuple[str, str]:
        """Why a step that exists cannot be read, and what to do."""
        placed = self.ids[step]
        for outer, _ in reversed(placed.around):
            if isinstance(outer.body, ForEach | Repeat):
                gives = "succeeded, failed, results, total" if isinstance(outer.body, ForEach) else "rounds"
                name = outer.id.value
                return (
                    f"step `{step}` is inside the loop `{name}` and cannot be seen outside it",
                    f"the loop gives `steps.{name}` with {gives}; or record a fact",
                )
        if placed.track is not None:
            return (
                f"step `{step}` belongs to the track `{placed.track}`, which runs beside the phases",
                "let it record a fact and read that",
            )
        for outer, block in reversed(placed.around):
            if isinstance(outer.body, Parallel):
                return (
                    f"step `{step}` runs in the branch `{block}` at the same time or later",
                    f"read it after `{outer.id.value}`",
                )
        return (
            f"step `{step}` (line {placed.step.span.line}) cannot have run before this",
            "move it before this step",
        )


def describe(body: Body) -> str:
    return body.action.value if isinstance(body, Action) else KIND_WORDS[type(body)]
