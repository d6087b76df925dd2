"""Two regions hand over to each other over real HTTP, and believe nobody else."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from temporalio.client import WorkflowHandle
from temporalio.converter import WorkflowSerializationContext

from schemas.handoff import ANSWER, PACKET, HandoffStart, IncomingStart, Packet, Sealed
from schemas.ledger import EntryKind
from tests.gateway.regions_on_loopback import Region
from tests.regions.packet_samples import RULES, answer, packet
from tests.workflows_regions.people import PLAN, StandIn, decision
from tests.workflows_regions.test_handoff import read_back
from watchfloor.connections.egress import Egress, EgressRefused
from watchfloor.regions.keys import RegionKeys
from watchfloor.regions.packets import close_answer, close_packet
from watchfloor.regions.sealing import seal
from watchfloor.signing import render_instant, sign
from workflows.handoff import Handoff

DESK = {"person": "desk-us-1", "role": "us_desk"}
CANARY = "https://example.test/v/canary-91c2"


def fresh(**changes: Any) -> Packet:
    now = datetime.now(UTC)
    return packet(
        handoff="hand-" + uuid4().hex[:20],
        incident=f"inc-{uuid4()}",
        offered_at=render_instant(now),
        accept_by=render_instant(now + timedelta(minutes=10)),
        shared=[{"label": "inputs.urls", "data_class": "", "value": [CANARY]}],
        **changes,
    )


async def offer(eu: Region, sent: Packet) -> WorkflowHandle[Any, Any]:
    await eu.client.start_workflow(StandIn.run, id=sent["incident"], task_queue=eu.queue)
    start: HandoffStart = {
        "v": 1,
        "ledger_by_activity": True,
        "handoff": sent["handoff"],
        "incident": sent["incident"],
        "path": "x/to_us",
        "region": "eu",
        "namespace": "eu",
        "plan": PLAN,
        "packet": sent,
        "fallback": "keep",
        "decision_keys": eu.keys.decision_keys,
    }
    return await eu.client.start_workflow(Handoff.run, start, id=sent["handoff"], task_queue=eu.queue)


async def decide(us: Region, sent: Packet, option: str = "accept") -> WorkflowHandle[Any, Any]:
    incoming = await us.handle("in-" + sent["handoff"][5:])
    board = await us.board(incoming.id)
    while not board["asks"]:
        await asyncio.sleep(0.02)
        board = await us.board(incoming.id)
    form = read_back(sent) if option == "accept" else {}
    envelope = decision(
        board, "accept", option, now=datetime.now(UTC), form=form, key=us.keys.face, namespace="us", **DESK
    )
    await incoming.execute_update("decide", envelope)
    return incoming


async def post(region: Region, path: str, body: Any, **more: Any) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False) as client:
        return await client.post(region.url + path, json=body, **more)


async def test_an_offer_is_carried_over_accepted_and_reported(
    regions: dict[str, Region], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    eu, us = regions["eu"], regions["us"]
    sent = fresh(mode="command")
    handle = await offer(eu, sent)
    incoming = await decide(us, sent)
    there, here = await incoming.result(), await handle.result()
    assert (there["state"], here["state"]) == ("accepted", "accepted")
    assert (here["by"], here["workflow"]) == ("desk-us-1", incoming.id)
    assert (await us.board(incoming.id))["commander"]["region"] == "us"
    [report] = await eu.client.get_workflow_handle(sent["incident"]).query(StandIn.told)
    assert report["data"]["accepted"] is True
    posted = [entry["kind"] for entry in eu.ledger.read(sent["handoff"])]
    assert posted == [EntryKind.ANNOUNCED, EntryKind.DONE]
    answered = [entry["kind"] for entry in us.ledger.read(incoming.id)]
    assert answered == [EntryKind.ANNOUNCED, EntryKind.DONE]
    for entry in [*eu.ledger.read(sent["handoff"]), *us.ledger.read(incoming.id)]:
        assert CANARY not in str(entry)
    for region, workflow in ((eu, handle.id), (us, incoming.id)):
        history = await region.client.get_workflow_handle(workflow).fetch_history()
        raw = b"".join(event.SerializeToString() for event in history.events)
        assert b"Handoff" in raw
        assert CANARY.encode() not in raw
        assert b"desk-us-1" not in raw
    assert "canary-91c2" not in caplog.text


async def test_exactly_the_packet_reaches_the_other_region(regions: dict[str, Region]) -> None:
    eu, us = regions["eu"], regions["us"]
    sent = fresh()
    handle = await offer(eu, sent)
    incoming = await decide(us, sent)
    await handle.result()
    history = await us.client.get_workflow_handle(incoming.id).fetch_history()
    started = history.events[0].workflow_execution_started_event_attributes
    context = WorkflowSerializationContext(namespace="us", workflow_id=incoming.id)
    [start] = await us.client.data_converter.with_context(context).decode(started.input.payloads)
    classed = [{**item, "data_class": "public_content"} for item in sent["shared"]]
    assert start["packet"]["body"] == {**sent, "shared": classed}
    assert set(start) == {*IncomingStart.__required_keys__, "ledger_by_activity"}
    assert start["decision_keys"] == us.keys.decision_keys
    for clear in (PLAN, "x/to_us", str(eu.keys.face.public)):
        assert clear not in str(start), "what the sender knows beside the packet"
    await incoming.result()


async def test_declined_there_is_declined_here(regions: dict[str, Region]) -> None:
    sent = fresh()
    handle = await offer(regions["eu"], sent)
    incoming = await decide(regions["us"], sent, "decline")
    assert ((await incoming.result())["state"], (await handle.result())["state"]) == ("declined", "declined")


async def test_what_may_not_cross_never_leaves(regions: dict[str, Region]) -> None:
    sent = fresh()
    sent["shared"][0]["data_class"] = "internal"
    ended = await (await offer(regions["eu"], sent)).result()
    assert (ended["state"], ended["detail"]) == ("refused", "refused")
    kinds = [entry["kind"] for entry in regions["eu"].ledger.read(sent["handoff"])]
    assert kinds == [EntryKind.FAILED]
    answer = await post(regions["us"], "/handoffs/packets", {})
    assert answer.status_code == 422


async def test_a_repeated_packet_is_acknowledged_and_another_under_its_id_is_not(gateways: dict[str, Region]) -> None:
    eu, us = gateways["eu"], gateways["us"]
    body = fresh()
    sealed = close_packet(body, eu.keys, us.keys.public, RULES).sealed
    again = close_packet(body, eu.keys, us.keys.public, RULES).sealed
    first, second, third = [await post(us, "/handoffs/packets", one) for one in (sealed, sealed, again)]
    assert (first.status_code, second.status_code, third.status_code) == (202, 202, 202)
    assert first.json() == second.json() == third.json()
    other = close_packet({**body, "fence": 9}, eu.keys, us.keys.public, RULES).sealed
    refused = await post(us, "/handoffs/packets", other)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert refused.headers["content-type"] == "application/problem+json"
    incoming = us.client.get_workflow_handle(first.json()["workflow"])
    await incoming.terminate("done")
    assert (await post(us, "/handoffs/packets", sealed)).status_code == 202, "closed, and still started only once"


async def test_a_late_packet_is_refused(gateways: dict[str, Region]) -> None:
    eu, us = gateways["eu"], gateways["us"]
    past = render_instant(datetime.now(UTC) - timedelta(seconds=1))
    late = close_packet(fresh() | {"accept_by": past}, eu.keys, us.keys.public, RULES).sealed
    refused = await post(us, "/handoffs/packets", late)
    assert (refused.status_code, refused.json()["code"]) == (410, "late")
    future = render_instant(datetime.now(UTC) + timedelta(minutes=5))
    early = close_packet(fresh() | {"offered_at": future}, eu.keys, us.keys.public, RULES).sealed
    assert (await post(us, "/handoffs/packets", early)).status_code == 403


STRANGER = RegionKeys.generate()


def _sealed(eu: Region, us: Region, sign_with: Any = None, domain: str = PACKET, **routing: Any) -> Sealed:
    body = fresh()
    fields: Any = {"handoff": body["handoff"], "from_region": "eu", "to_region": "us", "kind": "packet", **routing}
    return seal(sign(domain, dict(body), sign_with or eu.keys.packets), to_public=us.keys.sealing.public, **fields)


UNBELIEVED: dict[str, Callable[[Region, Region], Any]] = {
    "signed by a stranger": lambda eu, us: _sealed(eu, us, STRANGER.packets),
    "signed by the receiver": lambda eu, us: _sealed(eu, us, us.keys.packets),
    "signed with the face key": lambda eu, us: _sealed(eu, us, eu.keys.face),
    "signed as an answer": lambda eu, us: _sealed(eu, us, domain=ANSWER),
    "from nobody we know": lambda eu, us: _sealed(eu, us, from_region="br"),
    "for another region": lambda eu, us: _sealed(eu, us, to_region="br"),
    "back to its sender": lambda eu, us: _sealed(eu, us, from_region="us", to_region="eu"),
    "another id outside": lambda eu, us: _sealed(eu, us, handoff="hand-" + "f" * 20),
    "an answer in its place": lambda eu, us: _sealed(eu, us, kind="answer"),
    "sealed to another key": lambda eu, us: {**_sealed(eu, us), "to_kid": "0" * 16},
    "an altered box": lambda eu, us: {**_sealed(eu, us), "box": _sealed(eu, us)["box"]},
}


@pytest.mark.parametrize("kind", UNBELIEVED)
async def test_what_is_not_believed_starts_nothing(gateways: dict[str, Region], kind: str) -> None:
    sealed = UNBELIEVED[kind](gateways["eu"], gateways["us"])
    refused = await post(gateways["us"], "/handoffs/packets", sealed)
    assert (refused.status_code, refused.json()["code"]) == (403, "refused")
    assert CANARY not in refused.text
    count = await gateways["us"].client.count_workflows(f"WorkflowId = 'in-{sealed['handoff'][5:]}'")
    assert count.count == 0


async def test_answers_count_once_and_only_for_what_was_sent(regions: dict[str, Region]) -> None:
    eu, us = regions["eu"], regions["us"]
    sent = fresh()
    handle = await offer(eu, sent)
    incoming = await us.handle("in-" + sent["handoff"][5:])
    right = answer(
        handoff=sent["handoff"],
        workflow=incoming.id,
        decided_at=render_instant(datetime.now(UTC)),
        read_back=read_back(sent),
    )

    async def told(body: Any, keys: RegionKeys = us.keys) -> tuple[int, str]:
        for _ in range(50):
            response = await post(eu, "/handoffs/answers", close_answer(body, keys, eu.keys.public).sealed)
            if response.status_code != 503:  # the offer's arrival is not recorded yet
                break
            await asyncio.sleep(0.05)
        return response.status_code, response.json().get("code") or response.json().get("state")

    assert await told({**right, "fence": 7}) == (409, "wrong_fence")
    assert await told({**right, "role": "ops_lead"}) == (409, "wrong_role")
    assert await told(right, STRANGER) == (403, "refused")
    assert await told({**right, "handoff": "hand-" + "0" * 20}) == (404, "unknown")
    assert await told(right) == (200, "accepted")
    assert (await handle.result())["state"] == "accepted"
    assert await told(right) == (200, "accepted"), "repeated after the handoff has closed"
    assert await told({**right, "person": "desk-us-2"}) == (409, "closed")


async def test_an_answer_after_the_end_is_told_that_it_is_late(regions: dict[str, Region]) -> None:
    eu, us = regions["eu"], regions["us"]
    soon = render_instant(
        datetime.now(UTC) + timedelta(seconds=3)
    )  # the offer arrives before that on a busy machine too
    sent: Packet = {**fresh(), "accept_by": soon}
    handle = await offer(eu, sent)
    assert (await handle.result())["state"] == "unanswered"
    late = answer(handoff=sent["handoff"], read_back=read_back(sent), decided_at=sent["offered_at"])
    response = await post(eu, "/handoffs/answers", close_answer(late, us.keys, eu.keys.public).sealed)
    assert (response.status_code, response.json()["code"]) == (410, "late")


async def test_a_gateway_that_is_down_is_waited_for(
    regions: dict[str, Region], monkeypatch: pytest.MonkeyPatch
) -> None:
    from activities.handoff import HandoffPosts

    posted: list[str] = []
    original = HandoffPosts._post

    async def flaky(self: HandoffPosts, peer: Any, kind: Any, sealed: Any) -> dict[str, str]:
        posted.append(kind)
        if len(posted) == 1:
            peer = type(peer)(peer.region, "http://127.0.0.1:1", peer.keys)
        return await original(self, peer, kind, sealed)

    monkeypatch.setattr(HandoffPosts, "_post", flaky)
    sent = fresh()
    handle = await offer(regions["eu"], sent)
    await decide(regions["us"], sent)
    assert (await handle.result())["state"] == "accepted"
    kinds = [entry["kind"] for entry in regions["eu"].ledger.read(sent["handoff"])]
    assert kinds == [EntryKind.ANNOUNCED, EntryKind.DONE], "announced once, whatever was repeated"


@pytest.mark.parametrize("url", ["http://192.0.2.1/x", "http://gateway.test/x", "ftp://127.0.0.1/x", "http:///x", "x"])
def test_packets_leave_by_https_or_not_at_all(url: str) -> None:
    with pytest.raises(EgressRefused):
        Egress.to(url)
    Egress.to("https://gateway.us.test/handoffs/packets")
    Egress.to("http://127.0.0.1:8080/x")
