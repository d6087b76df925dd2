"""`handoff`: offers the incident, or a part, to another region and waits for a person there to accept.

What crosses is a packet of exactly what `share` names, each value with its data class. The offer's end is absolute; it
is judged by the handoff's own process, and by this run a little later should that process be gone. Command passes
with an accepted `command` offer only (`workflows.command`).
"""

from datetime import timedelta

from schemas.handoff import UNTOLD, HandoffStart, Packet, SharedItem
from schemas.incident import HANDOFF_WORKFLOW, Report
from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.plan import HandoffStep, Shown, TypeSpec
from watchfloor.signing import parse_instant, render_instant
from workflows.addresses import child_id
from workflows.children import GONE, STARTED, find_report, start_child
from workflows.halt import StepFailed
from workflows.outcome import Outcome
from workflows.run import COMMANDER, Run
from workflows.scope import Frame

UNDECLARED = ""
"""The residency rules of the sending region give the class of such a value by its shape; the strictest by default."""
GRACE = timedelta(minutes=5)
"""After `accept_by`, before this run takes a silent handoff process for gone."""
_OPEN = {STARTED, "offered", "posted", "waiting", "delivered"}
_UNANSWERED = "unanswered"


async def carry_out_handoff(run: Run, frame: Frame, step: HandoffStep, path: str) -> Outcome:
    """Offer and wait; gives `accepted`, `by` and `workflow`. Declined or unanswered, the `fallback` says what follows.

    Raises:
        StepFailed: the region has no gateway (`no_region`), or `fallback: fail` (`declined`, `unanswered`).
    """
    rounds = run.state["loops"].get(f"{path}!round", 0)
    at = path if rounds == 0 else f"{path}!{rounds + 1}"
    taken = run.state["taken"]
    if f"{path}!outcome" not in taken:
        if at not in run.state["children"]:
            await _offer(run, frame, step, path, at)
        taken[f"{path}!outcome"] = await _await_answer(run, frame, at)
    state, data = taken[f"{path}!outcome"], find_report(run, at)["data"]
    if state == "accepted":
        by = str(data.get("person") or data.get("by") or "")
        return Outcome(outputs={"accepted": True, "by": by, "workflow": find_report(run, at)["workflow"]})
    if step["fallback"] == "fail":
        raise StepFailed(state, "the other region did not take it")
    if step["fallback"] != "keep":
        await run.walk(frame, step["fallback"])
    outputs: dict[str, Json] = {"accepted": False, "by": "", "workflow": find_report(run, at)["workflow"]}
    return Outcome("declined" if state == "declined" else "unanswered", outputs)


async def _offer(run: Run, frame: Frame, step: HandoffStep, path: str, at: str) -> None:
    if step["to"] not in run.start["exposed_regions"]:
        raise StepFailed("no_region", f"no gateway of the region `{step['to']}` is known here")
    accept_by = run.fix_deadline(f"{path}!accept", run.find_seconds(step["accept_within"]))
    child = child_id("hand", run.desk.incident, at)
    argument: HandoffStart = {
        "v": 1,
        "handoff": child,
        "incident": run.desk.incident,
        "path": at,
        "region": run.desk.region,
        "namespace": run.desk.namespace,
        "plan": run.desk.plan,
        "packet": _build_packet(run, frame, step, child, render_instant(accept_by)),
        "fallback": step["fallback"] if isinstance(step["fallback"], str) else "steps",
        "decision_keys": {},
        "requester": run.desk.requester,
        "ledger_by_activity": True,
    }
    run.desk.pin(argument)
    if run.compartment:
        argument["compartment"] = run.compartment
    if run.start.get("paging"):
        argument["tells_incident"] = True
    run.note(EntryKind.OFFERED, step=step["id"], path=path, handoff=child, to=step["to"], mode=step["mode"])
    await start_child(run, path=at, kind="handoff", workflow_type=HANDOFF_WORKFLOW, child=child, argument=argument)


def tell_unanswered(run: Run, report: Report) -> None:
    """Nobody took an offer: a page that climbs here, because this is where command stays."""
    if report["kind"] == "handoff" and report["data"].get(UNTOLD) is True:
        run.notices.send("handoff_unanswered", path=report["path"], step="handoff", roles=[COMMANDER])


async def _await_answer(run: Run, frame: Frame, at: str) -> str:
    accept_by = parse_instant(run.state["deadlines"][f"{at.partition('!')[0]}!accept"])
    if not await run.wait(frame.halt, lambda: find_report(run, at)["state"] not in _OPEN, accept_by + GRACE):
        return _UNANSWERED
    state = str(find_report(run, at)["state"])
    return _UNANSWERED if state == GONE else state


def _build_packet(run: Run, frame: Frame, step: HandoffStep, child: str, accept_by: str) -> Packet:
    return {
        "v": 1,
        "handoff": child,
        "from_region": run.desk.region,
        "to_region": step["to"],
        "mode": step["mode"],
        "incident": run.desk.incident,
        "title": run.plan["title"],
        "severity": run.state["severity"],
        "fence": run.state["commander"]["fence"],
        "offered_at": run.now,
        "accept_by": accept_by,
        "accept_slots": run.describe_slots(step["slots"]),
        "clocks": [
            {
                "name": clock["name"],
                "law": run.plan["clocks"][clock.get("of", clock["name"])]["law"]["id"],
                "state": clock["state"],
                "started_at": clock["started_at"],
                "due_at": clock["due_at"],
            }
            for clock in run.state["clocks"].values()
        ],
        "shared": [_label(run, frame, shown) for shown in step["share"]],
    }


def _label(run: Run, frame: Frame, shown: Shown) -> SharedItem:
    """A shared value with the classes of what its expression reads, joined by `+`; none where none is declared."""
    classes: list[str] = []
    for name in shown["value"]["vars"]:
        spec = _find_spec(run, name.removeprefix("has."))
        if spec is not None:
            classes.append(spec.get("data_class", UNDECLARED))
    distinct = sorted(set(classes)) or [UNDECLARED]
    # of several classes the packet names each: the receiver of a mixture is held to all of them
    return {
        "label": shown["label"],
        "data_class": distinct[0] if len(distinct) == 1 else "+".join(distinct),
        "value": run.find_present(shown["value"], frame),
    }


def _find_spec(run: Run, name: str) -> TypeSpec | None:
    root, _, rest = name.partition(".")
    key = rest.partition(".")[0]
    if root == "inputs":
        return run.plan["inputs"].get(key)
    if root == "facts" and key in run.plan["facts"]:
        return run.plan["facts"][key]["type"]
    return None
