"""Handing over to another region: exactly one commander, whatever is late, lost, repeated or forged on the way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from schemas.handoff import ANSWER, HandoffStart, IncomingStart, Packet
from schemas.incident import Report
from schemas.notify import PostPacketCall, PostReceipt
from tests.regions.packet_samples import EU, PEERS_OF_EU, PEERS_OF_US, RULES, US, answer, packet
from tests.workflows_regions.people import (
    DECISION_KEYS,
    PLAN,
    RING,
    StandIn,
    Watched,
    asked,
    board_of,
    decision,
    recall,
    refused,
    working,
)
from watchfloor.regions.codec import client_encryption
from watchfloor.regions.packets import close_answer, close_packet, open_answer, open_packet
from watchfloor.signing import SigningKey, parse_instant, render_instant, sign
from workflows.handoff import Handoff
from workflows.incoming import IncomingHandoff
from workflows.sandboxing import runner

DESK = {"person": "desk-us-1", "role": "us_desk"}
WINDOW = timedelta(minutes=10)


@dataclass
class Offered:
    """An offer under way, with the transport between the two regions in the test's hands."""

    environment: WorkflowEnvironment
    queue: str
    incident: WorkflowHandle[Any, Any]
    watched: Watched
    sent: Packet
    handle: WorkflowHandle[Any, Any] = None  # type: ignore[assignment]
    received: WorkflowHandle[Any, Any] | None = None
    cut: set[str] = field(default_factory=set)
    """`packet` or `answer`: what the network loses now."""
    paging: Any = None
    """Policy of both regions; None for regions that have none."""

    @property
    def incoming(self) -> WorkflowHandle[Any, Any]:
        return self.received or self.environment.client.get_workflow_handle(f"in-{self.sent['handoff'][5:]}")

    async def now(self) -> datetime:
        return await self.environment.get_current_time()

    async def deliver(self, call: PostPacketCall) -> PostReceipt:
        kind = "packet" if call["body"].get("v") and "shared" in call["body"] else "answer"
        if "forbidden" in self.cut:
            raise ApplicationError("`inputs.x` may not go", type="refused", non_retryable=True)
        if kind in self.cut:
            raise ApplicationError("the network is cut", type="unavailable")
        body = dict(call["body"])
        if kind == "answer":
            sealed = close_answer(body, US, EU.public)
            opened = open_answer(sealed.sealed, region="eu", keys=EU, peers=PEERS_OF_EU)
            try:
                await self.handle.execute_update("answer", opened.signed)
            except WorkflowUpdateFailedError as error:
                why = error.cause.type if isinstance(error.cause, ApplicationError) else None
                raise ApplicationError("refused there", type=why, non_retryable=True) from error
            except RPCError as error:
                # as a gateway says it: an offer that has ended takes no answer
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                raise ApplicationError("ended there", type="closed", non_retryable=True) from error
            return {"workflow": self.handle.id, "digest": sealed.digest, "posted_at": render_instant(await self.now())}
        sealed = close_packet(body, EU, US.public, RULES)
        opened = open_packet(sealed.sealed, region="us", keys=US, peers=PEERS_OF_US, residency=RULES)
        start: IncomingStart = {
            "v": 1,
            "ledger_by_activity": True,
            "handoff": call["handoff"],
            "region": "us",
            "namespace": "default",
            "packet": opened.signed,
            "sender_keys": dict(EU.public.packets),
            "decision_keys": DECISION_KEYS,
            "received_at": render_instant(await self.now()),
        }
        if self.paging:
            start["paging"] = self.paging
        with suppress(WorkflowAlreadyStartedError):
            # only a handle from `start_workflow` skips time while it waits for the result
            self.received = await self.environment.client.start_workflow(
                IncomingHandoff.run,
                start,
                id=self.incoming.id,
                task_queue=self.queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            )
        return {
            "workflow": self.incoming.id,
            "digest": sealed.digest,
            "posted_at": render_instant(await self.now()),
            "peer_keys": dict(US.public.packets),
        }

    async def taken(self, option: str = "accept", **form: Any) -> Any:
        """Somebody in the other region decides."""
        board = await asked(self.incoming, "accept")
        filled = read_back(self.sent) if option == "accept" and not form else form
        envelope = decision(board, "accept", option, now=await self.now(), form=filled, **DESK)
        return await self.incoming.execute_update("decide", envelope)

    async def report(self) -> Report:
        for _ in range(200):
            if found := await self.incident.query(StandIn.told):
                return found[0]
            await asyncio.sleep(0.02)
        raise AssertionError("nothing was reported")


def read_back(sent: Packet, **changes: Any) -> dict[str, Any]:
    return {
        "severity": sent["severity"],
        "nearest_deadline": sent["clocks"][0]["due_at"],
        "next_action": "watch the mirrors",
        **changes,
    }


