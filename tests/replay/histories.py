"""Recorded runs: which there are, how one is replayed, and the digest of the state that it ends in.

Replay alone compares commands. A change that leaves the commands of a recorded run alone and decides otherwise inside
would go unseen, so the board at the end is digested and compared too.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    Replayer,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from watchfloor.runtime.worker import all_workflows
from watchfloor.signing import digest
from workflows.sandboxing import runner

FOLDER = Path(__file__).with_name("recorded")


@dataclass(frozen=True, slots=True)
class Story:
    """A scenario that is recorded, and at how many events the run is made to continue as new (0: never).

    `children` records the hold, the review and both sides of the handoff too.
    """

    name: str
    runbook: Path
    scenario: str
    continue_after: int = 0
    children: bool = False


_ROOT = Path(__file__).resolve().parents[2]
_REMOVAL = _ROOT / "runbooks" / "eu-tco-removal-order"
_FIXTURES = _ROOT / "tests" / "fixtures" / "runbooks"

STORIES = (
    Story("clean", _REMOVAL, "a clean order"),
    Story("clarified", _REMOVAL, "incomplete order"),
    Story("clarified-continued", _REMOVAL, "incomplete order", continue_after=45),
    Story("refused", _REMOVAL, "counsel refuses"),
    Story("silent", _REMOVAL, "nobody answers the doubt"),
    Story("by-hand", _REMOVAL, "the probe never sees it gone"),
    Story("handed-off", _REMOVAL, "the desk is silent, the other region", children=True),
    Story("annulled", _REMOVAL, "the order is annulled"),
    Story("threat", _REMOVAL, "somebody's life"),
    Story("breached", _REMOVAL, "one hour is not enough"),
    Story("approved", _FIXTURES / "four-eyes-deletion", "two people agree"),
    Story("aborted", _FIXTURES / "four-eyes-deletion", "an abort ends it"),
    Story("forked", _FIXTURES / "fork-and-join", "a live stream"),
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One file: the history of one execution and the digest of the state it ended in."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    def read(self) -> tuple[WorkflowHistory, str]:
        document = json.loads(self.path.read_text())
        return WorkflowHistory.from_json(document["workflow"], document["history"]), document["state"]


def recorded() -> Iterator[Recorded]:
    yield from (Recorded(path) for path in sorted(FOLDER.glob("*.json")))


class Ends(Interceptor):
    """Looks at each workflow's board in the instant in which it ends or continues as new."""

    def __init__(self) -> None:
        self.boards: list[Any] = []

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        boards = self.boards

        class Looking(WorkflowInboundInterceptor):
            async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
                watched: Any = workflow.instance()
                boards.clear()
                try:
                    result = await super().execute_workflow(input)
                except GeneratorExit:
                    raise  # the history ends here and the workflow still waits
                except BaseException:
                    boards.append(_stable(watched.board()))
                    raise
                boards.append(_stable(watched.board()))
                return result

        return Looking


def _stable(board: Any) -> Any:
    """The board without what depends on how it is looked at."""
    return {name: value for name, value in board.items() if name != "history_events"}


async def replay(history: WorkflowHistory) -> str:
    """Replay a history in the sandbox, with no cached run.

    Gives the digest of the state it ends in, empty when the workflow still waits there.

    Raises:
        Exception: the code gives other commands than the history holds.
    """
    ends = Ends()
    replayer = Replayer(
        workflows=all_workflows(),
        workflow_runner=runner(),
        data_converter=pydantic_data_converter,
        interceptors=[ends],
    )
    await replayer.replay_workflow(history)
    return digest(ends.boards[-1]) if ends.boards else ""
