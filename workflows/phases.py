"""The phases of a plan: named blocks in the order written. A repeated name is told apart as `name~2`."""

from schemas.ledger import EntryKind
from schemas.plan import Plan
from workflows.run import Run
from workflows.scope import Frame


def phase_names(plan: Plan) -> list[str]:
    """The names under which phases are recorded, shown and part of paths."""
    names: list[str] = []
    for phase in plan["phases"]:
        count = 1 + sum(1 for name in names if name.partition("~")[0] == phase["name"])
        names.append(phase["name"] if count == 1 else f"{phase['name']}~{count}")
    return names


async def walk_phases(run: Run) -> None:
    """Walk the phases that are not done, then wait for `close_when`; raises as `workflows.interpreter.walk_block`."""
    frame, state = Frame(halt=run.root), run.state
    times = state.setdefault("phase_times", {})
    for name, phase in zip(phase_names(run.plan), run.plan["phases"], strict=True):
        if name in state["phases_done"]:
            continue
        if state["phase"] != name:
            await run.admit(frame.halt)
            state["phase"] = name
            times[name] = {"entered_at": run.now}
            run.note(EntryKind.PHASE, path=name, phase=name)
        await run.walk(frame, phase["steps"])
        state["phases_done"].append(name)
        times[name]["left_at"] = run.now
        run.note(EntryKind.PHASE_DONE, path=name, phase=name)
    condition = run.plan["close_when"]
    if condition is not None:
        await run.wait(frame.halt, lambda: run.holds(condition, frame))
