"""`decide`: people choose among named options, each with steps of its own. Silence takes none of them.

An option needs the step's slots and its own `also`, each filled by a different person. The option, who filled the last
seat, and silence are recorded before anything that follows from them.
"""

from schemas.ledger import EntryKind
from schemas.plan import DecideStep
from watchfloor.expressions import as_text
from workflows.outcome import Outcome
from workflows.run import Run
from workflows.scope import Frame
from workflows.silence import describe_silence, fall_silent, find_patience


async def carry_out_decide(run: Run, frame: Frame, step: DecideStep, path: str) -> Outcome:
    """Ask, then walk the chosen option's steps; gives `option` and `by`.

    Raises:
        StepFailed: code `silent`.
    """
    taken = run.state["taken"]
    if path not in taken and f"{path}!silent" not in taken:
        await _ask(run, frame, step, path)
    if f"{path}!silent" in taken:
        await fall_silent(run, frame, step["on_silence"])
        return Outcome("silent")
    await run.walk(frame, step["options"][taken[path]]["steps"])
    return Outcome(outputs={"option": taken[path], "by": taken[f"{path}!by"]})


async def _ask(run: Run, frame: Frame, step: DecideStep, path: str) -> None:
    if path not in run.human.asks:
        slots = run.describe_slots(step["slots"])
        run.human.open(
            path=path,
            step=step["id"],
            kind="decide",
            title=as_text(run.fill(step["ask"], frame)),
            options={
                name: [*slots, *run.describe_slots(step["options"][name]["also"])]
                for name in step.get("order", step["options"])
            },
            patience=find_patience(run, step["within"], step["remind"], step["on_silence"]),
            on_silence=describe_silence(step["on_silence"]),
            exclude=step["exclude"],
            shown=run.show(step["show"], frame),
            round_=run.state["loops"].get(f"{path}!round", 0),
            blind=slots if step.get("blind") else (),
        )
    answer = await run.human.answer(path, run.waiting(frame.halt))
    taken = run.state["taken"]
    if answer.option is None:
        taken[f"{path}!silent"] = "yes"
        return
    taken[path], taken[f"{path}!by"] = answer.option, answer.by
    run.human.close(path)
    run.note(EntryKind.BRANCH, step=step["id"], path=path, taken=answer.option)
