"""Processes that an incident starts and that outlive it: hold, handoff, postmortem.

They are children with `ParentClosePolicy.ABANDON` and deterministic ids, so that a retry never makes two, and they
report by the signal `report`. A step waits on the last report in the state, never on the child's handle, so that it
waits on after continue-as-new. A report is taken only for a path where this run has started that very workflow.
"""

from typing import Any

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError, WorkflowAlreadyStartedError

from schemas.incident import Report
from schemas.json_value import Json
from watchfloor.signing import parse_instant
from workflows.halt import StepFailed
from workflows.run import Run
from workflows.state import size_of

STARTED = "started"
GONE = "gone"
"""The child ended without a last word: terminated, failed or refused by the server."""
_ENDED = frozenset({"accepted", "declined", "unanswered", "recalled", "refused", "released", "done"})
"""Last words: nothing that comes after one is taken."""
REPORT_LIMIT = 16 * 1024
_TEXTS = ("path", "kind", "workflow", "state", "at")


async def start_child(run: Run, *, path: str, kind: str, workflow_type: str, child: str, argument: Any) -> None:
    """Start a child process once; does nothing when this path has one already.

    Raises:
        StepFailed: code `not_started`.
    """
    if path in run.state["children"]:
        return
    run.state["children"][path] = {
        "path": path,
        "kind": kind,
        "workflow": child,
        "state": STARTED,
        "at": run.now,
        "data": {},
    }
    try:
        handle = await workflow.start_child_workflow(
            workflow_type,
            argument,
            id=child,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
        )
    except WorkflowAlreadyStartedError:
        return
    except ChildWorkflowError as error:
        del run.state["children"][path]
        raise StepFailed("not_started", f"`{kind}` could not be started") from error
    run.watch(_watch(run, path, handle))


async def _watch(run: Run, path: str, handle: "workflow.ChildWorkflowHandle[Any, Any]") -> None:
    """Notice a child that dies without a report, as long as this execution lasts."""
    try:
        await handle
    except ChildWorkflowError:
        run.state["children"][path] = {**run.state["children"][path], "state": GONE, "at": run.now}
        run.changed()


def take_report(run: Run, report: object) -> Report | None:
    """Record a child's report; None (and nothing recorded) when it is not from a child of this run, or an old one.

    Reports are encrypted for this run but not signed, so who can write to Temporal can send one of them again. An older
    one than the last changes nothing, and a last word stands.
    """
    if not isinstance(report, dict) or any(not isinstance(report.get(name), str) for name in _TEXTS):
        return None
    known = run.state["children"].get(report["path"])
    if known is None or known["workflow"] != report["workflow"] or known["kind"] != report["kind"]:
        return None
    if known["state"] in _ENDED:
        return None
    if known["state"] not in {STARTED, GONE} and _is_before(report["at"], str(known["at"])):
        return None
    data = report.get("data")
    try:
        if not isinstance(data, dict) or size_of(data) > REPORT_LIMIT:
            return None
    except ValueError:
        return None
    taken: Report = {
        "path": report["path"],
        "kind": report["kind"],
        "workflow": report["workflow"],
        "state": report["state"],
        "at": report["at"],
        "data": data,
    }
    run.state["children"][report["path"]] = dict(taken)
    return taken


def _is_before(at: str, last: str) -> bool:
    try:
        return parse_instant(at) < parse_instant(last)
    except ValueError:
        return True


def find_report(run: Run, path: str) -> dict[str, Json]:
    return run.state["children"][path]


def forget_child(run: Run, path: str) -> None:
    """Before a failed step is tried again: its next child gets another id, for the old one may still run."""
    run.state["children"].pop(path, None)