@asynccontextmanager
async def offered(
    skipping: WorkflowEnvironment,
    mode: str = "assist",
    cut: set[str] | None = None,
    paging: Any = None,
    **changes: Any,
) -> AsyncIterator[Offered]:
    watched = Watched()
    now = await skipping.get_current_time()
    handoff = f"hand-{uuid4()}"
    async with working(skipping.client, watched) as queue:
        incident = await skipping.client.start_workflow(StandIn.run, id=f"inc-{uuid4()}", task_queue=queue)
        sent = packet(
            handoff=handoff,
            incident=incident.id,
            mode=mode,
            offered_at=render_instant(now),
            accept_by=render_instant(now + WINDOW),
            **changes,
        )
        start: HandoffStart = {
            "v": 1,
            "ledger_by_activity": True,
            "handoff": handoff,
            "incident": incident.id,
            "path": "alongside/desk_silent/to_us",
            "region": "eu",
            "namespace": "default",
            "plan": PLAN,
            "packet": sent,
            "fallback": "keep",
            "decision_keys": DECISION_KEYS,
        }
        if paging:
            start["tells_incident"] = True
        offer = Offered(skipping, queue, incident, watched, sent, cut=cut or set(), paging=paging)
        watched.deliver = offer.deliver
        offer.handle = await skipping.client.start_workflow(Handoff.run, start, id=handoff, task_queue=queue)
        yield offer


async def test_assistance_is_accepted_and_command_stays(skipping: WorkflowEnvironment) -> None:
    async with offered(skipping) as offer:
        board = await asked(offer.incoming, "accept")
        [ask] = board["asks"]
        assert (ask["kind"], list(ask["options"])) == ("handoff", ["accept", "decline"])
        assert {"label": "facts.order_received", "value": "2026-11-22T09:30:00Z"} in ask["shown"]
        assert ask["deadline_at"] == offer.sent["accept_by"]
        assert (await offer.taken())["state"] == "complete"
        there, here = await offer.incoming.result(), await offer.handle.result()
        assert (there["state"], there["by"], there["workflow"]) == ("accepted", "desk-us-1", offer.handle.id)
        assert (here["state"], here["by"], here["workflow"]) == ("accepted", "desk-us-1", offer.incoming.id)
        report = await offer.report()
        assert (report["kind"], report["state"], report["path"]) == (
            "handoff",
            "accepted",
            "alongside/desk_silent/to_us",
        )
        expected = {"accepted": True, "by": "desk-us-1", "region": "us", "mode": "assist", "fence": 3}
        assert expected.items() <= report["data"].items()
        assert report["data"]["read_back"]["next_action"] == "watch the mirrors"
        commander = (await board_of(offer.incoming))["commander"]
        assert (commander["region"], commander["fence"]) == ("eu", 3)
        assert "command.passed" not in offer.watched.kinds()
        assert offer.watched.kinds().count("handoff.offered") == 2
        assert offer.watched.kinds().count("handoff.accepted") == 2
        assert {chain for chain, _ in offer.watched.anchored} == {offer.handle.id, offer.incoming.id}
        assert [notice["roles"] for notice in offer.watched.told("handoff_offered")] == [["us_desk"]]


async def test_command_passes_with_the_fence_only_when_both_sides_know(skipping: WorkflowEnvironment) -> None:
    async with offered(skipping, mode="command") as offer:
        assert (await board_of(offer.handle))["state"] == "open"
        await offer.taken()
        await offer.incoming.result()
        commander = (await board_of(offer.incoming))["commander"]
        assert (commander["region"], commander["person"], commander["fence"]) == ("us", "desk-us-1", 4)
        report = await offer.report()
        assert (report["data"]["mode"], report["data"]["fence"], report["data"]["by"]) == ("command", 3, "desk-us-1")
        assert offer.watched.kinds().count("command.passed") == 1


async def test_declined_is_a_normal_answer(skipping: WorkflowEnvironment) -> None:
    async with offered(skipping, mode="command") as offer:
        await offer.taken("decline")
        assert (await offer.incoming.result())["state"] == "declined"
        assert (await offer.handle.result())["state"] == "declined"
        assert (await offer.report())["data"]["accepted"] is False
        assert (await board_of(offer.incoming))["commander"]["region"] == "eu"


