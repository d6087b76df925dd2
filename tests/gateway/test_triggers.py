"""Deliveries over real HTTP to a real server: signed, mapped, started once."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from standardwebhooks.webhooks import Webhook
from temporalio.client import Client

from schemas.incident import Limits
from schemas.plan import Plan
from tests.gateway.regions_on_loopback import RULES, face_on, on_loopback
from watchfloor.client.face import Face
from watchfloor.client.library import compile_source, find_runbook
from watchfloor.client.runs import started_with
from watchfloor.connections.bindings import Rate
from watchfloor.connections.rates import Bucket
from watchfloor.gateway.app import build_app
from watchfloor.gateway.driving import Driver
from watchfloor.gateway.hooks import HookDesk
from watchfloor.gateway.inbox import Inbox
from watchfloor.gateway.schedules import GRACE, Schedules, last_instant
from watchfloor.gateway.senders import Sender
from watchfloor.gateway.senders.message import Kind
from watchfloor.gateway.senders.proofs import Signature
from watchfloor.gateway.senders.standard import StandardWebhooks
from watchfloor.gateway.triggers import Plans
from watchfloor.intake.deliveries import Deliveries
from watchfloor.intake.sealed import Sealer
from watchfloor.regions.keys import KeyRing, RegionKeys

SECRET = "whsec_c2FuZGJveC13ZWJob29rLXNoYXJlZC1zZWNyZXQ="
OLD = "whsec_b2xkLXNhbmRib3gtd2ViaG9vay1zZWNyZXQtMTIzNDU="
RATE = Rate(per_second=0.001, burst=120)
LIMITS: Limits = {"continue_after_events": 0, "failed_step_window": 60.0, "search_attributes": False}
EVENT: dict[str, Any] = {
    "type": "removal_order.received",
    "data": {
        "order_id": "DE-1",
        "received_at": "2026-11-22T02:55:00Z",
        "urls": ["https://videos.example.test/v/1"],
        "issuing_state": "DE",
    },
}


def event(**data: Any) -> dict[str, Any]:
    return {**EVENT, "data": {**EVENT["data"], **data}}


@dataclass(frozen=True, slots=True)
class Door:
    url: str
    face: Face

    async def post(
        self,
        document: Any,
        *,
        secret: str = SECRET,
        at: datetime | None = None,
        content: bytes | None = None,
        to: str = "eu-tco-removal-order/authority_portal",
        id_: str = "",
    ) -> httpx2.Response:
        """Deliver as a sender does; `content` is posted in place of what was signed."""
        signed = json.dumps(document).encode()
        at = at or datetime.now(UTC)
        id_ = id_ or f"msg-{hashlib.sha256(signed).hexdigest()[:20]}"
        headers = {
            "content-type": "application/json",
            "webhook-id": id_,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(id_, at, signed.decode()),
        }
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
            return await http.post(f"{self.url}/triggers/{to}", content=content or signed, headers=headers)


def desk_over(face: Face, folder: Path, *secrets: str, plans: Plans | None = None, way: Kind | None = None) -> HookDesk:
    sealer = Sealer(KeyRing.generate(), face.region, face.namespace)
    driver = Driver(face, Deliveries(folder / "received.sqlite"), sealer, plans=plans, limits=LIMITS)
    way = way or StandardWebhooks(Signature(secrets))
    return HookDesk(driver, {"authority_portal": Sender("standard_webhooks", way, Bucket(RATE))}, answer_within=60)


@pytest.fixture
async def face(temporal: str, tmp_path: Path) -> Face:
    return await face_on(temporal, tmp_path, answer_within=10)


@asynccontextmanager
async def door_of(face: Face, desk: HookDesk, folder: Path) -> AsyncIterator[Door]:
    inbox = Inbox("eu", "eu", "nobody", RegionKeys.generate(), {}, folder / "anchors", RULES)
    async with on_loopback(build_app(inbox, face.client, desk)) as url:
        yield Door(url, face)


@pytest.fixture
async def door(face: Face, tmp_path: Path) -> AsyncIterator[Door]:
    async with door_of(face, desk_over(face, tmp_path, SECRET, OLD), tmp_path) as opened:
        yield opened


async def test_a_signed_delivery_starts_an_incident_with_the_mapped_inputs(door: Door) -> None:
    answer = await door.post(EVENT)
    assert answer.status_code == 202, answer.text
    assert answer.json()["state"] == "started"
    start = await started_with(door.face, answer.json()["incident"])
    assert start["inputs"] == EVENT["data"]
    assert (start["trigger"]["source"], start["trigger"]["key"]) == ("authority_portal", "DE-1")


async def test_a_hundred_identical_deliveries_at_once_are_one_incident(door: Door) -> None:
    answers = await asyncio.gather(*(door.post(event(order_id="DE-100")) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200, 202}
    assert sum(answer.json()["state"] == "started" for answer in answers) == 1
    assert len({answer.json()["incident"] for answer in answers}) == 1


async def test_an_order_whose_incident_the_engine_has_forgotten_is_joined_and_called_closed(
    door: Door, temporal: str, tmp_path: Path
) -> None:
    incident = (await door.post(event(order_id="DE-6"))).json()["incident"]
    assert door.face.claims is not None
    door.face.claims.note(incident, "closed")
    later = replace(door.face, client=await Client.connect(temporal, namespace="us"), namespace="us")
    desk = desk_over(later, tmp_path / "later", way=Believed())
    content = json.dumps(event(order_id="DE-6")).encode()
    headers = {"content-type": "application/json", "webhook-id": "msg-1"}
    _, answer = await desk.take_for("eu-tco-removal-order", "authority_portal", headers, content)
    assert (answer["state"], answer["incident"], answer["closed"]) == ("joined", incident, True)


class Correlated(Plans):
    """The library's plan, whose portal also says which content and which account a delivery is about."""

    def find(self, runbook: str) -> tuple[Plan, str]:
        text = find_runbook(runbook).read_text()
        marked = text.replace("    dedup: ${{ event.data.order_id }}\n", MARKED)
        assert marked != text
        found = compile_source(marked, shown_as="marked.yaml")
        assert found.plan is not None, found.findings
        return found.plan, found.digest


