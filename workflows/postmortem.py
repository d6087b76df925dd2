"""The review of an incident: waits for its closing, has it drafted from the ledger, asks the facilitator to hold it."""

import asyncio
from datetime import datetime, timedelta
from typing import Any, cast

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, FailureError

from schemas.decision import Receipt
from schemas.incident import (
    POSTMORTEM_WORKFLOW,
    QUERY_BOARD,
    SIGNAL_CLOSED,
    SIGNAL_REPORT,
    UPDATE_CONTROL,
    Board,
    ClockState,
    Report,
)
from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.notify import ACTIVITY_DRAFT
from schemas.postmortem import DraftCall, DraftReceipt, PostmortemResult, PostmortemStart
from watchfloor.signing import parse_instant, render_instant
from workflows.child_boards import child_board, clock_view
from workflows.human import Answer, AnswersPeople, Desk, HumanSteps, Patience, plain_wait
from workflows.journal import Journal
from workflows.notices import Notices
from workflows.process_desk import ProcessDesk
from workflows.refusals import counted
from workflows.spans import add_business_days
from workflows.standing_aside import note_those_aside
from workflows.starts import RefusesBadStarts, refuse_bad_start

REVIEW = "review"
DONE = "done"
SPONSOR = "exec_sponsor"
NOT_CLOSED = "not_closed"
"""`ApplicationError.type` of a draft that the ledger does not yet bear out."""
FORM: dict[str, Json] = {
    "attendees": {"type": "int", "min": 1, "max": 500},
    "actions": {"type": "int", "min": 0, "max": 500},
}

_DAY = timedelta(days=1)
_DRAFT_ATTEMPT = timedelta(minutes=2)
_DRAFT_PATIENCE = timedelta(hours=12)
_DRAFT_RETRY = RetryPolicy(initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=10))
_AFTER_DUE = 5
"""Business days between two escalations of a review that is overdue by more than as many days."""


