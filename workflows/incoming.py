"""A handoff that another region offers: the receiving side, started by this region's gateway."""

import asyncio
from datetime import timedelta
from typing import Any, Literal

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

from schemas.actions import ErrorType
from schemas.decision import Envelope, OpenAsk, Receipt, RefusalType
from schemas.handoff import HandoffResult, IncomingStart, Packet, PacketAnswer
from schemas.incident import INCOMING_WORKFLOW, QUERY_BOARD, UPDATE_CONTROL, Board, ClockState, Commander
from schemas.json_value import Json
from schemas.ledger import EntryKind
from schemas.notify import ACTIVITY_POST_ANSWER, PostPacketCall, PostReceipt
from watchfloor.signing import Refusal, digest, effect_key, parse_instant, render_instant
from workflows.anchoring import anchor
from workflows.child_boards import child_board, clock_view
from workflows.human import Answer, AnswersPeople, Desk, HumanSteps, Patience
from workflows.journal import Journal
from workflows.notices import Notices
from workflows.packets import find_read_back_fault, refuse_packet
from workflows.process_desk import ProcessDesk
from workflows.refusals import counted
from workflows.starts import RefusesBadStarts, refuse_bad_start

PATH = "accept"
ACCEPT, DECLINE = "accept", "decline"
READ_BACK = {
    "severity": {"type": "string", "pattern": "S[0-9]", "optional": True},
    "nearest_deadline": {"type": "timestamp", "optional": True},
    "next_action": {"type": "string", "pattern": "[a-z][a-z_ ]{2,60}", "optional": True},
}
"""Filled in to accept. The next action is lower-case words without digits, so that it can carry no person's data."""
VOID_AFTER = timedelta(days=1)
"""How long the receiver goes on asking the sender whether its answer counted."""

_ATTEMPT = timedelta(seconds=30)
_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))


class OfferSteps(HumanSteps):
    """The ask of an offer: who accepts must read back what the packet says."""

    packet: Packet

    def refuse(self, envelope: object) -> tuple[Envelope, OpenAsk]:
        checked, ask = super().refuse(envelope)
        body = checked["body"]
        if body["option"] == ACCEPT:
            fault = find_read_back_fault(self.packet, body["form"])
            if fault:
                raise ApplicationError(fault, type=RefusalType.BAD_FORM, non_retryable=True)
        return checked, ask


