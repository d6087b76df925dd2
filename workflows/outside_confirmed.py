"""The second person for what was done outside, and the counting of a step that was.

Where one person's word is too little, somebody else is asked at `<path>!outside` to confirm or refute it. Silence
neither confirms nor refutes: the ladder is told and it is asked again, and the step waits. Refuted, the step goes on as
if nothing had been said: its gate asks anew.
"""

import asyncio

from schemas.ledger import EntryKind
from schemas.outside import Outside
from schemas.plan import ActionStep, TaskStep
from watchfloor.signing import digest
from watchfloor.signing.outside import find_recording
from workflows.gates import Subject
from workflows.halt import Unwound
from workflows.human import Patience
from workflows.measures import record_measure
from workflows.outcome import Outcome
from workflows.outside import find_outside, note_outside
from workflows.reviews import ask_reviews
from workflows.run import Run
from workflows.scope import Frame
from workflows.step_action import resolve_action

CONFIRM, REFUTE = "confirm", "refute"
WITHIN = 1800.0
REMIND = (900.0,)
LADDER = ("incident_commander", "exec_sponsor")


async def count_outside(run: Run, frame: Frame, step: ActionStep | TaskStep, path: str) -> Outcome | None:
    """The outcome of a step that was carried out outside, once that is certain; None where the run does it itself.

    Raises:
        StepFailed: what the step is about cannot be told, so nothing can be put in force.
        Halted, Drained: the walk came to rest.
    """
    record = find_outside(run, path)
    if record is None:
        return None
    if record["state"] == "proposed":
        await run.wait(frame.halt, lambda: not _is_proposed(run, path))
        record = find_outside(run, path)
        if record is None:
            return None
    record["counted"] = True
    more = {}
    if step["kind"] == "action":
        of = resolve_action(run, frame, step, path)
        _put_in_force(run, frame, step, path, of, record)
        more = {"key": of.key, "action": of.action, "inputs_digest": digest(dict(of.inputs))}
    note_outside(run, EntryKind.OUTSIDE_COUNTED, {**record, "path": path}, **more)
    return Outcome(outputs=dict(record["outputs"]), at=record["done_at"])


def _is_proposed(run: Run, path: str) -> bool:
    record = find_outside(run, path)
    return record is not None and record["state"] == "proposed"


def _put_in_force(run: Run, frame: Frame, step: ActionStep, path: str, of: Subject, record: Outside) -> None:
    record_measure(run, frame, step, path, of, {"done_at": record["done_at"], "resolved": "outside"})
    ask_reviews(run, frame, step, path, of, "")


class Confirmations:
    """Keeps every proposal asked until a person confirms or refutes it. Durable: which are open is in the state."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._kept: dict[str, asyncio.Task[None]] = {}

    def look(self) -> None:
        """Begin to keep what is not kept yet; must not wait."""
        for path, record in self._run.state.get("outside", {}).items():
            if record["state"] == "proposed" and path not in self._kept and not self._run.root.reason:
                self._kept[path] = self._run.spawn(self._keep(record))

    async def _keep(self, record: Outside) -> None:
        run, path = self._run, record["path"]
        at = f"{path}!outside"
        step = run.loaded.steps[record["step"]].step
        others = [{"any_of": list(find_recording(step))}]
        try:
            while True:
                rounds = run.state["loops"].get(f"{at}!round", 0)
                run.human.open(
                    path=at,
                    step=record["step"],
                    kind="outside",
                    title=f"was `{record['step']}` carried out outside at {record['done_at']}?",
                    options={CONFIRM: others, REFUTE: others},
                    patience=Patience(within=WITHIN, remind=REMIND, escalate=LADDER),
                    on_silence="it is asked again; the step waits and does nothing",
                    exclude=[record["person"]],
                    shown=[
                        {"label": "recorded by", "value": f"{record['person']} as {record['role']}"},
                        {"label": "done by", "value": list(record["by"])},
                        {"label": "witnesses", "value": list(record["witnesses"])},
                        {"label": "what it gave", "value": record["outputs"]},
                        {"label": "reason", "value": record["reason_ref"]},
                    ],
                    round_=rounds,
                )
                answer = await run.human.answer(at, run.waiting(run.root))
                run.human.close(at)
                run.state["loops"][f"{at}!round"] = rounds + 1
                if answer.option is not None:
                    break
        except Unwound:
            return
        del self._kept[path]
        if answer.option == CONFIRM:
            record["state"] = "recorded"
            note_outside(run, EntryKind.OUTSIDE_DONE, record, confirmed_by=answer.by)
        else:
            del run.state["outside"][path]
            note_outside(run, EntryKind.OUTSIDE_REFUTED, record, refuted_by=answer.by)
        run.changed()
