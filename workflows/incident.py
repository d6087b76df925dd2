"""The incident workflow: carries out any plan."""

import asyncio
import zlib
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from pydantic import TypeAdapter, ValidationError
from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from schemas.decision import OpenAsk, Receipt, RefusalType
from schemas.incident import (
    INCIDENT_WORKFLOW,
    QUERY_BOARD,
    SIGNAL_CLOSED,
    SIGNAL_FACT,
    SIGNAL_LINK,
    SIGNAL_MERGE,
    SIGNAL_RELATED,
    SIGNAL_REPORT,
    UPDATE_CONTROL,
    UPDATE_FACT,
    Board,
    IncidentResult,
    IncidentStart,
)
from schemas.ledger import EntryKind
from schemas.notify import ACTIVITY_ANCHOR, AnchorCall
from watchfloor.signing import Refusal
from workflows.board import draw_board
from workflows.by_hand import take_by_hand, tick_clocks
from workflows.cadence import Cadence
from workflows.children import take_report
from workflows.clocks import Clocks
from workflows.command import pass_command, watch_offer
from workflows.control import accept_control, refuse_control
from workflows.gates import refuse_glass
from workflows.halt import Drained, Halted
from workflows.human import AnswersPeople
from workflows.interpreter import walk_block
from workflows.linked import report_end, take_link, take_over
from workflows.measures import Undoing, is_temporary
from workflows.outside_confirmed import Confirmations
from workflows.pages import Pages
from workflows.phases import walk_phases
from workflows.plans import PlanRefused, load
from workflows.recusal import pass_on
from workflows.refusals import counted
from workflows.refused import note_refusal
from workflows.relations import open_links, take_merge, take_related, tell_related
from workflows.reviews import Reviews
from workflows.run import Run
from workflows.severity import Floors
from workflows.standing_aside import note_those_aside
from workflows.state import carry, open_state
from workflows.step_handoff import tell_unanswered
from workflows.ticking import tick
from workflows.tracks import Tracks
from workflows.triage import Proposals, refuse_stale_proposal
from workflows.visibility import Visibility

_LEAST_EVENTS = 20
"""A run this short has done nothing yet; continuing as new sooner would go round without end."""
_ANCHOR_ATTEMPT = timedelta(seconds=30)
_ANCHOR_PATIENCE = timedelta(minutes=5)
_LEDGER_REST = timedelta(seconds=30)

_START: TypeAdapter[IncidentStart] = TypeAdapter(IncidentStart)


