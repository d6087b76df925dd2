"""`postmortem`: starts the review, a process of its own that drafts when the incident has closed. Done when started;
a case is not reviewed."""

from temporalio import workflow

from schemas.incident import POSTMORTEM_WORKFLOW
from schemas.ledger import EntryKind
from schemas.plan import PostmortemStep
from schemas.postmortem import PostmortemStart
from workflows.addresses import child_id
from workflows.children import start_child
from workflows.outcome import Outcome
from workflows.run import Run
from workflows.scope import Frame

CASES_SKIP_REVIEW = "cases-skip-review"


async def carry_out_postmortem(run: Run, frame: Frame, step: PostmortemStep, path: str) -> Outcome:
    """Start the review; gives `workflow`.

    Raises:
        StepFailed: it could not be started.
    """
    run.check(frame.halt)
    if _is_case(run, path):
        # done, with no review: conditions on the step hold for a case as for an incident
        run.note(EntryKind.STEP_SKIPPED, step=step["id"], path=path, why="a case is not reviewed")
        return Outcome(outputs={"workflow": ""})
    child = child_id("post", run.desk.incident, path)
    if path not in run.state["children"]:
        argument: PostmortemStart = {
            "v": 1,
            "postmortem": child,
            "incident": run.desk.incident,
            "path": path,
            "region": run.desk.region,
            "namespace": run.desk.namespace,
            "plan": run.desk.plan,
            "title": run.plan["title"],
            "runbook": run.plan["id"],
            "facilitator": {"any_of": list(step["facilitator"]["any_of"])},
            "within": float(step["within"]),
            "within_text": step["within_text"],
            "business_days": step["business_days"],
            "requester": run.desk.requester,
            "commander": run.state["commander"]["person"],
            "decision_keys": {},
            "ledger_by_activity": True,
        }
        run.desk.pin(argument)
        if run.compartment:
            argument["compartment"] = run.compartment
        policy = run.start.get("paging")
        if policy:
            argument["paging"] = policy
        run.note(EntryKind.REVIEW_STARTED, step=step["id"], path=path, review=child)
        await start_child(
            run, path=path, kind="postmortem", workflow_type=POSTMORTEM_WORKFLOW, child=child, argument=argument
        )
    return Outcome(outputs={"workflow": child})


def _is_case(run: Run, path: str) -> bool:
    """A case is not reviewed, an incident is; what it was when the step came stands. Runs of before reviewed both."""
    if run.state["taken"].get("!mode", run.plan["mode"]) != "case" or path in run.state["children"]:
        return False
    return workflow.patched(CASES_SKIP_REVIEW)
