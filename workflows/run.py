"""What every step of a walk shares: the plan, the state, the journal, the asks, and how to wait.

A `Run` lives in one workflow execution. Everything that must outlast it is in `state`; the rest (tasks, the wish to
continue as new) is made again from there.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from temporalio import workflow

from schemas.decision import OpenAsk, RefusalType
from schemas.incident import Carried, IncidentStart
from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.plan import Duration, Expr, Shown, Slot, Step, Value
from watchfloor.expressions import EvaluationFailed, evaluate, render
from watchfloor.signing import parse_instant, render_instant
from workflows.facts import Facts
from workflows.halt import Drained, Halt, Halted, StepFailed
from workflows.human import HumanSteps, Wait
from workflows.journal import Journal
from workflows.narrowing import keep_narrowed
from workflows.notices import Desk, Notices
from workflows.plans import Loaded
from workflows.scope import Frame, Scope
from workflows.spans import find_due
from workflows.state import OUTPUT_LIMIT, size_of

COMMANDER = "incident_commander"
"""The role that answers for failed steps and for what nobody else owns."""


class WalkBlock(Protocol):
    """How a step walks the steps inside it; given by the interpreter, which knows all kinds."""

    async def __call__(self, run: "Run", frame: Frame, steps: Sequence[Step]) -> None: ...


class Paged(Protocol):
    """What a step tells `workflows.pages.Pages`."""

    def took_action(
        self, path: str, step: str, role: str, key: str, deadline_at: Json, told: Sequence[str]
    ) -> None: ...

    def claimed(self, ask: OpenAsk, body: dict[str, Json]) -> None: ...


class Run:
    """One execution of an incident: state and the services of the walk. See the module's docstring."""

    def __init__(self, start: IncidentStart, loaded: Loaded, state: Carried, walk_block: WalkBlock) -> None:
        self.start = start
        self.loaded = loaded
        self.plan = loaded.plan
        self.state = state
        self._walk_block = walk_block
        self.desk = Desk(
            region=start["region"],
            namespace=start["namespace"],
            incident=start["incident"],
            plan=start["plan"],
            workflow=start["incident"],
            requester=start["requester"],
            decision_keys=start["decision_keys"],
            root=start.get("root", ""),
            revoked=dict(state.get("revoked", start.get("revoked", {}))),
            recused=list(state.get("recused", start.get("recused", []))),
            keyed=list(start.get("keyed", [])),
        )
        self.journal = Journal(
            chain=start["incident"],
            region=start["region"],
            entries=state["entries"],
            seq=state["entry_seq"],
            by_activity=start.get("ledger_by_activity", False),
        )
        self.notices = Notices(self.desk, self.journal, state["severity"])
        self.human = HumanSteps(
            self.desk,
            self.journal,
            self.notices,
            asks=state["asks"],
            settled=state["settled"],
            silent=state.setdefault("silent", []),
            seen=state["seen"],
        )
        self.human.shrunk = partial(keep_narrowed, state)
        self.pages: Paged | None = None
        """Takes note of what the action `page` did; None where the run has no paging policy."""
        self.facts = Facts(self.plan, state, self.journal, self.desk)
        self.root = Halt()
        self.draining = False
        """Set before continue-as-new: nothing new is scheduled, the walk unwinds."""
        self.stopped = False
        """Set when the walk has come to rest: what runs beside it ends too."""
        self._stirred = False
        self.running: dict[str, tuple[Step, str]] = {}
        """Runtime path -> step and since when, of what is under way in this execution."""
        self.step_halts: dict[str, Halt] = {}
        """Runtime path -> the part of the walk that is this step alone, while it is under way in this execution."""
        self.being_undone: set[str] = set()
        """Keys of measures whose undo is under way in this execution."""
        self._scope = Scope(start, loaded, state)
        self._listeners: list[Callable[[], None]] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self._watches: list[asyncio.Task[None]] = []
        if state.get("ending"):
            self.root.stop("ending")

    # -- going on and coming to rest ------------------------------------------------------------------------------

    async def walk(self, frame: Frame, steps: Sequence[Step]) -> None:
        """Walk the steps of a block; see `workflows.interpreter`."""
        await self._walk_block(self, frame, steps)

    def check(self, halt: Halt) -> None:
        """Raise when this part of the walk must come to rest.

        Raises:
            Halted, Drained: pass them on.
        """
        if halt.reason:
            raise Halted(halt.reason)
        if self.draining and not halt.lasting:
            raise Drained

    async def admit(self, halt: Halt) -> None:
        """The gate before anything new is scheduled: waits while the run is paused."""
        self.check(halt)
        if self.state["paused"] is not None and not halt.lasting:
            # a run that is told to end takes no resume any more
            await self.wait(halt, lambda: self.state["paused"] is None or bool(self.state.get("ending")))

    async def wait(self, halt: Halt, fn: Callable[[], bool], until: datetime | None = None) -> bool:
        """Wait for a condition (True) or an absolute instant (False).

        Raises:
            Halted, Drained: this part must come to rest first; what it waited for is in the state.
        """
        if fn():
            return True
        self.check(halt)

        def over() -> bool:
            return fn() or (self.draining and not halt.lasting) or bool(halt.reason)

        if until is None:
            await workflow.wait_condition(over)
        else:
            left = until - workflow.now()
            if left <= timedelta(0):
                return False
            try:
                await workflow.wait_condition(over, timeout=left)
            except TimeoutError:
                return fn()
        if fn():
            return True
        self.check(halt)
        return False

    def waiting(self, halt: Halt) -> Wait:
        """`wait` bound to a part of the walk, as asks want it."""

        async def wait(fn: Callable[[], bool], until: datetime | None = None) -> bool:
            return await self.wait(halt, fn, until)

        return wait

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside the walk; `rested` waits for it."""
        self._tasks = [task for task in self._tasks if not task.done()]
        task = asyncio.create_task(coroutine)
        self._tasks.append(task)
        return task

    def watch(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run something beside the walk that nobody waits for; it must change nothing that is not looked at anew."""
        self._watches.append(asyncio.create_task(coroutine))

    async def rested(self) -> None:
        """Wait until nothing spawned is under way and no notice either."""
        await workflow.wait_condition(lambda: all(task.done() for task in self._tasks))
        await self.notices.drained()

    def end(self, outcome: str, *, reason: str, path: str = "") -> None:
        """Tell the whole run to end with an outcome; the first one counts."""
        if not self.state.get("ending"):
            self.state["ending"] = {"outcome": outcome, "reason": reason, "path": path}
        self.root.stop("ending")

    # -- values ---------------------------------------------------------------------------------------------------

    @property
    def now(self) -> str:
        return render_instant(workflow.now())

    @property
    def compartment(self) -> str:
        """Who is not cleared for it sees nothing of the run. An incident that was moved keeps the one it had."""
        given = self.start.get("given")
        return (given["compartment"] if given else "") or self.plan["compartment"]

    def find_value(self, expr: Expr, frame: Frame) -> Json:
        """The value of an expression.

        Raises:
            StepFailed: it has none; code `expression`.
        """
        now = self.now
        try:
            return evaluate(expr, lambda name: self._scope.find(name, frame, now))
        except EvaluationFailed as error:
            raise StepFailed("expression", str(error)) from error

    def find_present(self, expr: Expr, frame: Frame) -> Json:
        """The value of an expression, None when something it needs is not there yet.

        Raises:
            StepFailed: it fails for another reason.
        """
        now = self.now
        try:
            return evaluate(expr, lambda name: self._scope.find(name, frame, now))
        except EvaluationFailed as error:
            if error.absent:
                return None
            raise StepFailed("expression", str(error)) from error

    def holds(self, expr: Expr, frame: Frame) -> bool:
        """Whether a condition outside any step holds; one that has no value yet, or fails, does not."""
        try:
            return self.find_present(expr, frame) is True
        except StepFailed:
            return False

    def fill(self, value: Value, frame: Frame) -> Json:
        """A written value with its expressions filled in.

        Raises:
            StepFailed: one has no value, or the whole is too large.
        """
        now = self.now
        try:
            filled = render(value, lambda name: self._scope.find(name, frame, now))
            if size_of(filled) > 16 * OUTPUT_LIMIT:
                raise StepFailed("too_large", f"a value of more than {16 * OUTPUT_LIMIT} bytes; pass a reference")
        except (EvaluationFailed, ValueError) as error:
            raise StepFailed("expression", str(error)) from error
        return filled

    def show(self, shown: Sequence[Shown], frame: Frame) -> list[dict[str, Json]]:
        """What is put before people, in the order written; what has no value is shown as null."""
        return [{"label": one["label"], "value": self.find_present(one["value"], frame)} for one in shown]

    def find_jurisdictions(self) -> dict[str, list[str]]:
        """Where the people and the data of this incident are, by role, as far as it is known now."""
        return self._scope.find_jurisdictions(Frame(halt=self.root), self.now)

    def outputs_below(self, loop: str, frame: Frame) -> dict[str, dict[str, Json]]:
        """The outputs of the finished steps right inside a loop's current iteration, by step id."""
        return self._scope.outputs_below(loop, frame)

    def find_seconds(self, duration: Duration) -> float:
        """A written duration in seconds; a share of a clock is a share of that clock's whole length.

        Raises:
            StepFailed: the clock's law gives no length.
        """
        if not isinstance(duration, dict):
            return float(duration)
        clock = self.plan["clocks"].get(duration["of"])
        state = self.state["clocks"].get(duration["of"])
        begun = parse_instant(state["started_at"]) if state and state["started_at"] else workflow.now()
        due = find_due(clock["law"], begun) if clock else None
        if due is None:
            raise StepFailed("expression", f"the clock `{duration['of']}` has no length to take a share of")
        return duration["share"] * (due - begun).total_seconds()

    def fix_deadline(self, path: str, seconds: float) -> datetime:
        """The absolute instant of a wait: made once, carried ever after."""
        known = self.state["deadlines"].get(path)
        if known is None:
            known = render_instant(workflow.now() + timedelta(seconds=seconds))
            self.state["deadlines"][path] = known
        return parse_instant(known)

    # -- recording ------------------------------------------------------------------------------------------------

    def record_fact(self, name: str, value: Json, step: str, path: str) -> None:
        """Record a fact that a step found.

        Raises:
            StepFailed: the plan or the type forbids it.
        """
        refusal = self.facts.record_step(name, value, step, path)
        if refusal is not None:
            code = "wrong_source" if refusal.type == RefusalType.WRONG_SOURCE else "bad_value"
            raise StepFailed(code, refusal.message)

    def listen(self, listener: Callable[[], None]) -> None:
        """Have something looked at after every change; must not wait."""
        self._listeners.append(listener)

    def changed(self) -> None:
        """Say that facts or results changed: conditions of clocks, tracks and floors are looked at again."""
        for listener in self._listeners:
            listener()

    def stir(self) -> None:
        """As `changed`, from a message's handler: the looking is done by the run itself."""
        self._stirred = True

    async def react(self) -> None:
        """Look at conditions again whenever a handler has stirred the run; until it comes to rest."""
        while not self.stopped:
            await workflow.wait_condition(lambda: self.stopped or self._stirred)
            self._stirred = False
            for listener in self._listeners:
                listener()

    def note(self, kind: str, *, step: str = "", path: str = "", **data: Json) -> None:
        """Write a ledger entry of the engine."""
        self.journal.note(kind, step=step, path=path, data=data)

    def describe_slots(self, slots: Sequence[Slot]) -> list[dict[str, list[str]]]:
        return [{"any_of": list(slot["any_of"])} for slot in slots]

    def note_failure(self, step: Step, path: str, failure: StepFailed) -> None:
        self.note(EntryKind.STEP_FAILED, step=step["id"], path=path, code=failure.code)