@workflow.defn(name=INCIDENT_WORKFLOW)
class IncidentWorkflow(AnswersPeople):
    """One incident, from its first step to its closing, under exactly the plan it started with.

    Durable: everything (`schemas.incident.Carried`), through crashes, upgrades and continue-as-new. May run twice:
    activities, each under an idempotency key of region, incident, plan, runtime path, item and inputs. Messages:
    updates `decide`, `fact`, `control` with validators; signals `decide_later`, `fact_later`, `report`, `link`,
    `merge`, `related`; query `board`.
    Ledger entries: `incident.*`, `phase.*`, `step.*`, `branch.taken`, `fact.recorded`, `severity.set`, `clock.*`,
    `decision.*`, `measure.*`, `page.*`, `status.*`, `run.*`, `track.fired`, `hold.placed`, `handoff.offered`,
    `command.passed`, `review.started`; entries of effects are the activities' own.
    """

    @workflow.init
    def __init__(self, *said: Any) -> None:
        # any number of arguments: one too many would fail the task for ever, as a raised error would
        start: Any = said[0] if len(said) == 1 else None
        self._closed_at = ""
        self._broken = ""
        self._run: Run | None = None
        try:
            checked = start if _is_carried(start) else _START.validate_python(start)
            loaded = load(checked["plan_z"], checked["plan"])
            self._run = Run(checked, loaded, open_state(checked, workflow.now()), walk_block)
        except PlanRefused as error:
            self._broken = str(error)
            return
        except (ValidationError, LookupError, TypeError, ValueError, AttributeError, zlib.error) as error:
            # raised here it would fail the task for ever; the run refuses it instead
            self._broken = f"the start message is not one: {type(error).__name__}"
            return
        self.human = self._run.human
        self.human.guard = partial(_refuse_option, self._run)
        self.human.passed_on = partial(pass_on, self._run)
        pages = Pages(self._run)
        if pages.is_on:
            self._run.notices.listener = self._run.pages = pages
            self.human.heard = pages.heard

    @workflow.run
    async def run(self, *said: Any) -> IncidentResult:
        run = self._run
        if run is None:
            raise ApplicationError(self._broken, type="start_refused", non_retryable=True)
        visibility = Visibility(run)
        clocks, undoing = self._begin(run)
        beside = [
            asyncio.create_task(run.react()),
            asyncio.create_task(tick_clocks(run, clocks)),
            asyncio.create_task(undoing.tick()),
            asyncio.create_task(visibility.keep_published()),
            asyncio.create_task(run.journal.keep_flushed(lambda: run.stopped)),
            asyncio.create_task(watch_offer(run)),
        ]
        if run.start.get("paging"):
            beside += [
                asyncio.create_task(tick(run, one.find_next, one.take_due)) for one in (Pages(run), Cadence(run))
            ]
        main = asyncio.create_task(self._walk(run))
        await _wait_or_abort(run, lambda: main.done() or _must_continue(run))
        run.draining = not main.done()
        await workflow.wait_condition(main.done)
        if main.exception() is not None:
            workflow.logger.error("the walk failed", extra={"error": type(main.exception()).__name__})
            run.end("failed", reason="engine")
        if not run.draining and not _is_settled(run):
            # what people still look at and what still ends by itself keeps the run open, not its phases
            await _wait_or_abort(run, lambda: _is_settled(run) or _must_continue(run))
            run.draining = not _is_settled(run)
        await run.rested()
        run.stopped = True
        await workflow.wait_condition(lambda: all(task.done() for task in beside))
        await run.notices.drained()
        if not run.state.get("ending") or not _is_settled(run):
            await self._continue(run)
        return await self._close(run, clocks, visibility)

    # -- messages -------------------------------------------------------------------------------------------------

    @workflow.update(name=UPDATE_FACT)
    def fact(self, envelope: Any) -> Receipt:
        run = self._present()
        receipt = run.facts.accept(envelope)
        run.stir()
        return receipt

    @fact.validator
    def check_fact(self, envelope: Any) -> None:
        with counted(UPDATE_FACT):
            self._present().facts.refuse(envelope)

    @workflow.signal(name=SIGNAL_FACT)
    def fact_later(self, *said: Any) -> None:
        if self._run is None:
            return
        envelope = said[0] if len(said) == 1 else None
        try:
            self._run.facts.accept(envelope)
        except ApplicationError as error:
            note_refusal(self._run.journal, envelope, error)
            return
        self._run.stir()

    @workflow.update(name=UPDATE_CONTROL)
    def control(self, envelope: Any) -> Receipt:
        return accept_control(self._present(), envelope)

    @control.validator
    def check_control(self, envelope: Any) -> None:
        with counted(UPDATE_CONTROL):
            refuse_control(self._present(), envelope)

    @workflow.signal(name=SIGNAL_REPORT)
    def report(self, *said: Any) -> None:
        if self._run is None:
            return
        taken = take_report(self._run, said[0] if len(said) == 1 else None)
        if taken is not None:
            pass_command(self._run, taken)
            tell_unanswered(self._run, taken)
            self._run.stir()

    @workflow.signal(name=SIGNAL_LINK)
    def link(self, *said: Any) -> None:
        if self._run is not None:
            take_link(self._run, said[0] if len(said) == 1 else None)

    @workflow.signal(name=SIGNAL_MERGE)
    def merge(self, *said: Any) -> None:
        if self._run is not None:
            take_merge(self._run, said[0] if len(said) == 1 else None)

    @workflow.signal(name=SIGNAL_RELATED)
    def related(self, *said: Any) -> None:
        if self._run is not None:
            take_related(self._run, said[0] if len(said) == 1 else None)

    @workflow.query(name=QUERY_BOARD)
    def board(self) -> Board:
        return draw_board(self._present(), self._closed_at)

    # -- the run --------------------------------------------------------------------------------------------------

    def _present(self) -> Run:
        if self._run is None:
            raise ApplicationError(self._broken, type=RefusalType.CLOSED, non_retryable=True)
        return self._run

    def _begin(self, run: Run) -> tuple[Clocks, Undoing]:
        """Write down the opening on a first run; look at every condition once."""
        clocks, tracks, undoing, reviews = Clocks(run), Tracks(run), Undoing(run), Reviews(run)
        run.notices.arrived = clocks.take_custody
        floors, proposals, confirmations = Floors(run, run.stir), Proposals(run), Confirmations(run)
        if run.state["runs"] == 0:
            trigger, policy = run.start["trigger"], run.start.get("paging")
            run.note(
                EntryKind.OPENED,
                runbook=run.plan["id"],
                version=run.plan["version"],
                plan=run.desk.plan,
                source=trigger["source"],
                received_at=trigger["received_at"],
                requester=run.desk.requester,
                **({"paging": policy["digest"]} if policy else {}),
                **({"compartment": run.compartment} if run.compartment else {}),
            )
            note_those_aside(run.journal, run.desk.recused)
            take_over(run)
            run.facts.record_inputs(run.start["inputs"], trigger["received_at"])
            run.facts.record_trigger(trigger)
            take_by_hand(run)
            open_links(run)
        for look in (
            floors.look,
            clocks.look,
            tracks.look,
            undoing.look,
            reviews.look,
            proposals.look,
            confirmations.look,
        ):
            run.listen(look)
        run.changed()
        tell_related(run, run.root)
        return clocks, undoing

    async def _walk(self, run: Run) -> None:
        try:
            await walk_phases(run)
        except (Drained, Halted):
            return
        run.end("closed", reason="phases done")

    async def _continue(self, run: Run) -> None:
        """Continue as new with the whole state; nothing is in flight any more, and no handler runs."""
        await workflow.wait_condition(workflow.all_handlers_finished)
        run.note(EntryKind.CONTINUED, runs=run.state["runs"] + 1)
        await run.journal.flush()
        run.state["entries"], run.state["entry_seq"] = run.journal.entries, run.journal.seq
        if run.desk.revoked:
            run.state["revoked"] = run.desk.revoked
        if run.desk.recused:
            run.state["recused"] = run.desk.recused
        workflow.continue_as_new(carry(run.start, run.state))

    async def _close(self, run: Run, clocks: Clocks, visibility: Visibility) -> IncidentResult:
        """Assign what still runs, void what still waits, complete the ledger, tell the reviews."""
        ending = run.state.get("ending") or {}
        clocks.look()
        clocks.assign_open()
        for path in list(run.human.asks):
            run.human.void(path, "the run has ended")
        Pages(run).settle_all()
        await run.notices.drained()
        self._closed_at = run.now
        left = [measure for measure in run.state["measures"] if measure["undone_at"] is None]
        run.note(
            EntryKind.CLOSED,
            path=str(ending.get("path", "")),
            outcome=ending.get("outcome"),
            reason=ending.get("reason"),
            measures=[measure["key"] for measure in left],
            clocks={clock["name"]: clock["state"] for clock in run.state["clocks"].values()},
        )
        visibility.publish(self._closed_at)
        while not await run.journal.flush():
            await workflow.sleep(_LEDGER_REST)
        await self._anchor(run)
        await self._tell_reviews(run, str(ending.get("outcome", "")))
        await report_end(run, str(ending.get("outcome", "")), self._closed_at)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return {
            "outcome": str(ending.get("outcome", "")),
            "closed_at": self._closed_at,
            "clocks": list(run.state["clocks"].values()),
            "open_measures": len(left),
        }

    async def _anchor(self, run: Run) -> None:
        """Have the chain's head signed and put elsewhere; a closed incident does not stay open for want of it."""
        call: AnchorCall = {"v": 1, "region": run.desk.region, "chain": run.desk.incident, "entries": []}
        try:
            await workflow.execute_activity(
                ACTIVITY_ANCHOR,
                call,
                start_to_close_timeout=_ANCHOR_ATTEMPT,
                schedule_to_close_timeout=_ANCHOR_PATIENCE,
                retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=30)),
            )
        except ActivityError:
            workflow.logger.error("the ledger's head could not be anchored")

    async def _tell_reviews(self, run: Run, outcome: str) -> None:
        payload = {
            "outcome": outcome,
            "closed_at": self._closed_at,
            "clocks": list(run.state["clocks"].values()),
            "phase_times": run.state.get("phase_times", {}),
        }
        for child in run.state["children"].values():
            if child["kind"] != "postmortem":
                continue
            try:
                await workflow.get_external_workflow_handle(str(child["workflow"])).signal(SIGNAL_CLOSED, payload)
            except FailureError:
                workflow.logger.warning("a review is not there to be told", extra={"review": child["workflow"]})


