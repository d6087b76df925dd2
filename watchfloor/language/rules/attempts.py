"""Preserve, then stop: what restricts an item follows a bounded attempt to preserve the same item.

A runbook that has nothing to preserve (no hold, no floor of retention, no snapshot) is not judged.
"""

from collections.abc import Mapping

from schemas.actions import ActionContract
from schemas.plan import Plan
from watchfloor.language import codes
from watchfloor.language.proof.paths import Paths
from watchfloor.language.proof.walk import steps_of
from watchfloor.language.rules.places import Places
from watchfloor.language.rules.preservation import PRESERVES, target_of
from watchfloor.language.surroundings import Surroundings


def check(given: Surroundings, plan: Plan, paths: Paths) -> None:
    steps = list(steps_of(plan))
    if not _preserves(plan):
        return
    snapshots = {
        step["id"]: target_of(step) for step in steps if step["kind"] == "action" and step["action"] == PRESERVES
    }
    places = Places(given)
    for step in steps:
        if step["kind"] != "action" or step["effect"] != "restricts" or "url" not in step["with_"]:
            continue
        if gives_back(step["action"], given.catalog):
            continue
        state = paths.before.get(step["path"])
        if state is None or any(snapshots.get(each) == target_of(step) for each in state.tried):
            continue
        given.report.add(
            codes.NO_ATTEMPT,
            places.action(step),
            f"`{step['action']}` restricts an item that nobody has tried to preserve",
            expected=f"`{PRESERVES}` of the same `url` before it, in the same iteration",
            help="an attempt is enough, so that a failed copy keeps nothing on air: `timeout: 1m`,"
            " `on_error: continue`",
        )


def gives_back(action: str, catalog: Mapping[str, ActionContract]) -> bool:
    """Of two actions that undo each other the one of the higher tier gives back what the other took."""
    contract = catalog.get(action)
    other = catalog.get(contract["undo"] or "") if contract is not None else None
    return contract is not None and other is not None and contract["tier"] > other["tier"]


def _preserves(plan: Plan) -> bool:
    if any(clock["law"]["kind"] == "min_retention" for clock in plan["clocks"].values()):
        return True
    return any(
        step["kind"] == "hold" or (step["kind"] == "action" and step["action"] == PRESERVES) for step in steps_of(plan)
    )