async def test_nobody_answers_and_the_sender_keeps_command(skipping: WorkflowEnvironment) -> None:
    async with offered(skipping, mode="command") as offer:
        board = await asked(offer.incoming, "accept")
        ended = await offer.handle.result()
        assert (ended["state"], ended["detail"]) == ("unanswered", "posted")
        assert parse_instant(ended["at"]) >= parse_instant(offer.sent["accept_by"])
        assert (await offer.incoming.result())["state"] == "unanswered"
        assert len(offer.watched.told("remind")) == 2
        assert [notice["roles"] for notice in offer.watched.told("handoff_unanswered")] == [["incident_commander"]]
        assert (await offer.report())["state"] == "unanswered"
        late = decision(board, "accept", "accept", now=await offer.now(), form=read_back(offer.sent), **DESK)
        with pytest.raises(Exception, match=r"ompleted|not found"):
            await offer.incoming.execute_update("decide", late)


async def test_an_acceptance_that_arrives_too_late_gives_no_command(skipping: WorkflowEnvironment) -> None:
    async with offered(skipping, mode="command") as offer:
        await asked(offer.incoming, "accept")
        offer.cut.add("answer")
        await offer.taken()
        assert (await board_of(offer.incoming))["commander"]["region"] == "eu"
        assert (await offer.handle.result())["state"] == "unanswered"
        with pytest.raises(Exception, match=r"ompleted|not found"):
            await offer.handle.execute_update("answer", {})
        offer.watched.deliver = _too_late
        offer.cut.clear()
        void = await offer.incoming.result()
        assert (void["state"], void["detail"]) == ("void", "late")
        assert (await board_of(offer.incoming))["commander"]["region"] == "eu"
        assert "command.passed" not in offer.watched.kinds()
        assert [notice["roles"] for notice in offer.watched.told("handoff_unanswered")][-1] == ["us_desk"]


async def _too_late(_call: PostPacketCall) -> PostReceipt:
    raise ApplicationError("refused there", type="late", non_retryable=True)


async def test_a_packet_that_never_arrives_ends_unanswered(skipping: WorkflowEnvironment) -> None:
    async with offered(skipping, cut={"packet"}) as offer:
        ended = await offer.handle.result()
        assert (ended["state"], ended["detail"], ended["workflow"]) == ("unanswered", "never_reached", "")


async def test_a_packet_delivered_at_the_third_attempt_is_one_offer(skipping: WorkflowEnvironment) -> None:
    async with offered(skipping, cut={"packet"}) as offer:
        await skipping.sleep(timedelta(seconds=20))
        offer.cut.clear()
        await skipping.sleep(timedelta(seconds=30))
        await offer.taken()
        assert (await offer.handle.result())["state"] == "accepted"
        assert len({call["key"] for call in offer.watched.posts if "shared" in call["body"]}) == 1


async def test_what_may_not_cross_is_reported_refused_at_once(skipping: WorkflowEnvironment) -> None:
    async with offered(skipping, cut={"forbidden"}) as offer:
        ended = await offer.handle.result()
        assert (ended["state"], ended["detail"]) == ("refused", "refused")
        assert (await offer.report())["state"] == "refused"
        assert parse_instant(ended["at"]) < parse_instant(offer.sent["accept_by"])


async def test_a_recalled_offer_cannot_be_accepted(skipping: WorkflowEnvironment) -> None:
    async with offered(skipping, mode="command") as offer:
        await asked(offer.incoming, "accept")
        now = await offer.now()
        wrong_role = recall(offer.handle.id, "eu", now=now, role="us_desk")
        assert await refused(offer.handle, "control", wrong_role) == "wrong_role"
        assert (
            await refused(offer.handle, "control", recall(offer.handle.id, "eu", now=now, verb="pause"))
            == "unknown_option"
        )
        assert await refused(offer.handle, "control", recall("hand-other", "eu", now=now)) == "wrong_run"
        await offer.handle.execute_update("control", recall(offer.handle.id, "eu", now=now))
        assert (await offer.handle.result())["state"] == "recalled"
        offer.watched.deliver = _recalled
        await offer.taken()
        assert (await offer.incoming.result())["detail"] == "recalled"
        assert (await offer.report())["state"] == "recalled"


async def _recalled(_call: PostPacketCall) -> PostReceipt:
    raise ApplicationError("refused there", type="recalled", non_retryable=True)


async def test_cancelling_the_offer_recalls_it(skipping: WorkflowEnvironment) -> None:
    async with offered(skipping) as offer:
        await asked(offer.incoming, "accept")
        await offer.handle.cancel()
        ended = await offer.handle.result()
        assert (ended["state"], ended["detail"]) == ("recalled", "cancelled")


WRONG = [
    {"severity": "S2"},
    {"nearest_deadline": None},
    {"nearest_deadline": "2026-11-22T10:31:00Z"},
    {"next_action": None},
    {"next_action": "call 030 123 4567"},
    {"note": "x"},
]


