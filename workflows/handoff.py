"""Handing an incident, or a part of it, to another region: the sending side.

Accepting an answer here is the one moment at which command passes. Until then the sender commands; an answer that
comes after `accept_by` is refused, and the receiver learns it. So there is exactly one commander at any time, whatever
is lost on the way.
"""

import asyncio
from datetime import timedelta
from typing import Any, Literal

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from schemas.actions import ErrorType
from schemas.decision import CONTROL, Envelope, Receipt, RefusalType
from schemas.handoff import UNTOLD, UPDATE_ANSWER, AnswerReceipt, HandoffResult, HandoffStart, PacketAnswer
from schemas.incident import HANDOFF_WORKFLOW, QUERY_BOARD, SIGNAL_RECUSAL, SIGNAL_REPORT, UPDATE_CONTROL, Board, Report
from schemas.keys import SIGNAL_REVOKED
from schemas.ledger import EntryKind
from schemas.notify import ACTIVITY_POST_PACKET, PostPacketCall, PostReceipt
from watchfloor.signing import Refusal, effect_key, envelope_digest, parse_instant, render_instant
from workflows.anchoring import anchor
from workflows.child_boards import child_board, clock_view
from workflows.human import Desk, plain_wait
from workflows.journal import Journal
from workflows.notices import Notices
from workflows.packets import NOT_OFFERED, RECALLED, refuse_packet_answer
from workflows.reception import open_statement
from workflows.refusals import counted
from workflows.refused import note_refusal
from workflows.revocations import learn_revocation
from workflows.standing_aside import note_those_aside, take_recusal
from workflows.starts import RefusesBadStarts, refuse_bad_start

COMMANDER = "incident_commander"
MAY_RECALL = frozenset({COMMANDER, "deputy", "exec_sponsor"})
STEP = "handoff"

_ATTEMPT = timedelta(seconds=30)
_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=15))
_KINDS = {"accepted": EntryKind.ACCEPTED, "declined": EntryKind.DECLINED}


