"""Measures in force: restrictions that took effect, and the taking back of them.

When one of the facts named in an action's `undo.on` is recorded, or its `expires` has passed, its undo action runs at
`<path>!undo` under a key of its own; the decision for it was made when the runbook was reviewed, so nobody is asked
again. At most `AT_ONCE` are under way together. What cannot be undone is asked about like any failed step, at
`<path>!undo!failed`. A run that ends finishes first what it has to take back, and closes only when no measure is left
that will end by itself; an aborted one leaves its measures in force.
"""

from datetime import datetime, timedelta

from temporalio import workflow

from schemas.actions import ActionCall
from schemas.incident import Measure
from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.plan import ActionStep, Undo
from watchfloor.signing import effect_key, parse_instant, render_instant
from workflows.calls import Bounds, call_action
from workflows.failed_step import ask_about_failure
from workflows.gates import Subject
from workflows.halt import Halt, Halted, StepFailed, Unwound
from workflows.narrowing import narrow_undo
from workflows.run import Run
from workflows.scope import Frame
from workflows.ticking import tick

AT_ONCE = 20


def record_measure(run: Run, frame: Frame, step: ActionStep, path: str, of: Subject, receipt: dict[str, Json]) -> None:
    """Put a restriction that took effect on the list of measures in force, once per key."""
    undo = step["undo"]
    is_looked_at = undo is not None and bool(step.get("review") or step.get("expires") is not None)
    if step["effect"] != "restricts" and not is_looked_at:
        return
    if any(one["key"] == of.key for one in run.state["measures"]):
        return
    measure: Measure = {
        "key": of.key,
        "step": step["id"],
        "path": path,
        "action": of.action,
        "inputs": dict(of.inputs),
        "undo": undo["action"] if undo else None,
        "on": list(undo["on"]) if undo else [],
        "in_force_since": str(receipt.get("done_at") or run.now),
        "undone_at": None,
    }
    if undo is not None:
        filled = _fill_undo(run, frame, undo)
        measure["undo_inputs"] = narrow_undo(run.state, path, undo, step["with_"], filled)
    lasts = step.get("expires")
    if undo is not None and lasts is not None:
        # what was done outside has lasted since then
        outside = receipt.get("resolved") == "outside"
        since = parse_instant(measure["in_force_since"]) if outside else workflow.now()
        measure["expires_at"] = render_instant(since + timedelta(seconds=run.find_seconds(lasts)))
    run.state["measures"].append(measure)
    run.note(EntryKind.MEASURE, step=step["id"], path=path, key=of.key, action=of.action)


def _fill_undo(run: Run, frame: Frame, undo: Undo) -> dict[str, Json]:
    return {name: run.fill(value, frame) for name, value in undo["with_"].items()}


def is_temporary(run: Run, measure: Measure) -> bool:
    """Whether a measure is in force and will end by itself."""
    if "expires_at" not in measure or measure["undone_at"] is not None:
        return False
    return f"{measure['path']}!undo" not in run.state["results"]


class Undoing:
    """Takes measures back when their facts are recorded. Durable: which are left to do follows from the state."""

    def __init__(self, run: Run) -> None:
        self._run = run
        # not a part of the walk: the end of the walk must not cut off the taking back
        self._halt = Halt()
        self._begun: set[str] = set()
        self._next: datetime | None = None
        undos = [placed.step["undo"] for placed in run.loaded.steps.values() if placed.step["kind"] == "action"]
        self._causes = {fact for undo in undos if undo is not None for fact in undo["on"]}

    def look(self) -> None:
        """Begin whatever is due and not yet begun; called after every change, must not wait."""
        if self._run.state["aborted"] is not None:
            self._halt.stop("aborted")
            return
        now = workflow.now()
        temporary = [one for one in self._run.state["measures"] if is_temporary(self._run, one)]
        instants = [parse_instant(one["expires_at"]) for one in temporary]
        self._next = min((at for at in instants if at > now), default=None)
        if all(at > now for at in instants) and self._causes.isdisjoint(self._run.state["facts"]):
            return
        for measure in self._run.state["measures"]:
            if self._is_due(measure) and len(self._begun) < AT_ONCE and measure["key"] not in self._begun:
                self._begun.add(measure["key"])
                self._run.spawn(self._take_back(measure))

    def _is_due(self, measure: Measure) -> bool:
        if measure["undo"] is None or measure["undone_at"] is not None:
            return False
        if f"{measure['path']}!undo" in self._run.state["results"]:
            return False
        if "expires_at" in measure and parse_instant(measure["expires_at"]) <= workflow.now():
            return True
        return any(fact in self._run.state["facts"] for fact in measure["on"])

    async def tick(self) -> None:
        """Take back what expires at its instant, with one timer for all; until the run has come to rest."""
        await tick(self._run, lambda: self._next, lambda now: self.look())

    async def _take_back(self, measure: Measure) -> None:
        try:
            await take_back(self._run, Frame(halt=self._halt), measure)
        except Unwound:
            return
        finally:
            self._begun.discard(measure["key"])
        self._run.changed()


async def take_back(run: Run, frame: Frame, measure: Measure) -> None:
    """Carry out a measure's undo, or wait for who is at it already; returns when it is undone or a person leaves it.

    Raises:
        Halted, Drained: told to come to rest first.
    """
    path = f"{measure['path']}!undo"

    def is_over() -> bool:
        return measure["undone_at"] is not None or path in run.state["results"]

    while measure["undo"] is not None and not is_over():
        run.check(frame.halt)
        await run.wait(frame.halt, lambda: run.state["paused"] is None or bool(run.state.get("ending")))
        if measure["key"] in run.being_undone:
            await run.wait(frame.halt, lambda: is_over() or measure["key"] not in run.being_undone)
            continue
        run.being_undone.add(measure["key"])
        try:
            await _try_once(run, frame, measure, path)
        finally:
            run.being_undone.discard(measure["key"])


async def _try_once(run: Run, frame: Frame, measure: Measure, path: str) -> None:
    step = run.loaded.steps[measure["step"]].step
    assert step["kind"] == "action"
    undo = step["undo"]
    assert undo is not None
    inputs = measure.get("undo_inputs", {})
    call: ActionCall = {
        "v": 1,
        "action": undo["action"],
        "region": run.desk.region,
        "incident": run.desk.incident,
        "plan": run.desk.plan,
        "step": measure["step"],
        "path": path,
        "key": effect_key(
            region=run.desk.region,
            incident=run.desk.incident,
            plan=run.desk.plan,
            path=path,
            item=measure["key"],
            inputs=inputs,
            action=undo["action"],
        ),
        "inputs": inputs,
        "effect": undo["effect"],
        "tier": undo["tier"],
        "gated": False,
        "grant": None,
        "entries": [],
        "severity": run.state["severity"],
    }
    try:
        if f"{path}!failed" in run.human.asks:
            raise StepFailed("error")
        await call_action(run, frame.halt, call, Bounds(step["attempt_timeout"], None, step["retry"]))
    except StepFailed as failure:
        if f"{path}!failed" not in run.human.asks:
            run.note_failure(step, path, failure)
        try:
            left = await ask_about_failure(run, frame, step, path, failure)
        except Halted:
            if frame.halt.reason:
                raise
            left = True
        if left:
            run.state["results"][path] = {"status": "skipped", "ok": False, "at": run.now, "outputs": {}}
        return
    measure["undone_at"] = run.now
    run.note(EntryKind.UNDONE, step=measure["step"], path=path, key=measure["key"], action=undo["action"])