def _refuse_option(run: Run, ask: OpenAsk, option: str) -> Refusal | None:
    return refuse_glass(run, ask, option) or refuse_stale_proposal(run, ask, option)


def _is_carried(start: object) -> bool:
    """A continued run's own state needs no second validation, and a large one would take long."""
    return isinstance(start, dict) and (isinstance(start.get("carried"), dict) or bool(start.get("carried_z")))


async def _wait_or_abort(run: Run, fn: Callable[[], bool]) -> None:
    """Wait for a condition; a cancellation meanwhile aborts the run."""
    try:
        await workflow.wait_condition(fn)
    except asyncio.CancelledError:
        # a cancellation through Temporal carries no signature; it stops the walk, and the closing stays orderly:
        # measures stay in force, clocks get owners, the ledger says what happened
        run.state["aborted"] = {"by": "", "role": "", "at": run.now, "reason_ref": ""}
        run.note(EntryKind.ABORTED, reason="cancelled")
        run.end("aborted", reason="cancelled")
        run.stir()


def _is_settled(run: Run) -> bool:
    """Whether nothing is left that the run waits for after its phases: undecided reviews, measures that will end."""
    if run.state["aborted"] is not None:
        return True
    return not run.state.get("reviews") and not any(is_temporary(run, one) for one in run.state["measures"])


def _must_continue(run: Run) -> bool:
    length, limit = workflow.info().get_current_history_length(), run.start["limits"]["continue_after_events"]
    if workflow.info().is_continue_as_new_suggested():
        return True
    return 0 < limit <= length and length >= _LEAST_EVENTS