@workflow.defn(name=HANDOFF_WORKFLOW)
class Handoff(RefusesBadStarts):
    """One offer to another region.

    Durable: the offer, the answer that counted. May run twice: posting the packet, which the receiver's gateway
    deduplicates by the handoff's id. Ledger entries (chain: the handoff's id): `handoff.offered`, then one of
    `handoff.accepted`, `.declined`, `.unanswered`. Reports the end to the incident, which alone changes the commander.
    """

    @workflow.init
    @refuse_bad_start(HandoffStart)
    def __init__(self, *said: Any) -> None:
        (start,) = said
        self.start: HandoffStart = start
        self.packet = start["packet"]
        self.accept_by = parse_instant(self.packet["accept_by"])
        self.opened_at = render_instant(workflow.now())
        self.peer_keys: dict[str, str] | None = None
        self.remote = ""
        self.ended: HandoffResult | None = None
        self.answer: tuple[PacketAnswer, AnswerReceipt] | None = None
        self.seen: list[str] = []
        self.desk = Desk(
            region=start["region"],
            namespace=start["namespace"],
            incident=start["handoff"],
            plan=start["plan"],
            workflow=start["handoff"],
            requester=start.get("requester", ""),
            decision_keys=start["decision_keys"],
            root=start.get("root", ""),
            revoked=dict(start.get("revoked", {})),
            recused=list(start.get("recused", [])),
            keyed=list(start.get("keyed", [])),
        )
        self.journal = Journal(
            chain=start["handoff"], region=start["region"], by_activity=start.get("ledger_by_activity", False)
        )
        self.notices = Notices(self.desk, self.journal, self.packet["severity"])

    @workflow.run
    async def run(self, *said: Any) -> HandoffResult:
        self.require_start()
        flusher = asyncio.create_task(self.journal.keep_flushed())
        self._note_offer()
        posting = asyncio.create_task(self._post())
        try:
            await plain_wait(lambda: self.ended is not None, self.accept_by)
        except asyncio.CancelledError:
            self._end("recalled", detail="cancelled")
        if self.ended is None:
            self._end("unanswered", detail="posted" if self.remote else "never_reached")
        posting.cancel()
        await self.journal.stop_flushing(flusher)
        await self._conclude()
        assert self.ended is not None
        return self.ended

    @workflow.update(name=UPDATE_ANSWER)
    def take_answer(self, envelope: Any) -> AnswerReceipt:
        """Take the other region's answer; the same answer again gets the same receipt."""
        signed, answer = self._judge(envelope)
        if self.answer is not None:
            return self.answer[1]
        mark = envelope_digest(signed)
        state: Literal["accepted", "declined"] = answer["verdict"]
        at = render_instant(workflow.now())
        self.answer = (answer, {"handoff": self.start["handoff"], "state": state, "answer": mark, "at": at})
        self.remote = answer["workflow"]
        self._end(state, by=answer["person"], role=answer["role"], answer=mark)
        return self.answer[1]

    @take_answer.validator
    def check_answer(self, envelope: Any) -> None:
        with counted(UPDATE_ANSWER):
            self._judge(envelope)

    @workflow.update(name=UPDATE_CONTROL)
    def control(self, envelope: Any) -> Receipt:
        """Recall the offer: a `CONTROL` statement with the verb `abort`."""
        checked = self._judge_recall(envelope)
        mark = envelope_digest(checked)
        self.seen.append(mark)
        self._end("recalled", by=str(checked["body"]["person"]), role=str(checked["body"]["role"]))
        return {"accepted": True, "digest": mark, "state": "complete", "waiting_for": []}

    @control.validator
    def check_control(self, envelope: Any) -> None:
        with counted(UPDATE_CONTROL):
            self._judge_recall(envelope)

    @workflow.signal(name=SIGNAL_REVOKED)
    def key_revoked(self, *said: Any) -> None:
        """An offer asks nobody here; it only refuses to be recalled under that key from now on."""
        if self.bad_start:
            return
        revocation = said[0] if len(said) == 1 else None
        try:
            learn_revocation(self.desk, self.journal, revocation)
        except ApplicationError as error:
            note_refusal(self.journal, revocation, error)

    @workflow.signal(name=SIGNAL_RECUSAL)
    def recusal(self, *said: Any) -> None:
        """Who stands aside from the incident does not recall its offer, and is not shown it."""
        if not self.bad_start:
            take_recusal(self.desk.recused, {}, self.journal, self.notices, said[0] if len(said) == 1 else None)

    @workflow.query(name=QUERY_BOARD)
    def board(self) -> Board:
        packet, ended = self.packet, self.ended
        return child_board(
            "handoff",
            self.desk,
            compartment=self.start.get("compartment", ""),
            title=f"Offer to {packet['to_region']}: {packet['title']}",
            state="closed" if ended else "open",
            outcome=ended["state"] if ended else "",
            opened_at=self.opened_at,
            asks=[],
            steps=[
                {
                    "path": self.start["path"],
                    "step": STEP,
                    "kind": "handoff",
                    "name": f"{packet['mode']} by {packet['to_region']}",
                    "state": "done" if ended else "waiting",
                    "since": ended["at"] if ended else packet["offered_at"],
                    "detail": self.remote or "not yet received there",
                }
            ],
            clocks=[clock_view("accept", packet["offered_at"], packet["accept_by"], [], ended=ended is not None)],
            severity=packet["severity"],
        )

    def _note_offer(self) -> None:
        packet = self.packet
        self.journal.note(
            EntryKind.OFFERED,
            step=STEP,
            path=self.start["path"],
            data={
                "handoff": self.start["handoff"],
                "incident": self.start["incident"],
                "to": packet["to_region"],
                "mode": packet["mode"],
                "fence": packet["fence"],
                "accept_by": packet["accept_by"],
                "shared": [item["label"] for item in packet["shared"]],
            },
        )
        note_those_aside(self.journal, self.desk.recused)

    async def _post(self) -> None:
        """Post until the other gateway has the packet, or has refused it, or nobody may accept it any more."""
        packet = self.packet
        call: PostPacketCall = {
            "v": 1,
            "region": self.start["region"],
            "to_region": packet["to_region"],
            "handoff": self.start["handoff"],
            "body": dict(packet),
            "key": effect_key(
                region=self.start["region"],
                incident=self.start["handoff"],
                plan=self.start["plan"],
                path=self.start["path"],
                item=packet["fence"],
                inputs={"to": packet["to_region"], "accept_by": packet["accept_by"]},
                action=ACTIVITY_POST_PACKET,
            ),
            "entries": [],
        }
        left = self.accept_by - workflow.now()
        try:
            with self.journal.riding() as entries:
                call["entries"] = entries
                receipt: PostReceipt = await workflow.execute_activity(
                    ACTIVITY_POST_PACKET,
                    call,
                    result_type=PostReceipt,
                    start_to_close_timeout=_ATTEMPT,
                    schedule_to_close_timeout=max(left, timedelta(seconds=1)),
                    retry_policy=_RETRY,
                )
        except ActivityError as error:
            cause = error.cause
            why = cause.type if isinstance(cause, ApplicationError) and cause.type else ErrorType.UNAVAILABLE
            if why != ErrorType.UNAVAILABLE:
                self._end("refused", detail=why)
            return
        self.remote = self.remote or receipt["workflow"]
        self.peer_keys = receipt.get("peer_keys", {})

    def _judge(self, envelope: object) -> tuple[Envelope, PacketAnswer]:
        if self.peer_keys is None:
            raise _refusal(Refusal(NOT_OFFERED, "the packet's arrival is not recorded yet; send the answer again"))
        if self.answer is not None and isinstance(envelope, dict):
            answer, receipt = self.answer
            try:
                if envelope_digest(envelope) == receipt["answer"]:  # type: ignore[arg-type]
                    return envelope, answer  # type: ignore[return-value]
            except (KeyError, ValueError):
                pass
        if self.ended is not None:
            late = self.ended["state"] == "unanswered"
            kind = RefusalType.LATE if late else RECALLED if self.ended["state"] == "recalled" else RefusalType.CLOSED
            raise _refusal(Refusal(kind, f"this offer has ended: {self.ended['state']}"))
        found = refuse_packet_answer(envelope, self.packet, self.peer_keys, workflow.now())
        if isinstance(found, Refusal):
            raise _refusal(found)
        return found

    def _judge_recall(self, envelope: object) -> Envelope:
        opened = open_statement(
            envelope,
            domain=CONTROL,
            texts=("region", "namespace", "incident", "verb", "person", "role", "issued_at", "expires_at", "nonce"),
            instants=("issued_at", "expires_at"),
            desk=self.desk,
            seen=self.seen,
            now=workflow.now(),
        )
        if isinstance(opened, Refusal):
            raise _refusal(opened)
        checked, body = opened
        if self.ended is not None:
            raise _refusal(Refusal(RefusalType.CLOSED, f"this offer has ended: {self.ended['state']}"))
        if body["verb"] != "abort":
            raise _refusal(Refusal(RefusalType.UNKNOWN_OPTION, "an offer can only be recalled: `abort`"))
        if body["role"] not in MAY_RECALL:
            wanted = ", ".join(sorted(MAY_RECALL))
            raise _refusal(Refusal(RefusalType.WRONG_ROLE, f"an offer is recalled by {wanted}, not by {body['role']}"))
        if workflow.now() > parse_instant(body["expires_at"]):
            raise _refusal(Refusal(RefusalType.LATE, f"this statement was valid until {body['expires_at']}"))
        return checked

    def _end(
        self,
        state: Literal["accepted", "declined", "unanswered", "recalled", "refused"],
        *,
        by: str = "",
        role: str = "",
        answer: str = "",
        detail: str = "",
    ) -> None:
        """Decide how the offer ended, once; whoever comes first."""
        if self.ended is not None:
            return
        self.ended = {
            "handoff": self.start["handoff"],
            "state": state,
            "by": by,
            "role": role,
            "workflow": self.remote,
            "answer": answer,
            "at": render_instant(workflow.now()),
            "detail": detail,
        }

    async def _conclude(self) -> None:
        ended, packet = self.ended, self.packet
        assert ended is not None
        self.journal.note(
            _KINDS.get(ended["state"], EntryKind.UNANSWERED),
            step=STEP,
            path=self.start["path"],
            actor=ended["by"] or "engine",
            data={
                "handoff": ended["handoff"],
                "state": ended["state"],
                "by": ended["by"],
                "role": ended["role"],
                "answer": ended["answer"],
                "workflow": ended["workflow"],
                "detail": ended["detail"],
            },
        )
        is_unanswered = ended["state"] in {"unanswered", "refused"}
        # an incident that pages tells it itself: there the page climbs until somebody has it, here nobody stays
        is_told_there = is_unanswered and self.start.get("tells_incident", False)
        if is_unanswered and not is_told_there:
            self._tell_unanswered()
        report: Report = {
            "path": self.start["path"],
            "kind": "handoff",
            "workflow": self.start["handoff"],
            "state": ended["state"],
            "at": ended["at"],
            "data": {
                "accepted": ended["state"] == "accepted",
                "by": ended["by"],
                "role": ended["role"],
                "region": packet["to_region"],
                "mode": packet["mode"],
                "fence": packet["fence"],
                "workflow": ended["workflow"],
                "read_back": self.answer[0]["read_back"] if self.answer else {},
                "detail": ended["detail"],
                **({UNTOLD: True} if is_told_there else {}),
            },
        }
        try:
            await workflow.get_external_workflow_handle(self.start["incident"]).signal(SIGNAL_REPORT, report)
        except FailureError:
            # the incident has closed meanwhile: its command ended with it, so there is nothing to pass
            workflow.logger.info("the incident has ended; the offer's end stands in the ledger")
            if is_told_there:
                self._tell_unanswered()
        await self.notices.drained()
        await workflow.wait_condition(workflow.all_handlers_finished)
        await anchor(self.journal)
        await self.journal.flush()

    def _tell_unanswered(self) -> None:
        self.notices.send("handoff_unanswered", path=self.start["path"], step=STEP, roles=[COMMANDER])


def _refusal(refusal: Refusal) -> ApplicationError:
    return ApplicationError(refusal.message, type=refusal.type, non_retryable=True)
