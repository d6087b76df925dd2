"""Detached tracks: what goes on when the incident has closed, as a run of its own made from the same plan.

The run's plan is derived from this one's and nothing else, so what was reviewed is what runs: the track's steps as its
only phase, a watch as a bounded repetition, a fact's recording as the one item `fact`. It gets the inputs and the facts
known when it fires; facts that come later are stated to it itself.
"""

from typing import Any, cast

from schemas.incident import IncidentStart
from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.paging import SeverityTimes
from schemas.plan import Expr, Plan, Step, Track
from watchfloor.signing import pack
from workflows.addresses import child_id
from workflows.linked import start_run
from workflows.run import Run
from workflows.scope import Frame

_SEEN = "fact_seen"
_FALSE: Expr = {"src": "false", "cel": "false", "vars": {}, "type": "bool"}
_RECORDED: Expr = {
    "src": f"inputs.{_SEEN}",
    "cel": f"inputs.{_SEEN}",
    "vars": {f"inputs.{_SEEN}": "list<dyn>"},
    "type": "list<dyn>",
}


def derive_plan(plan: Plan, track: Track) -> Plan:
    """The plan of a detached track's own run."""
    derived: dict[str, Any] = {**plan, "tracks": [], "clocks": {}, "close_when": None}
    derived["phases"] = [{"name": track["id"], "steps": _wrap(track)}]
    derived["title"] = f"{plan['title']}: {track['id']}"
    for name in ("outputs", "triggers", "mode_when"):
        derived.pop(name, None)
    return cast(Plan, derived)


async def start_detached(run: Run, track: Track, mark: str, frame: Frame) -> None:
    """Start the run of one firing, once.

    Raises:
        StepFailed: code `not_started`.
    """
    at = f"alongside/{mark}"
    if at in run.state["children"]:
        return
    plan = derive_plan(run.plan, track)
    plan_digest, packed = pack(cast(Json, plan))
    child = child_id("inc", run.desk.incident, at)
    seen: dict[str, Json] = {_SEEN: [frame.items["fact"]]} if "fact" in frame.items else {}
    argument: IncidentStart = {
        "v": 1,
        "incident": child,
        "region": run.desk.region,
        "namespace": run.desk.namespace,
        "plan": plan_digest,
        "plan_z": packed,
        "inputs": {**run.start["inputs"], **seen},
        "requester": run.desk.requester,
        "trigger": {"source": f"run:{run.desk.incident}", "key": at, "received_at": run.now},
        "decision_keys": {},
        "exposed_regions": list(run.start["exposed_regions"]),
        "limits": run.start["limits"],
        "carried": None,
        "ledger_by_activity": True,
        "given": {
            "commander": run.state["commander"],
            "clocks": {},
            "facts": dict(run.state["facts"]),
            "compartment": run.compartment,
        },
    }
    run.desk.pin(argument)
    if run.compartment:
        argument["compartment"] = run.compartment
    policy = run.start.get("paging")
    if policy:
        # one incident owes one status, and this run is a part of it
        silent: dict[str, SeverityTimes] = {
            level: {**times, "status_every": None} for level, times in policy["severities"].items()
        }
        argument["paging"] = {**policy, "severities": silent}
    run.note(EntryKind.LINKED, path=at, run=child, runbook=plan["id"], plan=plan_digest, track=track["id"])
    await start_run(run, at, argument, plan)


def _wrap(track: Track) -> list[Step]:
    """The track's steps; in a loop at the track's own path where it is a watch or has a recorded value."""
    watch = track.get("watch")
    if not watch and not track.get("on_fact"):
        return track["steps"]
    around: dict[str, Any] = {
        "id": f"{track['id']}~loop",
        "path": f"alongside/{track['id']}",
        "at": track["steps"][0]["at"] if track["steps"] else "1:1",
        "name": track["id"],
        "cond": None,
        "timeout": None,
        "on_error": "fail",
        "records": {},
        "steps": track["steps"],
    }
    if watch:
        times = int(watch["length"] // watch["every"]) + 1
        repeat = {
            "kind": "repeat",
            "every": watch["every"],
            "times": times,
            "until": _FALSE,
            "on_exhausted": "continue",
        }
        return [cast(Step, {**around, **repeat})]
    once = {"kind": "for_each", "item": "fact", "in_": _RECORDED, "at_once": 1, "on_item_error": "fail"}
    return [cast(Step, {**around, **once})]
