"""`task`: a person does something outside and reports through a typed form; the form's fields are the outputs."""

from schemas.json_value import Json
from schemas.plan import TaskStep
from watchfloor.expressions import as_text
from workflows.outcome import Outcome
from workflows.run import Run
from workflows.scope import Frame
from workflows.silence import describe_silence, fall_silent, find_patience


async def carry_out_task(run: Run, frame: Frame, step: TaskStep, path: str) -> Outcome:
    """Ask for the task to be done; gives the form's fields, with the defaults of those left out.

    Raises:
        StepFailed: code `silent`.
    """
    if f"{path}!silent" not in run.state["taken"]:
        if path not in run.human.asks:
            _open(run, frame, step, path)
        answer = await run.human.answer(path, run.waiting(frame.halt))
        if answer.option is not None:
            run.human.close(path)
            return Outcome(outputs=_complete(step, answer.form))
        run.state["taken"][f"{path}!silent"] = "yes"
    await fall_silent(run, frame, step["on_silence"])
    return Outcome("silent")


def _open(run: Run, frame: Frame, step: TaskStep, path: str) -> None:
    run.human.open(
        path=path,
        step=step["id"],
        kind="task",
        title=as_text(run.fill(step["do"], frame)),
        options={"done": run.describe_slots([step["assignee"]])},
        patience=find_patience(run, step["within"], step["remind"], step["on_silence"]),
        on_silence=describe_silence(step["on_silence"]),
        shown=run.show(step["show"], frame),
        form={name: dict(spec) for name, spec in step["form"].items()},
        round_=run.state["loops"].get(f"{path}!round", 0),
        exposure=step.get("exposure", ""),
        claim_for=run.find_seconds(step["claim_for"]) if "claim_for" in step else None,
    )


def _complete(step: TaskStep, form: dict[str, Json]) -> dict[str, Json]:
    defaults = {name: spec["default"] for name, spec in step["form"].items() if "default" in spec}
    return {**defaults, **{name: value for name, value in form.items() if value is not None}}