MARKED = """    dedup: ${{ event.data.order_id }}
    content: ${{ event.data.hash }}
    account: ${{ event.data.uploader }}
"""


@pytest.fixture
async def correlated(face: Face, tmp_path: Path) -> AsyncIterator[Door]:
    async with door_of(face, desk_over(face, tmp_path, SECRET, plans=Correlated()), tmp_path) as opened:
        yield opened


async def test_a_hundred_deliveries_under_different_keys_over_one_content_are_one_incident(correlated: Door) -> None:
    answers = await asyncio.gather(
        *(correlated.post(event(order_id=f"DE-{number}", hash="sha256:5ca1ab1e")) for number in range(100))
    )
    assert {answer.status_code for answer in answers} == {200, 202}, answers[0].text
    states = [answer.json()["state"] for answer in answers]
    assert (states.count("started"), states.count("merged")) == (1, 99)
    assert len({answer.json()["incident"] for answer in answers}) == 1


async def test_another_delivery_about_the_same_account_starts_and_names_the_incident_it_is_linked_with(
    correlated: Door,
) -> None:
    first = (await correlated.post(event(order_id="DE-1", uploader="acct-1"))).json()
    second = (await correlated.post(event(order_id="DE-2", uploader="acct-1"))).json()
    assert (second["state"], second["linked"]) == ("started", [first["incident"]])


class Believed(StandardWebhooks):
    def __init__(self) -> None:
        super().__init__(Signature([SECRET]))

    def verify(self, headers: Mapping[str, str], content: bytes) -> None:
        return None


