"""Taking in packets and answers: opened, verified, then handed to a workflow that asks people or decides.

Replays do nothing new: a packet starts one process by its handoff's id, an answer counts once by its digest; the same
message again gets the same acknowledgement, another one under the same id is refused.
"""

from datetime import timedelta
from typing import cast

import structlog
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from schemas.handoff import UPDATE_ANSWER, AnswerReceipt, HandoffResult, IncomingStart, Packet, Sealed
from schemas.incident import INCOMING_WORKFLOW
from watchfloor.gateway.inbox import Inbox
from watchfloor.gateway.problems import Problem
from watchfloor.regions.keys import KeysRefused
from watchfloor.regions.packets import Opened, PacketRefused, open_answer, open_packet
from watchfloor.signing import envelope_digest, parse_instant, render_instant

CLOCK_SKEW = timedelta(minutes=2)
ANSWER_WITHIN = timedelta(seconds=8)
"""How long the sender's own workflow may take to judge an answer before the other side is told to come again."""
_MEMO = "packet"
_COME_AGAIN = frozenset({"not_offered", "busy"})

log = structlog.get_logger(__name__)


def incoming_id(handoff: str) -> str:
    """The id of the receiving process of a handoff: deterministic, so that a repeated packet starts none."""
    return "in-" + handoff.removeprefix("hand-")


class Reception:
    """The two ways in which another region reaches this one's workflows."""

    def __init__(self, inbox: Inbox, client: Client) -> None:
        self._inbox = inbox
        self._client = client

    async def take_packet(self, sealed: Sealed) -> dict[str, str]:
        """Start the process that puts an offer before people; gives its id and the packet's digest.

        Raises:
            Problem: 403 not believed, 409 another packet stands under this id, 410 too late, 503 try again.
        """
        inbox = self._inbox
        try:
            opened = open_packet(
                sealed, region=inbox.region, keys=inbox.keys, peers=inbox.peers, residency=inbox.residency
            )
        except PacketRefused as error:
            raise self._disbelieve(sealed, error) from None
        packet, now = cast(Packet, opened.body), inbox.clock()
        if parse_instant(packet["offered_at"]) > now + CLOCK_SKEW:
            raise Problem(403, "refused", "the packet was offered in the future; check the sender's clock")
        workflow = incoming_id(packet["handoff"])
        if parse_instant(packet["accept_by"]) <= now:
            raise Problem(410, "late", "nobody may accept this offer any more")
        start: IncomingStart = {
            "v": 1,
            "handoff": packet["handoff"],
            "region": inbox.region,
            "namespace": inbox.namespace,
            "packet": opened.signed,
            "sender_keys": dict(inbox.peers[packet["from_region"]].packets),
            "decision_keys": inbox.keys.decision_keys,
            "received_at": render_instant(now),
            "ledger_by_activity": True,
        }
        if inbox.paging is not None:
            start["paging"] = inbox.paging
        if inbox.book is not None:
            try:
                inbox.book.pin(start)
            except KeysRefused as error:
                log.error("keys cannot be read", error=str(error))
                raise Problem(503, "unavailable", "this region cannot read its keys now; send it again") from error
        try:
            await self._client.start_workflow(
                INCOMING_WORKFLOW,
                start,
                id=workflow,
                task_queue=inbox.task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                memo={_MEMO: opened.digest},
            )
        except WorkflowAlreadyStartedError:
            await self._compare(workflow, opened)
        except RPCError as error:
            raise _unavailable(error) from error
        log.info("packet received", handoff=packet["handoff"], from_region=packet["from_region"], workflow=workflow)
        return {"workflow": workflow, "digest": opened.digest}

    async def take_answer(self, sealed: Sealed) -> dict[str, str]:
        """Bring an answer before the handoff that waits for it.

        Raises:
            Problem: 403 not believed, 404 no such handoff, 409 or 410 with the workflow's reason, 503 try again.
        """
        inbox = self._inbox
        try:
            opened = open_answer(sealed, region=inbox.region, keys=inbox.keys, peers=inbox.peers)
        except PacketRefused as error:
            raise self._disbelieve(sealed, error) from None
        handoff, mark = str(opened.body["handoff"]), envelope_digest(opened.signed)
        handle = self._client.get_workflow_handle(handoff)
        try:
            receipt = cast(
                AnswerReceipt,
                await handle.execute_update(UPDATE_ANSWER, opened.signed, id=mark, rpc_timeout=ANSWER_WITHIN),
            )
            state: str = receipt["state"]
        except WorkflowUpdateFailedError as error:
            raise self._judged(error, handoff) from error
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise _unavailable(error) from error
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise _unavailable(error) from error
            state = await self._recall_end(handoff, mark)
        log.info("answer received", handoff=handoff, from_region=sealed["from_region"], state=state)
        return {"workflow": handoff, "digest": opened.digest, "state": state}

    async def _compare(self, workflow: str, opened: Opened) -> None:
        """A process of this id is there already: fine if it was started by this very packet."""
        try:
            described = await self._client.get_workflow_handle(workflow).describe()
            stands = await described.memo_value(_MEMO, default="")
        except RPCError as error:
            raise _unavailable(error) from error
        except ApplicationError:
            stands = ""
        if stands != opened.digest:
            raise Problem(409, "conflict", "another packet was received under this handoff's id")

    async def _recall_end(self, handoff: str, mark: str) -> str:
        """The handoff takes no more answers: tell whether this one had counted before it ended."""
        handle = self._client.get_workflow_handle(handoff, result_type=HandoffResult)
        try:
            if (await handle.describe()).status != WorkflowExecutionStatus.COMPLETED:
                raise Problem(409, "closed", "this handoff was ended from outside")
            ended = cast(HandoffResult, await handle.result())
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                raise Problem(404, "unknown", "no handoff of this id was sent from here") from error
            raise _unavailable(error) from error
        except WorkflowFailureError as error:
            raise Problem(409, "closed", "this handoff has failed") from error
        if ended["answer"] == mark:
            return ended["state"]
        if ended["state"] == "unanswered":
            raise Problem(410, "late", "this offer ended before the answer came")
        code = "recalled" if ended["state"] == "recalled" else "closed"
        raise Problem(409, code, f"this offer has ended: {ended['state']}")

    def _judged(self, error: WorkflowUpdateFailedError, handoff: str) -> Problem:
        cause = error.cause
        code = (cause.type if isinstance(cause, ApplicationError) else None) or "refused"
        log.info("answer refused", handoff=handoff, code=code)
        if code in _COME_AGAIN:
            return Problem(503, code, "the offer is still on its way; send the answer again", retry_after=1)
        return Problem(410 if code == "late" else 409, code, "the handoff did not take this answer")

    def _disbelieve(self, sealed: Sealed, error: PacketRefused) -> Problem:
        log.warning(
            "message not believed", kind=sealed["kind"], known_sender=sealed["from_region"] in self._inbox.peers
        )
        return Problem(403, "refused", str(error))


def _unavailable(error: BaseException) -> Problem:
    status = error.status.name.lower() if isinstance(error, RPCError) else "no worker answered"
    log.warning("engine unavailable", status=status)
    return Problem(503, "unavailable", "the engine does not answer; send the same message again", retry_after=2)
