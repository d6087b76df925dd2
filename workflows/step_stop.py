"""`stop`: ends the run with a named outcome. Everything that runs is told to stop; measures stay in force."""

from schemas.plan import StopStep
from workflows.halt import Halted
from workflows.outcome import Outcome
from workflows.run import Run
from workflows.scope import Frame


async def carry_out_stop(run: Run, frame: Frame, step: StopStep, path: str) -> Outcome:
    """End the run.

    Raises:
        Halted: always.
    """
    run.end(step["outcome"], reason="stop", path=path)
    raise Halted("ending")