async def test_what_is_not_signed_by_the_sender_is_refused_and_starts_nothing(door: Door) -> None:
    long_ago = datetime.now(UTC) - timedelta(minutes=6)
    forged = [
        await door.post(event(order_id="DE-2"), secret="whsec_" + "QUJD" * 8),
        await door.post(event(order_id="DE-2"), at=long_ago),
        await door.post(event(order_id="DE-2"), content=json.dumps(event(order_id="DE-3")).encode()),
        await door.post(event(order_id="DE-2"), to="eu-tco-removal-order/somebody"),
        await door.post(event(order_id="DE-2"), to="no-such-runbook/somebody"),
    ]
    assert [answer.status_code for answer in forged] == [401] * 5
    assert len({answer.text for answer in forged}) == 1
    assert (await door.post(event(order_id="DE-2"))).json()["state"] == "started"


async def test_while_a_secret_is_being_changed_both_verify(door: Door) -> None:
    assert (await door.post(event(order_id="DE-4"), secret=OLD)).status_code == 202


async def test_an_event_that_concerns_nobody_is_acknowledged(door: Door) -> None:
    answer = await door.post({"type": "heartbeat"})
    assert (answer.status_code, answer.json()["state"]) == (200, "ignored")


async def test_an_event_that_does_not_fit_names_every_field_and_repeats_none_of_it(door: Door) -> None:
    answer = await door.post(event(order_id="not an id!", urls=[], issuing_state="DK"))
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["fields"]] == [
        "inputs.order_id",
        "inputs.urls",
        "inputs.issuing_state",
    ]
    assert "not an id" not in answer.text


async def test_the_same_key_with_other_content_is_a_conflict(door: Door) -> None:
    assert (await door.post(event(order_id="DE-5"))).status_code == 202
    answer = await door.post(event(order_id="DE-5", urls=["https://videos.example.test/v/2"]))
    assert (answer.status_code, answer.json()["code"]) == (409, "key_reused")


@pytest.mark.parametrize("to", ["eu-tco-removal-order/authority_portal/more", "../authority_portal"])
async def test_a_path_is_no_runbook(door: Door, to: str) -> None:
    assert (await door.post(EVENT, to=to)).status_code in {401, 404}


async def test_a_runbook_that_is_not_in_the_library_is_not_found(door: Door) -> None:
    assert (await door.post(EVENT, to="no-such-runbook/authority_portal")).status_code == 404


async def test_a_sender_that_sends_more_than_agreed_is_told_to_come_again(door: Door) -> None:
    answers = [await door.post({"type": "heartbeat"}) for _ in range(121)]
    assert {answer.status_code for answer in answers[:120]} == {200}
    assert (answers[120].status_code, answers[120].headers["retry-after"]) == (429, "1")


SCHEDULED = """runbook: nightly-sweep
version: 1
title: Sweep
owners: [ts]
severity: S3
regions: {command: eu, allowed: [eu]}
triggers:
  - {schedule: nightly, every: 6h, map: {at: "${{ event.at }}"}}
inputs:
  at: timestamp
phases:
  - triage:
      - {id: pause, wait: {for: 1m}}
"""


class Shelf(Plans):
    def find(self, runbook: str) -> tuple[Plan, str]:
        compiled = compile_source(SCHEDULED, shown_as="nightly.yaml")
        assert compiled.plan is not None, compiled.findings
        return compiled.plan, compiled.digest


async def test_an_instant_starts_one_incident_however_many_gateways_there_are(face: Face) -> None:
    now = datetime(2026, 11, 22, 6, 20, tzinfo=UTC)

    def gateway() -> Schedules:
        return Schedules(face, plans=Shelf(), runbooks=lambda: ["nightly-sweep"], limits=LIMITS, clock=lambda: now)

    first, second = gateway(), gateway()
    started = await first.start_due()
    assert await first.start_due() == []
    assert await second.start_due() == started
    start = await started_with(face, started[0])
    assert start["inputs"] == {"at": "2026-11-22T06:00:00Z"}
    now += timedelta(hours=6)
    assert (await first.start_due()) != started


async def test_an_instant_that_passed_long_ago_is_left_out(face: Face) -> None:
    now = last_instant(21600, datetime(2026, 11, 22, 6, 20, tzinfo=UTC)) + GRACE + timedelta(seconds=1)
    schedules = Schedules(face, plans=Shelf(), runbooks=lambda: ["nightly-sweep"], limits=LIMITS, clock=lambda: now)
    assert await schedules.start_due() == []
