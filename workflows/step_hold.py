"""`hold`: places a legal hold, a process of its own that outlives the incident. Done when every custodian's freeze is
proved; failed when one cannot be. Tried again, it is another hold: the old one keeps what it froze."""

from schemas.hold import HoldStart
from schemas.incident import HOLD_WORKFLOW
from schemas.ledger import EntryKind
from schemas.plan import HoldStep
from workflows.addresses import child_id
from workflows.children import GONE, find_report, start_child
from workflows.halt import StepFailed
from workflows.outcome import Outcome
from workflows.run import Run
from workflows.scope import Frame

_DAY = 86_400.0
WARN_BEFORE = [30 * _DAY, 14 * _DAY, 3 * _DAY]
REVERIFY_EVERY = 30 * _DAY
_VERIFIED, _FAILED = "verified", {"failed", GONE}


async def carry_out_hold(run: Run, frame: Frame, step: HoldStep, path: str) -> Outcome:
    """Start the hold and wait for its proof; gives `hold` and `verified`.

    Raises:
        StepFailed: code `hold_failed`, or the hold could not be started.
    """
    rounds = run.state["loops"].get(f"{path}!round", 0)
    at = path if rounds == 0 else f"{path}!{rounds + 1}"
    child = child_id("hold", run.desk.incident, at)
    if at not in run.state["children"]:
        scope = {name: run.find_value(expr, frame) for name, expr in step["scope"].items()}
        argument: HoldStart = {
            "v": 1,
            "hold": child,
            "incident": run.desk.incident,
            "path": at,
            "region": run.desk.region,
            "namespace": run.desk.namespace,
            "plan": run.desk.plan,
            "basis": step["basis"],
            "law": step["law"],
            "scope": scope,
            "sources": list(step["sources"]),
            "storage": step["storage"],
            "release": run.describe_slots(step["release"]),
            "requester": run.desk.requester,
            "decision_keys": {},
            "warn_before": WARN_BEFORE,
            "reverify_every": REVERIFY_EVERY,
            "carried": None,
            "tells_terms": True,
            "ledger_by_activity": True,
        }
        run.desk.pin(argument)
        if run.compartment:
            argument["compartment"] = run.compartment
        policy = run.start.get("paging")
        if policy:
            argument["paging"] = policy
        run.note(EntryKind.HOLD_PLACED, step=step["id"], path=path, hold=child, basis=step["basis"])
        await start_child(run, path=at, kind="hold", workflow_type=HOLD_WORKFLOW, child=child, argument=argument)
    await run.wait(frame.halt, lambda: find_report(run, at)["state"] in {_VERIFIED, *_FAILED})
    if find_report(run, at)["state"] in _FAILED:
        raise StepFailed("hold_failed", "a custodian's freeze could not be proved")
    return Outcome(outputs={"hold": child, "verified": True})
