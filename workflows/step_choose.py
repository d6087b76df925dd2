"""`choose`: the first case whose condition holds, else `otherwise`. The choice is recorded and not made again."""

from schemas.ledger import EntryKind
from schemas.plan import ChooseStep, Step
from workflows.outcome import Outcome
from workflows.run import Run
from workflows.scope import Frame


async def carry_out_choose(run: Run, frame: Frame, step: ChooseStep, path: str) -> Outcome:
    """Choose, then walk what was chosen; with neither a case nor `otherwise` nothing is done."""
    taken = run.state["taken"]
    if path not in taken:
        taken[path] = _choose(run, frame, step)
        run.note(EntryKind.BRANCH, step=step["id"], path=path, taken=taken[path])
    block: list[Step] = []
    if taken[path] == "otherwise":
        block = step["otherwise"] or []
    elif taken[path] != "none":
        block = step["cases"][int(taken[path].removeprefix("case")) - 1]["steps"]
    await run.walk(frame, block)
    return Outcome()


def _choose(run: Run, frame: Frame, step: ChooseStep) -> str:
    for number, case in enumerate(step["cases"], 1):
        if run.find_value(case["when"], frame) is True:
            return f"case{number}"
    return "none" if step["otherwise"] is None else "otherwise"
