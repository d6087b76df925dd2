"""`try`: steps, what follows their failure, and what is done in any case.

When a step of the body fails, nobody is asked: the body breaks off, what runs beside it in the body is waited for.
First the measures in force made by the steps named in `undo` are taken back, the latest first; what cannot be taken
back is asked about. Then the first handler that names the failure's type is carried out. In any case `finally` is:
also after a `stop` inside, an abort, a timeout or a lost race. There it is brought to its end even though everything
around has stopped; what fails in it is written down and left, and nothing is taken back.

A failure that no handler names is the failure of this step. Tried again, what succeeded stays; a step whose measure was
taken back is done anew under a key of its own, handlers and `finally` too (at `<path>/finally~2`).
"""

from collections.abc import Sequence

from schemas.incident import Measure
from schemas.ledger import EntryKind
from schemas.plan import TryStep
from workflows.failures import find_catch
from workflows.halt import Halt, Halted, StepFailed, Unwound
from workflows.measures import take_back
from workflows.outcome import Outcome
from workflows.run import Run
from workflows.scope import Frame

_DONE = ""


async def carry_out_try(run: Run, frame: Frame, step: TryStep, path: str) -> Outcome:
    """Walk the body and what follows from how it ends; after a handled failure the step ends as failed, with `error`.

    Raises:
        StepFailed: no handler names the failure, or a handler or `finally` failed in turn.
        Halted, Drained: the walk came to rest; `finally` is done after Halted.
    """
    taken = run.state["taken"]
    _begin(run, step, path)
    try:
        if f"{path}!body" not in taken:
            taken[f"{path}!body"] = await _walk_body(run, frame, step, path)
        code = taken[f"{path}!body"]
        if code and f"{path}!handled" not in taken:
            taken[f"{path}!handled"] = await _recover(run, frame, step, path, code)
        await run.walk(_renewed(run, frame, step, path, "finally"), step["finally_"])
    except Halted:
        await _finish(run, frame, step, path)
        raise
    if code and taken[f"{path}!handled"]:
        raise StepFailed(taken[f"{path}!handled"])
    for mark in ("!begun", "!body", "!handled"):
        taken.pop(f"{path}{mark}", None)
    return Outcome("failed", {"error": code}) if code else Outcome()


def _begin(run: Run, step: TryStep, path: str) -> None:
    """Begin the body, or begin it anew: what was taken back is no longer done."""
    taken, loops = run.state["taken"], run.state["loops"]
    if f"{path}!begun" in taken:
        return
    taken[f"{path}!begun"] = "yes"
    loops[f"{path}!again"] = loops.get(f"{path}!again", -1) + 1
    if loops[f"{path}!again"] == 0:
        return
    for measure in _made_in(run, step, path):
        if measure["undone_at"] is not None and run.state["results"].pop(measure["path"], None) is not None:
            loops[f"{measure['path']}!again"] = loops.get(f"{measure['path']}!again", 0) + 1


async def _walk_body(run: Run, frame: Frame, step: TryStep, path: str) -> str:
    """The code of the body's failure, empty when it succeeded."""
    try:
        await run.walk(frame.inside(caught=True), step["steps"])
    except StepFailed as failure:
        run.note(EntryKind.BRANCH, step=step["id"], path=path, taken="failure", code=failure.code)
        return failure.code
    return _DONE


async def _recover(run: Run, frame: Frame, step: TryStep, path: str, code: str) -> str:
    """Take back what is named, then handle the failure; the code of what is left of it."""
    for measure in reversed(_made_in(run, step, path)):
        await take_back(run, frame, measure)
    handler = find_catch(step["handlers"], code)
    if handler is None:
        return code
    number = next(nth for nth, catch in enumerate(step["handlers"], 1) if catch["steps"] is handler)
    try:
        await run.walk(_renewed(run, frame, step, path, f"catch{number}"), handler)
    except StepFailed as failure:
        return failure.code
    return _DONE


async def _finish(run: Run, frame: Frame, step: TryStep, path: str) -> None:
    """Do `finally` after everything around has stopped."""
    last = _renewed(run, frame, step, path, "finally").inside(halt=Halt(lasting=True), caught=True)
    for one in step["finally_"]:
        try:
            await run.walk(last, [one])
        except (StepFailed, Unwound):
            # written down where it failed; what stands after it is still done
            continue


def _renewed(run: Run, frame: Frame, step: TryStep, path: str, block: str) -> Frame:
    """The frame of a block that is done anew with each try of the step."""
    again = run.state["loops"][f"{path}!again"]
    return frame if again == 0 else frame.looping(f"{step['path']}/{block}", f"{path}/{block}~{again + 1}")


def _made_in(run: Run, step: TryStep, path: str) -> Sequence[Measure]:
    """Measures of the named steps made inside this `try`, in the order in which they came into force."""
    named = set(step["undo"])
    return [
        measure
        for measure in run.state["measures"]
        if measure["step"] in named and measure["path"].startswith(f"{path}/")
    ]