@workflow.defn(name=INCOMING_WORKFLOW)
class IncomingHandoff(AnswersPeople, RefusesBadStarts):
    """One offer from another region, put before the people who may take it.

    Durable: the ask and its answer. May run twice: posting the answer, which the sender takes once. Command is this
    region's only when the sender has confirmed (`accepted`); an answer that came too late ends as `void`. Ledger
    entries (chain: this workflow's id): `handoff.offered`, the ask's, then one of `handoff.accepted`, `.declined`,
    `.unanswered`, and `command.passed` when command was taken.
    """

    @workflow.init
    @refuse_bad_start(IncomingStart)
    def __init__(self, *said: Any) -> None:
        (start,) = said
        self.start: IncomingStart = start
        self.opened_at = render_instant(workflow.now())
        own = workflow.info().workflow_id
        checked = refuse_packet(start["packet"], start["sender_keys"], start["handoff"], start["region"])
        self.refused = checked if isinstance(checked, Refusal) else None
        self.packet: Packet = start["packet"]["body"]
        self.commander: Commander | None = None
        self.ended: HandoffResult | None = None
        self.desk = Desk(
            region=start["region"],
            namespace=start["namespace"],
            incident=own,
            plan=digest(start["packet"]["body"]),
            workflow=own,
            requester="",
            decision_keys=start["decision_keys"],
            root=start.get("root", ""),
            revoked=dict(start.get("revoked", {})),
            recused=list(start.get("recused", [])),
            keyed=list(start.get("keyed", [])),
        )
        self.journal = Journal(chain=own, region=start["region"], by_activity=start.get("ledger_by_activity", False))
        self.notices = Notices(self.desk, self.journal, "" if self.refused else self.packet["severity"])
        self.human: OfferSteps = OfferSteps(self.desk, self.journal, self.notices)
        self.human.packet = self.packet
        self.paging = ProcessDesk(
            start,
            self.desk,
            self.journal,
            self.notices,
            self.human,
            process="incoming",
            severity=self.notices.severity or "S0",
        )

    @workflow.run
    async def run(self, *said: Any) -> HandoffResult:
        self.require_start()
        if self.refused is not None:
            raise ApplicationError(self.refused.message, type=self.refused.type, non_retryable=True)
        flusher = asyncio.create_task(self.journal.keep_flushed())
        climbing = asyncio.create_task(self.paging.climb())
        packet = self.packet
        self.journal.note(
            EntryKind.OFFERED,
            step=PATH,
            path=PATH,
            data={
                "handoff": packet["handoff"],
                "from": packet["from_region"],
                "incident": packet["incident"],
                "mode": packet["mode"],
                "fence": packet["fence"],
                "accept_by": packet["accept_by"],
                "packet": self.desk.plan,
            },
        )
        left = (parse_instant(packet["accept_by"]) - workflow.now()).total_seconds()
        if left <= 0:
            self._end("unanswered", None, "arrived_late")
        else:
            answer = await self._ask(left)
            if answer.option is None:
                self._end("unanswered", None, "nobody_answered")
            else:
                await self._answer(answer)
                # whoever believes that they command must hear that they do not: this is open until somebody has that
                await workflow.wait_condition(lambda: not self.paging.pages.is_waiting())
        self.paging.rest()
        await self.journal.stop_flushing(flusher)
        await self.notices.drained()
        await workflow.wait_condition(lambda: climbing.done() and workflow.all_handlers_finished())
        await anchor(self.journal)
        await self.journal.flush()
        assert self.ended is not None
        return self.ended

    @workflow.query(name=QUERY_BOARD)
    def board(self) -> Board:
        packet, ended = self.packet, self.ended
        clocks: list[ClockState] = [
            {
                **clock_view(clock["name"], clock["started_at"] or "", clock["due_at"], []),
                "state": clock["state"],  # type: ignore[typeddict-item]
            }
            for clock in packet["clocks"]
        ]
        board = child_board(
            "incoming",
            self.desk,
            title=f"Offered by {packet['from_region']}: {packet['title']}",
            state="closed" if ended else "open",
            outcome=ended["state"] if ended else "",
            opened_at=self.opened_at,
            asks=self.human.shown(),
            steps=[
                {
                    "path": PATH,
                    "step": PATH,
                    "kind": "handoff",
                    "name": f"{packet['mode']} for {packet['from_region']}",
                    "state": "done" if ended else "waiting",
                    "since": ended["at"] if ended else self.opened_at,
                    "detail": packet["incident"],
                }
            ],
            clocks=clocks,
            commander=self.commander
            or {"region": packet["from_region"], "person": "", "since": packet["offered_at"], "fence": packet["fence"]},
            severity=packet["severity"],
        )
        return self.paging.draw(board)

    @workflow.update(name=UPDATE_CONTROL)
    def control(self, envelope: Any) -> Receipt:
        self.require_start()
        return self.paging.accept(envelope)

    @control.validator
    def check_control(self, envelope: Any) -> None:
        with counted(UPDATE_CONTROL):
            self.require_start()
            self.paging.refuse(envelope)

    async def _ask(self, left: float) -> Answer:
        packet = self.packet
        takers = list(dict.fromkeys(role for slot in packet["accept_slots"] for role in slot["any_of"]))
        self.human.open(
            path=PATH,
            step=PATH,
            kind="handoff",
            title=f"{packet['from_region']} offers: {packet['title']}",
            options={ACCEPT: packet["accept_slots"], DECLINE: [{"any_of": takers}]},
            patience=Patience(within=left, remind=[left / 2, left * 3 / 4]),
            on_silence=f"the incident stays with {packet['from_region']}, which keeps command",
            shown=self._shown(),
            form=READ_BACK,
            notice="handoff_offered",
        )
        return await self.human.answer(PATH)

    def _shown(self) -> list[dict[str, Json]]:
        packet = self.packet
        told: list[dict[str, Json]] = [
            {"label": name, "value": packet[name]}
            for name in ("from_region", "incident", "mode", "severity", "accept_by")
        ]
        told += [
            {"label": f"clock {clock['name']}", "value": f"{clock['state']}, due {clock['due_at'] or 'not set'}"}
            for clock in packet["clocks"]
        ]
        return told + [{"label": item["label"], "value": item["value"]} for item in packet["shared"]]

    async def _answer(self, answer: Answer) -> None:
        """Tell the sender; only its confirmation makes an acceptance count."""
        packet = self.packet
        accepted = answer.option == ACCEPT
        by = answer.ask["answers"][-1]["body"]
        body: PacketAnswer = {
            "v": 1,
            "handoff": packet["handoff"],
            "from_region": self.start["region"],
            "to_region": packet["from_region"],
            "fence": packet["fence"],
            "verdict": "accepted" if accepted else "declined",
            "person": str(by["person"]),
            "role": str(by["role"]),
            "read_back": {name: value for name, value in answer.form.items() if value is not None}
            if accepted
            else None,
            "decided_at": answer.at,
            "workflow": self.desk.workflow,
        }
        why, mark = await self._post(body)
        self.human.close(PATH)
        if why:
            self._end("void", body, why)
            self.notices.send("handoff_unanswered", path=PATH, step=PATH, roles=[body["role"]])
            return
        self._end(body["verdict"], body, "", mark)
        if accepted and packet["mode"] == "command":
            at = render_instant(workflow.now())
            self.commander = {
                "region": self.start["region"],
                "person": body["person"],
                "since": at,
                "fence": packet["fence"] + 1,
            }
            self.journal.note(
                EntryKind.COMMAND,
                step=PATH,
                path=PATH,
                actor=body["person"],
                data={"incident": packet["incident"], "from": packet["from_region"], "fence": packet["fence"] + 1},
            )

    async def _post(self, body: PacketAnswer) -> tuple[str, str]:
        """Why the answer did not count (empty when it did), and its digest as the sender acknowledged it."""
        call: PostPacketCall = {
            "v": 1,
            "region": self.start["region"],
            "to_region": body["to_region"],
            "handoff": body["handoff"],
            "body": dict(body),
            "key": effect_key(
                region=self.start["region"],
                incident=self.desk.workflow,
                plan=self.desk.plan,
                path=PATH,
                item=body["fence"],
                inputs={"verdict": body["verdict"], "decided_at": body["decided_at"]},
                action=ACTIVITY_POST_ANSWER,
            ),
            "entries": [],
        }
        try:
            with self.journal.riding() as entries:
                call["entries"] = entries
                receipt: PostReceipt = await workflow.execute_activity(
                    ACTIVITY_POST_ANSWER,
                    call,
                    result_type=PostReceipt,
                    start_to_close_timeout=_ATTEMPT,
                    schedule_to_close_timeout=VOID_AFTER,
                    retry_policy=_RETRY,
                )
        except ActivityError as error:
            cause = error.cause
            known = cause.type if isinstance(cause, ApplicationError) else None
            return known or ErrorType.OUTCOME_UNKNOWN, ""
        return "", receipt["digest"]

    def _end(
        self,
        state: Literal["accepted", "declined", "unanswered", "void"],
        answer: PacketAnswer | None,
        detail: str,
        mark: str = "",
    ) -> None:
        kinds = {"accepted": EntryKind.ACCEPTED, "declined": EntryKind.DECLINED}
        self.ended = {
            "handoff": self.packet["handoff"],
            "state": state,
            "by": answer["person"] if answer else "",
            "role": answer["role"] if answer else "",
            "workflow": self.packet["handoff"],
            "answer": mark,
            "at": render_instant(workflow.now()),
            "detail": detail,
        }
        self.journal.note(
            kinds.get(state, EntryKind.UNANSWERED),
            step=PATH,
            path=PATH,
            actor=self.ended["by"] or "engine",
            data={
                "handoff": self.ended["handoff"],
                "state": state,
                "by": self.ended["by"],
                "role": self.ended["role"],
                "answer": mark,
                "detail": detail,
            },
        )
