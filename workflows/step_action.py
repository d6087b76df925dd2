"""`action`: one registered action, behind its gate if it has one.

Durable: the call is one activity; on retries, replays, after reset and continue-as-new it carries the same key. A
restriction that took effect is recorded as a measure in force; it is taken back by its `undo` when one of the named
facts is recorded (`workflows.measures`).
"""

from schemas.actions import ActionCall, ErrorType, Grant
from schemas.json_value import Json
from schemas.plan import ActionStep
from watchfloor.signing import effect_key
from workflows.calls import Bounds, call_action
from workflows.doubt import ask_about_doubt
from workflows.gates import Subject, ask_approval, find_breaker, find_grant, mark_acting, refuse_passage
from workflows.halt import StepFailed
from workflows.measures import record_measure
from workflows.narrowing import find_left_out, forget_widened, narrow_inputs
from workflows.outcome import Outcome
from workflows.reviews import ask_reviews
from workflows.run import Run
from workflows.scope import Frame


async def carry_out_action(run: Run, frame: Frame, step: ActionStep, path: str) -> Outcome:
    """Pass the gate, call the action, record what it put in force; gives the action's outputs.

    Raises:
        StepFailed: the action failed for good, was denied or not answered and the runbook says `fail`.
        Halted, Drained: the walk came to rest.
    """
    while True:
        of = resolve_action(run, frame, step, path)
        grant = None
        if step["approval"] is not None:
            approval = step["approval"]
            verdict = await ask_approval(run, frame, step, path, approval, of)
            if verdict != "approve":
                return await refuse_passage(run, frame, step, path, approval, verdict)
            await run.admit(frame.halt)
            # the world went on while people decided: what they approved must be what is done now
            of = resolve_action(run, frame, step, path)
            grant = find_grant(run, path, of, run.show(approval["show"], frame))
            if grant is None:
                continue
            mark_acting(run, path)
        receipt = await _call(run, frame, step, path, of, grant)
        record_measure(run, frame, step, path, of, receipt)
        ask_reviews(run, frame, step, path, of, find_breaker(grant))
        run.state.get("glass", {}).pop(path, None)
        if run.pages is not None and step["action"] == "page":
            role, due_at = str(of.inputs["role"]), of.inputs.get("due_at")
            run.pages.took_action(path, step["id"], role, of.key, due_at, receipt.get("told", ()))
        return Outcome(outputs=dict(receipt["outputs"]), left_out=find_left_out(run.state, path))


def resolve_action(run: Run, frame: Frame, step: ActionStep, path: str) -> Subject:
    """The action with its inputs filled in and the key of its effect, as they are now.

    Raises:
        StepFailed: an input has no value.
    """
    filled: dict[str, Json] = {name: run.fill(value, frame) for name, value in step["with_"].items()}
    forget_widened(run.state, run.human.asks.get(path))
    inputs = narrow_inputs(run.state, path, filled)
    # another item, so another key, after a `try` has taken the effect back
    again = run.state["loops"].get(f"{path}!again", 0)
    item: Json = [frame.item, again] if again else frame.item
    key = effect_key(
        region=run.desk.region,
        incident=run.desk.incident,
        plan=run.desk.plan,
        path=path,
        item=item,
        inputs=inputs,
        action=step["action"],
    )
    return Subject(step["action"], key, inputs, item)


async def _call(
    run: Run, frame: Frame, step: ActionStep, path: str, of: Subject, grant: Grant | None
) -> dict[str, Json]:
    call: ActionCall = {
        "v": 1,
        "action": of.action,
        "region": run.desk.region,
        "incident": run.desk.incident,
        "plan": run.desk.plan,
        "step": step["id"],
        "path": path,
        "key": of.key,
        "inputs": dict(of.inputs),
        "effect": step["effect"],
        "tier": step["tier"],
        "gated": step["approval"] is not None,
        "grant": grant,
        "entries": [],
        "severity": run.state["severity"],
    }
    if run.desk.recused:
        call["recused"] = list(run.desk.recused)
    bounds = Bounds(step["attempt_timeout"], step["timeout"], step["retry"])
    while True:
        said = run.state["taken"].get(f"{path}!doubt")
        if said in {"happened", "resend"}:
            call["resolution"] = "happened" if said == "happened" else "resend"
        try:
            if f"{path}!doubt" not in run.state["taken"] and f"{path}!doubt" in run.human.asks:
                raise StepFailed(ErrorType.OUTCOME_UNKNOWN)
            return await call_action(run, frame.halt, call, bounds)
        except StepFailed as failure:
            if failure.code != ErrorType.OUTCOME_UNKNOWN:
                raise
        await ask_about_doubt(run, frame, step, path)
        await run.admit(frame.halt)
