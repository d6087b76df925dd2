"""A step: one of all kinds. What stands in steps and refers to steps is complete only when this has been read."""

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from schemas.runbook.block_steps import (
    ChooseStep,
    ForEachStep,
    OtherwiseCase,
    ParallelBody,
    ParallelStep,
    RepeatBody,
    RepeatStep,
    TryBody,
    TryStep,
    WhenCase,
)
from schemas.runbook.failures import ByFailure, Catch
from schemas.runbook.gates import Approval, BreakGlass, Review, SilencePath, Steps
from schemas.runbook.human_steps import DecideBody, DecideStep, Option, TaskBody, TaskStep
from schemas.runbook.run_steps import (
    ActionStep,
    HandoffBody,
    HandoffStep,
    HoldStep,
    PostmortemStep,
    RunStep,
    StopStep,
    UseStep,
    WaitBody,
    WaitStep,
)
from schemas.runbook.step_keys import StepCommon
from schemas.runbook.words import Document

STEP_KINDS: dict[str, type[Document]] = {
    "run": RunStep,
    "use": UseStep,
    "try": TryStep,
    "action": ActionStep,
    "decide": DecideStep,
    "task": TaskStep,
    "wait": WaitStep,
    "parallel": ParallelStep,
    "for_each": ForEachStep,
    "choose": ChooseStep,
    "repeat": RepeatStep,
    "hold": HoldStep,
    "handoff": HandoffStep,
    "postmortem": PostmortemStep,
    "stop": StopStep,
}


def kind_of(value: Any) -> str | None:
    """The kind of a step: the first key that is one; `run` comes first, it has a key `wait` of its own."""
    if not isinstance(value, dict):
        return next((kind for kind, model in STEP_KINDS.items() if isinstance(value, model)), None)
    return next((kind for kind in STEP_KINDS if kind in value), None)


Step = Annotated[
    Annotated[RunStep, Tag("run")]
    | Annotated[UseStep, Tag("use")]
    | Annotated[TryStep, Tag("try")]
    | Annotated[ActionStep, Tag("action")]
    | Annotated[DecideStep, Tag("decide")]
    | Annotated[TaskStep, Tag("task")]
    | Annotated[WaitStep, Tag("wait")]
    | Annotated[ParallelStep, Tag("parallel")]
    | Annotated[ForEachStep, Tag("for_each")]
    | Annotated[ChooseStep, Tag("choose")]
    | Annotated[RepeatStep, Tag("repeat")]
    | Annotated[HoldStep, Tag("hold")]
    | Annotated[HandoffStep, Tag("handoff")]
    | Annotated[PostmortemStep, Tag("postmortem")]
    | Annotated[StopStep, Tag("stop")],
    Discriminator(kind_of),
]

_UNFINISHED: tuple[type[Document], ...] = (
    Steps,
    SilencePath,
    Review,
    BreakGlass,
    Approval,
    Catch,
    ByFailure,
    Option,
    DecideBody,
    TaskBody,
    WaitBody,
    ParallelBody,
    WhenCase,
    OtherwiseCase,
    RepeatBody,
    HandoffBody,
    TryBody,
    StepCommon,
    *STEP_KINDS.values(),
)
"""Models that were made before there was a step to refer to."""
for _model in _UNFINISHED:
    _model.model_rebuild(_types_namespace={"Step": Step})