async def test_who_accepts_reads_back_what_the_packet_says(skipping: WorkflowEnvironment) -> None:
    async with offered(skipping) as offer:
        board = await asked(offer.incoming, "accept")
        for changes in WRONG:
            form = read_back(offer.sent, **changes)
            envelope = decision(board, "accept", "accept", now=await offer.now(), form=form, **DESK)
            assert await refused(offer.incoming, "decide", envelope) == "bad_form", changes
        assert (await board_of(offer.incoming))["state"] == "open"
        await offer.taken()
        assert (await offer.incoming.result())["state"] == "accepted"


async def test_nobody_else_accepts(skipping: WorkflowEnvironment) -> None:
    async with offered(skipping) as offer:
        board = await asked(offer.incoming, "accept")
        now, form = await offer.now(), read_back(offer.sent)
        other = decision(board, "accept", "accept", now=now, form=form, person="lead-1", role="ops_lead")
        assert await refused(offer.incoming, "decide", other) == "wrong_role"
        stranger = decision(board, "accept", "accept", now=now, form=form, key=SigningKey.generate(), **DESK)
        assert await refused(offer.incoming, "decide", stranger) == "bad_signature"
        moved = decision(board, "accept", "accept", now=now, form=form, plan=PLAN, **DESK)
        assert await refused(offer.incoming, "decide", moved) == "wrong_run"


async def test_forged_and_foreign_answers_do_not_count(skipping: WorkflowEnvironment) -> None:
    async with offered(skipping, mode="command") as offer:
        await asked(offer.incoming, "accept")
        await asyncio.sleep(0.1)
        now = await offer.now()
        right = answer(
            handoff=offer.handle.id,
            decided_at=render_instant(now),
            workflow=offer.incoming.id,
            read_back=read_back(offer.sent),
        )

        async def why(key: SigningKey = US.packets, domain: str = ANSWER, **changes: Any) -> str:
            return await refused(offer.handle, "answer", sign(domain, {**right, **changes}, key))

        assert await why(key=EU.packets) == "bad_signature"
        assert await why(key=US.face) == "bad_signature"
        assert await why(domain="watchfloor.packet.v1") == "bad_signature"
        assert await why(handoff="hand-other") == "wrong_run"
        assert await why(from_region="br") == "wrong_run"
        assert await why(fence=2) == "wrong_fence"
        assert await why(fence=4) == "wrong_fence"
        assert await why(role="ops_lead") == "wrong_role"
        assert await why(verdict="maybe") == "unknown_option"
        assert await why(read_back=None) == "bad_form"
        assert await why(read_back=read_back(offer.sent, severity="S3")) == "bad_form"
        assert await why(decided_at=render_instant(now + timedelta(hours=1))) == "late"
        assert await why(decided_at="soon") == "bad_signature"
        assert await refused(offer.handle, "answer", {}) == "bad_signature"  # type: ignore[typeddict-item]
        assert (await board_of(offer.handle))["state"] == "open"
        signed = sign(ANSWER, dict(right), US.packets)
        first, second = await asyncio.gather(
            offer.handle.execute_update("answer", signed, id="a"), offer.handle.execute_update("answer", signed, id="b")
        )
        assert first == second
        assert first["state"] == "accepted"
        assert (await offer.handle.result())["answer"] == first["answer"]


async def test_a_packet_with_a_broken_signature_starts_nothing(skipping: WorkflowEnvironment) -> None:
    watched = Watched()
    async with working(skipping.client, watched) as queue:
        signed = sign("watchfloor.packet.v1", dict(packet()), EU.packets)
        signed["body"]["severity"] = "S3"
        start: IncomingStart = {
            "v": 1,
            "ledger_by_activity": True,
            "handoff": packet()["handoff"],
            "region": "us",
            "namespace": "default",
            "packet": signed,
            "sender_keys": dict(EU.public.packets),
            "decision_keys": DECISION_KEYS,
            "received_at": "2026-11-22T10:00:00Z",
        }
        handle = await skipping.client.start_workflow(IncomingHandoff.run, start, id=f"in-{uuid4()}", task_queue=queue)
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
        assert isinstance(failed.value.cause, ApplicationError)
        assert failed.value.cause.type == "bad_signature"
        assert watched.notices == []


async def test_both_sides_replay(skipping: WorkflowEnvironment) -> None:
    async with offered(skipping, mode="command") as offer:
        await offer.taken()
        await offer.incoming.result()
        await offer.handle.result()
        replayer = Replayer(
            workflows=[Handoff, IncomingHandoff],
            workflow_runner=runner(),
            namespace="default",
            **client_encryption(RING, "default"),
        )
        for handle in (offer.handle, offer.incoming):
            await replayer.replay_workflow(await handle.fetch_history())
