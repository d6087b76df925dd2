"""The stage of one scenario: stubbed activities on one side, people and systems who speak on the other.

Everything between them is real: the interpreter, its children, the updates with their validators, the signatures.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from schemas.actions import ActionCall, ActionContract, ActionReceipt, ErrorType
from schemas.decision import OpenAsk, RefusalType
from schemas.incident import Board
from schemas.json_value import Json
from schemas.ledger import ENTRY_VERSION, EntryKind
from schemas.notify import (
    ACTIVITY_ANCHOR,
    ACTIVITY_DRAFT,
    ACTIVITY_FIND_PERSON,
    ACTIVITY_LEDGER,
    ACTIVITY_NOTIFY,
    AnchorCall,
    AppendCall,
    FindPersonCall,
    FindPersonReceipt,
    NotifyCall,
    NotifyReceipt,
)
from schemas.plan import Plan
from schemas.postmortem import DraftCall, DraftReceipt
from watchfloor.client import (
    ClientError,
    Face,
    Refused,
    board,
    send_control,
    send_fact,
)
from watchfloor.client.tasks import say_to_task
from watchfloor.scenarios.answering import send_answer
from watchfloor.scenarios.crossing import Crossing, all_steps
from watchfloor.scenarios.driver import CUE, OVER, SAY, Cue
from watchfloor.scenarios.improvising import improvise
from watchfloor.scenarios.model import Answer, Assumptions, Control, Scenario, Statement
from watchfloor.scenarios.stubs import StubbedActions
from watchfloor.scenarios.timeline import CALL_FAILED, CALLED, SAID, TOLD, UNDECIDED, Event, Timeline, address
from watchfloor.signing import digest, refuse_grant, render_instant

DRIVER_ID = "scenario-driver"
_OPENS = {"ask", "failed_step", "doubtful_effect", "handoff_offered"}
"""Kinds of notice that say an ask was opened; the others remind, escalate or warn."""


class Turns:
    """Lets a call end a workflow task apart from those that run beside it, where one may cancel the others.

    Otherwise a step that fails, or the first branch of several, may cancel its neighbour in the instant in which that
    ends, which the time-skipping server cannot take (`watchfloor.scenarios.play.ATTEMPTS`).
    """

    APART = 0.1

    def __init__(self) -> None:
        self._one = asyncio.Lock()
        self._ended = 0.0
        self._ended_at = datetime.min.replace(tzinfo=UTC)
        self._cancels = False

    async def take(self, *, cancels: bool) -> None:
        """Wait until the activity that is running here may end.

        Args:
            cancels: its end may cancel what runs beside it.
        """
        info, loop = activity.info(), asyncio.get_running_loop()
        async with self._one:
            beside = info.current_attempt_scheduled_time <= self._ended_at
            if beside and (cancels or self._cancels):
                await asyncio.sleep(max(0.0, self._ended + self.APART - loop.time()))
            self._ended, self._ended_at, self._cancels = loop.time(), info.started_time, cancels


@dataclass(slots=True)
class Stage:
    """What one scenario needs while it runs. `complaints` are what deviated while people spoke."""

    scenario: Scenario
    plan: Plan
    contracts: Mapping[str, ActionContract]
    face: Face
    crossing: Crossing
    timeline: Timeline
    incident: str = ""
    complaints: list[tuple[str, Event]] = field(default_factory=list)
    said: int = 0
    spoken: set[tuple[str, int]] = field(default_factory=set)
    turns: Turns = field(default_factory=Turns)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the scenario's time has come to its end while the run was still open."""
    answers: list[Answer] = field(default_factory=list)
    """What people said in a rehearsal without being told to by the scenario."""
    _improvised: set[tuple[str, str]] = field(default_factory=set)
    _stubs: StubbedActions = field(init=False)
    _racing: bool = field(init=False)
    """Some branch of the runbook cancels others by coming first."""
    _cued: set[tuple[int, str]] = field(default_factory=set)
    _shown: dict[tuple[str, str], tuple[Board, OpenAsk]] = field(default_factory=dict)
    """Workflow and path -> the ask as people saw it when it was last opened there."""

    def __post_init__(self) -> None:
        self._racing = any(step["kind"] == "parallel" and step["join"] == "any" for step in all_steps(self.plan))
        self._stubs = StubbedActions(self.contracts, self.scenario.actions)

    def activities(self) -> Sequence[Callable[..., Any]]:
        """All activities that the engine may schedule in this scenario."""
        engine = [self._notify(), self._append(), self._anchor(), self._draft(), self._say(), self._over()]
        return [*(self._action(name) for name in self.contracts), *engine, *self.crossing.activities()]

    def _action(self, name: str) -> Callable[..., Any]:
        @activity.defn(name=name)
        async def call_action(call: ActionCall) -> ActionReceipt:
            try:
                receipt = carry_out(call, activity.info().started_time)
            except ApplicationError:
                await self.turns.take(cancels=True)
                raise
            await self.turns.take(cancels=self._racing)
            return receipt

        def carry_out(call: ActionCall, now: datetime) -> ActionReceipt:
            self.timeline.take(call["entries"])
            about = {name: call[name] for name in ("effect", "tier", "gated", "inputs", "key")}
            try:
                self._require_grant(call)
                outputs = self._stubs.answer(call, now)
            except ApplicationError as error:
                self.timeline.add(now, CALL_FAILED, name, step=call["step"], path=call["path"], data=about)
                self._note_effect(call, now, failed=error.type or "")
                raise
            self.timeline.add(now, CALLED, name, step=call["step"], path=call["path"], data=about)
            self._note_effect(call, now, failed="")
            return {"outputs": outputs, "key": call["key"], "resolved": "called", "done_at": render_instant(now)}

        return call_action

    def _require_grant(self, call: ActionCall) -> None:
        """The activity of a real effect verifies the grant once more; so does its stub."""
        if not call["gated"]:
            return
        grant = call["grant"]
        if grant is None:
            raise ApplicationError("a gated action came without a grant", type=ErrorType.NO_GRANT, non_retryable=True)
        refusal = refuse_grant(
            grant,
            action=call["action"],
            key=call["key"],
            inputs=call["inputs"],
            region=call["region"],
            incident=call["incident"],
            plan=call["plan"],
            keys=self.face.decision_keys,
            tier=call["tier"],
        )
        if refusal is not None:
            raise ApplicationError(refusal.message, type=ErrorType.NO_GRANT, non_retryable=True)

    def _note_effect(self, call: ActionCall, now: datetime, *, failed: str) -> None:
        """The entries that the interceptor around a real action writes."""
        reads = call["effect"] == "reads"
        kinds: list[tuple[str, str]] = [] if reads else [("announced", EntryKind.ANNOUNCED)]
        if failed:
            kinds.append((f"failed:{activity.info().attempt}", EntryKind.READ_FAILED if reads else EntryKind.FAILED))
        else:
            kinds.append(("done", EntryKind.READ if reads else EntryKind.DONE))
        for suffix, kind in kinds:
            self.timeline.take(
                [
                    {
                        "v": ENTRY_VERSION,
                        "id": f"{call['key']}:{suffix}",
                        "chain": call["incident"],
                        "kind": kind,
                        "at": render_instant(now),
                        "actor": "stub",
                        "step": call["step"],
                        "path": call["path"],
                        "data": {"action": call["action"], "error": failed},
                    }
                ]
            )

    def _notify(self) -> Callable[..., Any]:
        @activity.defn(name=ACTIVITY_NOTIFY)
        async def notify_people(call: NotifyCall) -> NotifyReceipt:
            now = activity.info().started_time
            self.timeline.take(call["entries"])
            for role in call["roles"]:
                self.timeline.add(now, TOLD, role, step=call["step"], path=call["path"])
            if call["kind"] in _OPENS:
                await self._cue(call)
            elif call["kind"] == "narrowed":
                # less is asked now; those who think about it already see that, and are not asked a second time
                await self._show(call["workflow"])
            return {"delivered": ["scenario"], "failed": []}

        return notify_people

    async def _cue(self, call: NotifyCall) -> None:
        """Show the ask to everybody who answers it."""
        await self._show(call["workflow"])
        handle = self.face.client.get_workflow_handle(DRIVER_ID)
        for index, answer in enumerate(self.scenario.people):
            if answer.at is not None or not self._meant(answer.step, call) or (index, call["key"]) in self._cued:
                continue
            self._cued.add((index, call["key"]))
            cue: Cue = {
                "part": "people",
                "index": index,
                "workflow": call["workflow"],
                "path": call["path"],
                "after": answer.after.total_seconds(),
            }
            await handle.signal(CUE, cue)
        if self.scenario.assume is not None:
            await self._improvise(call, self.scenario.assume)

    async def _improvise(self, call: NotifyCall, assume: Assumptions) -> None:
        """Let the people of a rehearsal answer an ask as it assumes."""
        told = ("rehearsal", call["key"])
        shown = self._shown.get((call["workflow"], call["path"]))
        if told in self._improvised or shown is None:
            return
        self._improvised.add(told)
        offered = bool(self.crossing.step_of(call["workflow"]))
        name = self.crossing.step_of(call["workflow"]) or call["path"]
        answers = improvise(name, shown[1], assume, offered=offered)
        if answers is None:
            about: dict[str, Json] = {"title": shown[1]["title"], "options": list(shown[1]["options"]), "name": name}
            now = activity.info().started_time
            self.timeline.add(now, UNDECIDED, name, step=call["step"], path=call["path"], data=about)
            self.over.set()
            return
        handle = self.face.client.get_workflow_handle(DRIVER_ID)
        for answer in answers:
            self.answers.append(answer)
            cue: Cue = {
                "part": "rehearsal",
                "index": len(self.answers) - 1,
                "workflow": call["workflow"],
                "path": call["path"],
                "after": answer.after.total_seconds(),
            }
            await handle.signal(CUE, cue)

    async def _show(self, workflow: str) -> None:
        """Keep a workflow's open asks as its people see them now."""
        now = await board(self.face, workflow)
        for ask in now["asks"]:
            self._shown[workflow, ask["path"]] = (now, ask)

    def _seen(self, step: str, cue: Cue) -> tuple[Board, OpenAsk]:
        """The ask a person answers: the one of their cue, or the last one they saw under that name.

        Raises:
            Refused: they never saw one.
        """
        if cue["path"]:
            return self._shown[cue["workflow"], cue["path"]]
        for (workflow, path), seen in reversed(self._shown.items()):
            if step in {path, address(path), self.crossing.step_of(workflow)} or path.endswith("/" + step):
                return seen
        raise Refused(RefusalType.NOT_WAITING, f"nobody was ever asked `{step}`")

    def _meant(self, step: str, call: NotifyCall) -> bool:
        here = {call["path"], address(call["path"]), self.crossing.step_of(call["workflow"])}
        return step in here or call["path"].endswith("/" + step)

    def _append(self) -> Callable[..., Any]:
        @activity.defn(name=ACTIVITY_LEDGER)
        async def append_entries(call: AppendCall) -> None:
            self.timeline.take(call["entries"])

        return append_entries

    def _find_person(self) -> Callable[..., Any]:
        @activity.defn(name=ACTIVITY_FIND_PERSON)
        async def find_person(call: FindPersonCall) -> FindPersonReceipt:
            """Everybody who speaks in the scenario is there, and nobody else."""
            self.timeline.take(call["entries"])
            someone = self.face.people.find(call["person"])
            return {"found": someone is not None and bool(set(someone.roles) & set(call["roles"]))}

        return find_person

    def _anchor(self) -> Callable[..., Any]:
        @activity.defn(name=ACTIVITY_ANCHOR)
        async def anchor_chain(call: AnchorCall) -> None:
            self.timeline.take(call["entries"])

        return anchor_chain

    def _draft(self) -> Callable[..., Any]:
        @activity.defn(name=ACTIVITY_DRAFT)
        async def draft_review(call: DraftCall) -> DraftReceipt:
            mark = digest({"draft": call["postmortem"]})
            return {
                "markdown": mark,
                "html": mark,
                "timeline": mark,
                "folder": call["postmortem"],
                "entries": len(self.timeline.entries),
                "head": mark,
                "metrics": {},
            }

        return draft_review

    def _say(self) -> Callable[..., Any]:
        @activity.defn(name=SAY)
        async def say(cue: Cue) -> None:
            now = activity.info().started_time
            part, index = cue["part"], cue["index"]
            self.spoken.add((part, index))
            entries = self.answers if part == "rehearsal" else getattr(self.scenario, part)
            entry: Answer | Statement | Control = entries[index]
            refusal, told = "", ""
            try:
                await self._speak(entry, cue, now)
            except Refused as error:
                refusal, told = error.type, error.message
            except ClientError as error:
                refusal, told = type(error).__name__, str(error)
            what = _said(entry)
            self.timeline.add(
                now, SAID, f"{what}: {'refused, ' + refusal if refusal else 'accepted'}", path=cue["path"]
            )
            if refusal != (entry.refused or ""):
                wanted = f"refused as {entry.refused}" if entry.refused else "accepted"
                got = f"refused as {refusal} ({told})" if refusal else "accepted"
                message = f"line {entry.line}: {what}: expected to be {wanted}, was {got}"
                self.complaints.append((message, self.timeline.events[-1]))

        return say

    def _over(self) -> Callable[..., Any]:
        @activity.defn(name=OVER)
        async def end_scenario() -> None:
            self.over.set()

        return end_scenario

    async def _speak(self, entry: Answer | Statement | Control, cue: Cue, now: datetime) -> None:
        match entry:
            case Answer():
                now_board, seen = self._seen(entry.step, cue)
                asking = now_board["workflow"]
                self.said += 1
                await send_answer(
                    self.crossing.face_of(asking) or self.face,
                    entry,
                    seen,
                    now_board,
                    form={**self.crossing.read_back(asking), **entry.form},
                    now=now,
                    nth=self.said,
                )
            case Statement():
                source = entry.source or outside_sources(self.plan, entry.fact)[0]
                await send_fact(
                    self.face,
                    self.incident,
                    entry.fact,
                    entry.value,
                    source=source,
                    person=entry.person.id if entry.person else speaker(source),
                    role=entry.person.role if entry.person else None,
                    now=now,
                )
            case Control() if entry.step:
                await say_to_task(
                    self.face,
                    self.incident,
                    entry.step,
                    entry.verb,
                    person=entry.person.id,
                    role=entry.person.role,
                    item=entry.item,
                    now=now,
                )
            case Control():
                await send_control(
                    self.face,
                    self.incident,
                    entry.verb,
                    person=entry.person.id,
                    role=entry.person.role,
                    reason=entry.reason,
                    about={"level": entry.level} if entry.level else None,
                    now=now,
                )


def outside_sources(plan: Plan, fact: str) -> list[str]:
    """The sources of a fact that speak from outside: neither inputs nor steps nor what the trigger gave."""
    sources = plan["facts"][fact]["sources"] if fact in plan["facts"] else []
    return [source for source in sources if not source.startswith(("inputs.", "steps.", "trigger."))]


def speaker(source: str) -> str:
    """Who says a fact when the scenario names nobody: a stand-in for the system or role that is its source."""
    return f"scenario-{source.replace('_', '-')}"


def _said(entry: Answer | Statement | Control) -> str:
    match entry:
        case Answer():
            does = f"chooses {entry.choose}" if entry.choose else f"says {entry.say}"
            return f"{entry.person.id} {does} at {entry.step}"
        case Statement():
            return f"fact {entry.fact}"
        case Control():
            about = f" to {entry.step}" if entry.step else f" {entry.level}" if entry.level else ""
            return f"{entry.person.id} says {entry.verb}{about}"
