"""`parallel`: named branches at once. `join: all` waits for each; `join: any` for the first that succeeds, and tells
the rest to stop: nothing new is scheduled there, what is under way is cancelled, and the ledger says which they were.
"""

import asyncio

from temporalio import workflow

from schemas.ledger import EntryKind
from schemas.plan import ParallelStep
from workflows.halt import Halt, Unwound
from workflows.outcome import Outcome
from workflows.run import Run
from workflows.scope import Frame


async def carry_out_parallel(run: Run, frame: Frame, step: ParallelStep, path: str) -> Outcome:
    """Walk the branches side by side.

    Raises:
        StepFailed: a branch failed (`all`), or each did (`any`), and the failure is handled around here.
    """
    if path in run.state["taken"]:
        return Outcome()
    halt = Halt(frame.halt)
    inner = frame.inside(halt=halt, caught=frame.caught or step["join"] == "any")
    names = list(step["branches"])
    tasks = {name: asyncio.create_task(run.walk(inner, step["branches"][name])) for name in names}
    if step["join"] == "any":
        await _race(run, frame, step, path, halt, tasks)
    # every branch is waited for, whatever happens: none may go on behind the back of a block that has ended
    await workflow.wait_condition(lambda: all(task.done() for task in tasks.values()))
    errors = {name: task.exception() for name, task in tasks.items()}
    if path in run.state["taken"]:
        return Outcome()
    unwound = [error for error in errors.values() if isinstance(error, Unwound)]
    if unwound:
        raise unwound[0]
    failed = [error for error in errors.values() if error is not None]
    if failed and (step["join"] == "all" or len(failed) == len(names)):
        raise failed[0]
    return Outcome()


async def _race(
    run: Run, frame: Frame, step: ParallelStep, path: str, halt: Halt, tasks: dict[str, "asyncio.Task[None]"]
) -> None:
    def find_winner() -> str:
        return next((name for name, task in tasks.items() if task.done() and task.exception() is None), "")

    def is_over() -> bool:
        return bool(find_winner()) or all(task.done() for task in tasks.values())

    await workflow.wait_condition(is_over)
    winner = find_winner()
    if winner:
        run.state["taken"][path] = winner
        stopped = [name for name, task in tasks.items() if not task.done()]
        halt.stop(f"branch {winner} came first")
        run.note(EntryKind.BRANCH, step=step["id"], path=path, taken=winner, cancelled=stopped)
