"""`task`: a person does something outside and reports through a typed form; the form's fields are the outputs."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.notify import ACTIVITY_FIND_PERSON, FindPersonCall, FindPersonReceipt
from schemas.plan import TaskStep
from watchfloor.expressions import as_text
from workflows.claiming import TaskTerms
from workflows.outcome import Outcome
from workflows.run import Run
from workflows.scope import Frame
from workflows.silence import describe_silence, fall_silent, find_patience

_ATTEMPT = timedelta(seconds=10)
_PATIENCE = timedelta(seconds=30)
"""How long the directory may take to say whether a person is there; then the role is asked."""


async def carry_out_task(run: Run, frame: Frame, step: TaskStep, path: str) -> Outcome:
    """Ask for the task to be done; gives the form's fields, with the defaults of those left out.

    Raises:
        StepFailed: code `silent`.
    """
    if f"{path}!silent" not in run.state["taken"]:
        if path not in run.human.asks:
            _open(run, frame, step, path, await _find_terms(run, step, path))
        answer = await run.human.answer(path, run.waiting(frame.halt))
        if answer.option is not None:
            run.human.close(path)
            return Outcome(outputs=_complete(step, answer.form))
        run.state["taken"][f"{path}!silent"] = "yes"
    await fall_silent(run, frame, step["on_silence"])
    return Outcome("silent")


async def _find_terms(run: Run, step: TaskStep, path: str) -> TaskTerms:
    """What this task has beside other asks; looks once whether the person it names is there."""
    terms: TaskTerms = {}
    if "claim_for" in step:
        terms["claim_for"] = run.find_seconds(step["claim_for"])
    if "checklist" in step:
        terms["checklist"] = [
            {"id": one["id"], "do": one["do"], "required": one["required"]} for one in step["checklist"]
        ]
    if "person" in step:
        taken = run.state["taken"]
        if f"{path}!assignee" not in taken:
            taken[f"{path}!assignee"] = "person" if await _is_there(run, step, step["person"], path) else "role"
        if taken[f"{path}!assignee"] == "person":
            terms["person"] = step["person"]
    return terms


async def _is_there(run: Run, step: TaskStep, person: str, path: str) -> bool:
    """Whether the directory knows this person with a role of the task; when nobody can say, the role is asked."""
    try:
        with run.journal.riding() as entries:
            call: FindPersonCall = {
                "v": 1,
                "region": run.desk.region,
                "person": person,
                "roles": list(step["assignee"]["any_of"]),
                "entries": entries,
            }
            receipt: FindPersonReceipt = await workflow.execute_activity(
                ACTIVITY_FIND_PERSON,
                call,
                result_type=FindPersonReceipt,
                start_to_close_timeout=_ATTEMPT,
                schedule_to_close_timeout=_PATIENCE,
            )
        there = receipt["found"]
    except ActivityError:
        there = False
    if not there:
        run.note(EntryKind.TASK_FELL_BACK, step=step["id"], path=path, roles=list(step["assignee"]["any_of"]))
    return there


def _open(run: Run, frame: Frame, step: TaskStep, path: str, terms: TaskTerms) -> None:
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
        terms=terms,
    )


def _complete(step: TaskStep, form: dict[str, Json]) -> dict[str, Json]:
    defaults = {name: spec["default"] for name, spec in step["form"].items() if "default" in spec}
    return {**defaults, **{name: value for name, value in form.items() if value is not None}}