@workflow.defn(name=POSTMORTEM_WORKFLOW)
class Postmortem(AnswersPeople, RefusesBadStarts):
    """One review.

    Durable: the closing, the draft's receipt, the open ask with its answers. May run twice: the draft (the same bytes
    to the same places), notices. Silence never completes a review: when its time is over it stays open, is asked
    again and escalated until the facilitator says that it was held. Whoever commanded the incident does not lead its
    review. Ledger entries (chain: the review's id): `review.started`, `review.drafted` (by the activity),
    `review.done`, the entries of the ask. Reports `drafted` and `done` to the incident as long as it is there.
    """

    closing: dict[str, Json] | None = None

    @workflow.init
    @refuse_bad_start(PostmortemStart)
    def __init__(self, *said: Any) -> None:
        (start,) = said
        self.start: PostmortemStart = start
        self.opened_at = render_instant(workflow.now())
        self.due_at: datetime | None = None
        self.receipt: DraftReceipt | None = None
        self.fault = ""
        self.done_at = ""
        self.desk = Desk(
            region=start["region"],
            namespace=start["namespace"],
            incident=start["postmortem"],
            plan=start["plan"],
            workflow=start["postmortem"],
            requester=start["requester"],
            decision_keys=start["decision_keys"],
            root=start.get("root", ""),
            revoked=dict(start.get("revoked", {})),
            recused=list(start.get("recused", [])),
            keyed=list(start.get("keyed", [])),
        )
        self.journal = Journal(
            chain=start["postmortem"], region=start["region"], by_activity=start.get("ledger_by_activity", False)
        )
        self.notices = Notices(self.desk, self.journal)
        self.human: HumanSteps = HumanSteps(self.desk, self.journal, self.notices)
        self.paging = ProcessDesk(start, self.desk, self.journal, self.notices, self.human, process="review")

    @workflow.signal(name=SIGNAL_CLOSED)
    def incident_closed(self, *said: Any) -> None:
        # any number of arguments: one too many would otherwise fail the workflow task, again and again
        payload = said[0] if len(said) == 1 else None
        """From the incident. Only a hint: the draft is made when the ledger shows the closing, and from it alone."""
        if self.closing is None and isinstance(payload, dict):
            self.closing = payload

    @workflow.run
    async def run(self, *said: Any) -> PostmortemResult:
        self.require_start()
        start = self.start
        flusher = asyncio.create_task(self.journal.keep_flushed())
        climbing = asyncio.create_task(self.paging.climb())
        self.journal.note(
            EntryKind.REVIEW_STARTED,
            step=REVIEW,
            path=REVIEW,
            data={
                "review": start["postmortem"],
                "incident": start["incident"],
                "roles": list(start["facilitator"]["any_of"]),
                "within": start["within_text"],
            },
        )
        note_those_aside(self.journal, self.desk.recused)
        closed_at = await self._await_draft()
        self.due_at = self._find_due(closed_at)
        await self._report("drafted" if self.receipt else "undrafted", {"folder": self._folder(), "fault": self.fault})
        answer = await self._await_review()
        result = self._conclude(answer)
        await self._report(DONE, {"by": answer.by, "actions": result["actions"], "late": result["late"]})
        self.paging.rest()
        await self.journal.stop_flushing(flusher)
        await self.notices.drained()
        await workflow.wait_condition(lambda: climbing.done() and workflow.all_handlers_finished())
        await self.journal.flush()
        return result

    @workflow.update(name=UPDATE_CONTROL)
    def control(self, envelope: Any) -> Receipt:
        self.require_start()
        return self.paging.accept(envelope)

    @control.validator
    def check_control(self, envelope: Any) -> None:
        with counted(UPDATE_CONTROL):
            self.require_start()
            self.paging.refuse(envelope)

    @workflow.query(name=QUERY_BOARD)
    def board(self) -> Board:
        due = render_instant(self.due_at) if self.due_at else None
        began = self._closed_text() or self.opened_at
        board = child_board(
            "postmortem",
            self.desk,
            compartment=self.start.get("compartment", ""),
            title=f"Review: {self.start['title']}",
            state="closed" if self.done_at else "open",
            outcome=DONE if self.done_at else "",
            opened_at=self.opened_at,
            asks=self.human.shown(),
            steps=[
                {
                    "path": REVIEW,
                    "step": REVIEW,
                    "kind": "postmortem",
                    "name": self.start["title"],
                    "state": "done" if self.done_at else "waiting",
                    "since": self.done_at or self.opened_at,
                    "detail": self._detail(),
                }
            ],
            clocks=[clock_view(REVIEW, began, due, [], ended=bool(self.done_at))] if self.due_at else [],
        )
        return self.paging.draw(board)

    async def _await_draft(self) -> datetime:
        """Wait for the closing and have the review drafted; a closing that the ledger does not show is not believed."""
        while True:
            await workflow.wait_condition(lambda: self.closing is not None)
            closed_at = self._closed_at()
            self.due_at = self._find_due(closed_at)
            try:
                self.receipt = await workflow.execute_activity(
                    ACTIVITY_DRAFT,
                    self._call(self.due_at),
                    result_type=DraftReceipt,
                    start_to_close_timeout=_DRAFT_ATTEMPT,
                    schedule_to_close_timeout=_DRAFT_PATIENCE,
                    retry_policy=_DRAFT_RETRY,
                )
                return self._closed_at()
            except ActivityError as error:
                self.fault = getattr(error.cause, "type", None) or "unavailable"
                if self.fault != NOT_CLOSED:
                    # a review is held without a draft rather than not at all
                    return closed_at
                self.closing, self.due_at, self.fault = None, None, ""

    async def _await_review(self) -> Answer:
        """Ask until the review was held; each time the window ends unanswered it is asked again and escalated."""
        start, round_ = self.start, 0
        while True:
            self.human.open(
                path=REVIEW,
                step=REVIEW,
                kind=REVIEW,
                title=f"Hold the review: {start['title']}",
                options={DONE: [start["facilitator"]]},
                patience=self._patience(round_),
                on_silence="the review stays open, is overdue and is escalated; silence never completes it",
                exclude=self._commanders(),
                shown=self._shown(),
                form=FORM,
                notice="review_due",
                round_=round_,
            )
            answer = await self.human.answer(REVIEW, plain_wait)
            if answer.option == DONE:
                self.human.close(REVIEW)
                return answer
            round_ += 1

    def _patience(self, round_: int) -> Patience:
        """Until it is due at first; then a business day each, and after a week five."""
        now = workflow.now()
        due = self.due_at if self.due_at and self.due_at > now else add_business_days(now, 1)
        if round_ > _AFTER_DUE:
            due = add_business_days(now, _AFTER_DUE)
        within = (due - now).total_seconds()
        remind = [within / 2] if round_ == 0 else []
        if round_ == 0 and within > 2 * _DAY.total_seconds():
            remind.append(within - _DAY.total_seconds())
        return Patience(within=within, remind=remind, escalate=[SPONSOR], rung=_DAY.total_seconds())

    def _conclude(self, answer: Answer) -> PostmortemResult:
        self.done_at = answer.at
        late = self.due_at is not None and parse_instant(answer.at) > self.due_at
        result: PostmortemResult = {
            "postmortem": self.start["postmortem"],
            "state": "done",
            "by": answer.by,
            "done_at": answer.at,
            "due_at": render_instant(self.due_at) if self.due_at else "",
            "late": late,
            "attendees": int(answer.form["attendees"]),
            "actions": int(answer.form["actions"]),
            "folder": self._folder(),
        }
        self.journal.note(
            EntryKind.REVIEW_DONE,
            step=REVIEW,
            path=REVIEW,
            actor=answer.by,
            data={**result, "incident": self.start["incident"]},
        )
        return result

    async def _report(self, state: str, data: dict[str, Json]) -> None:
        report: Report = {
            "path": self.start["path"],
            "kind": "postmortem",
            "workflow": self.start["postmortem"],
            "state": state,
            "at": render_instant(workflow.now()),
            "data": data,
        }
        try:
            await workflow.get_external_workflow_handle(self.start["incident"]).signal(SIGNAL_REPORT, report)
        except FailureError:
            # the incident has closed, as it should have; the review answers for itself on its own board
            workflow.logger.info("the incident has ended; its review goes on")

    def _call(self, due_at: datetime) -> DraftCall:
        start, closing = self.start, self.closing or {}
        return {
            "v": 1,
            "postmortem": start["postmortem"],
            "incident": start["incident"],
            "region": start["region"],
            "title": start["title"],
            "runbook": start["runbook"],
            "plan": start["plan"],
            "outcome": str(closing.get("outcome", "")),
            "clocks": _clocks(closing.get("clocks")),
            "due_at": render_instant(due_at),
        }

    def _closed_text(self) -> str:
        """When the incident closed: as the ledger has it, else as it was told."""
        found = self.receipt["metrics"].get("closed_at") if self.receipt else None
        told = found or (self.closing or {}).get("closed_at")
        return told if isinstance(told, str) else ""

    def _closed_at(self) -> datetime:
        try:
            return parse_instant(self._closed_text())
        except ValueError:
            return workflow.now()

    def _find_due(self, closed_at: datetime) -> datetime:
        days = self.start["business_days"]
        return add_business_days(closed_at, days) if days else closed_at + timedelta(seconds=self.start["within"])

    def _commanders(self) -> list[str]:
        named = self.receipt["metrics"].get("commanders", []) if self.receipt else []
        return sorted({person for person in (self.start["commander"], *named) if person})

    def _folder(self) -> str:
        return self.receipt["folder"] if self.receipt else ""

    def _shown(self) -> list[dict[str, Json]]:
        shown: list[dict[str, Json]] = [
            {"label": "incident", "value": self.start["incident"]},
            {"label": "runbook", "value": self.start["runbook"]},
            {"label": "due_at", "value": render_instant(self.due_at) if self.due_at else ""},
        ]
        if self.receipt is None:
            return [*shown, {"label": "draft", "value": f"none: {self.fault}"}]
        return [
            *shown,
            {"label": "folder", "value": self.receipt["folder"]},
            {"label": "draft", "value": self.receipt["html"]},
            {"label": "ledger_head", "value": self.receipt["head"]},
        ]

    def _detail(self) -> str:
        if self.done_at:
            return f"held {self.done_at}"
        if self.due_at is None:
            return "waits until the incident has closed"
        return f"due {render_instant(self.due_at)}" + (f"; no draft: {self.fault}" if self.fault else "")


_KEYS, _ALL_KEYS = ClockState.__required_keys__, ClockState.__annotations__.keys()


def _clocks(told: Json) -> list[ClockState]:
    """The clocks of the closing message that are well formed; the message may come from anybody with access."""
    clocks = told if isinstance(told, list) else []
    return [cast(ClockState, one) for one in clocks if isinstance(one, dict) and _KEYS <= one.keys() <= _ALL_KEYS]
