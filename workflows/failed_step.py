"""A failed step that the runbook says nothing about: the incident commander is asked, and the run waits alive.

`retry` tries the step again (with the same idempotency keys: what took effect is not done twice), `skip` goes on
without it, `give_up` closes the incident as failed. So does silence, after `limits.failed_step_window`: that closes
nothing down and takes nothing back; measures stay in force and clocks are assigned.
"""

from schemas.ledger import EntryKind
from schemas.plan import Step
from workflows.halt import Halted, StepFailed
from workflows.human import Patience
from workflows.run import COMMANDER, Run
from workflows.scope import Frame
from workflows.state import forget_failures

RETRY, SKIP, GIVE_UP = "retry", "skip", "give_up"


async def ask_about_failure(run: Run, frame: Frame, step: Step, path: str, failure: StepFailed) -> bool:
    """Ask what becomes of a failed step. True: skip it; False: it is ready to be tried again.

    Raises:
        Halted: the run ends.
    """
    at = f"{path}!failed"
    rounds = run.state["loops"].get(f"{path}!round", 0)
    run.human.open(
        path=at,
        step=step["id"],
        kind="failed",
        title=f"{step['name'] or step['id']} failed: {failure.code}",
        options={name: [{"any_of": [COMMANDER]}] for name in (RETRY, SKIP, GIVE_UP)},
        patience=Patience(within=run.start["limits"]["failed_step_window"]),
        on_silence="the incident closes as failed; measures stay in force, clocks are assigned",
        shown=[{"label": "error", "value": failure.code}],
        notice="failed_step",
        round_=rounds,
    )
    answer = await run.human.answer(at, run.waiting(frame.halt))
    run.human.close(at)
    if answer.option == RETRY:
        forget_failures(run.state, path)
        run.state["loops"][f"{path}!round"] = rounds + 1
        return False
    if answer.option == SKIP:
        run.note(EntryKind.STEP_SKIPPED, step=step["id"], path=path, why="decided", by=answer.by)
        return True
    run.end("failed", reason="silence" if answer.option is None else f"given up by {answer.by}", path=path)
    raise Halted("ending")
