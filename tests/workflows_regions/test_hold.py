"""The legal hold: frozen and proved at every source, warned about, and released by two people and nobody else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from schemas.actions import ActionCall
from schemas.hold import HoldStart
from schemas.incident import Report
from schemas.plan import ClockLaw
from tests.workflows_regions.people import (
    DECISION_KEYS,
    PLAN,
    RING,
    StandIn,
    Watched,
    asked,
    board_of,
    decision,
    refused,
    server_now,
    working,
)
from watchfloor.regions.codec import client_encryption
from watchfloor.signing import SigningKey, parse_instant, refuse_grant, render_instant
from workflows.hold import Hold
from workflows.sandboxing import runner
from workflows.spans import add_months

DAY = 86_400.0
SIX_MONTHS: ClockLaw = {
    "id": "eu.tco.preserve",
    "kind": "min_retention",
    "title": "Preservation",
    "legal_ref": "Regulation (EU) 2021/784 Art. 6",
    "duration": None,
    "business_days": None,
    "months": 6,
    "internal_slo": None,
    "basis": "T",
    "owner": "legal-eu",
    "review_after": "2027-02-01",
    "holidays": [],
}
COUNSEL = {"person": "counsel-1", "role": "legal_counsel"}
CUSTODIAN = {"person": "custodian-1", "role": "records_custodian"}


@dataclass(frozen=True, slots=True)
class Placed:
    handle: WorkflowHandle[Any, Any]
    incident: WorkflowHandle[Any, Any]
    watched: Watched
    start: HoldStart
    server: Client | WorkflowEnvironment

    async def reports(self) -> list[Report]:
        return await self.incident.query(StandIn.told)

    async def reported(self, count: int) -> list[Report]:
        for _ in range(300):
            if len(found := await self.reports()) >= count:
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"{len(found)} reports")


def hold_start(incident: str, **changes: Any) -> HoldStart:
    """How a hold of two sources is started for an incident, unless said otherwise."""
    start: HoldStart = {
        "v": 1,
        "ledger_by_activity": True,
        "hold": f"hold-{uuid4()}",
        "incident": incident,
        "path": "legal_hold/hold",
        "region": "eu",
        "namespace": "default",
        "plan": PLAN,
        "basis": "eu.tco.preserve",
        "law": SIX_MONTHS,
        "scope": {"urls": ["https://example.test/v/1"]},
        "sources": ["content_store", "live_store"],
        "storage": "governance",
        "release": [{"any_of": ["legal_counsel"]}, {"any_of": ["records_custodian"]}],
        "requester": "starter-1",
        "decision_keys": DECISION_KEYS,
        "warn_before": [30 * DAY, 14 * DAY, 3 * DAY],
        "reverify_every": 30 * DAY,
        "carried": None,
        **changes,  # type: ignore[typeddict-item]
    }
    return start


@asynccontextmanager
async def placed(
    server: Client | WorkflowEnvironment, watched: Watched | None = None, **changes: Any
) -> AsyncIterator[Placed]:
    watched = watched or Watched()
    client = server if isinstance(server, Client) else server.client
    async with working(client, watched) as queue:
        incident = await client.start_workflow(StandIn.run, id=f"inc-{uuid4()}", task_queue=queue)
        start = hold_start(incident.id, **changes)
        handle = await client.start_workflow(Hold.run, start, id=start["hold"], task_queue=queue)
        yield Placed(handle, incident, watched, start, server)
        with contextlib.suppress(RPCError):  # skipped time may have ended it
            await incident.terminate("done")


async def release(hold: Placed, **people: dict[str, str]) -> None:
    board = await asked(hold.handle, "release")
    for who in people.values():
        await hold.handle.execute_update(
            "decide", decision(board, "release", "release", now=await server_now(hold.server), **who)
        )


async def test_every_source_is_frozen_proved_and_reported(skipping: WorkflowEnvironment) -> None:
    async with placed(skipping) as hold:
        [report] = await hold.reported(1)
        board = await board_of(hold.handle)
        assert (report["kind"], report["state"], report["path"]) == ("hold", "verified", "legal_hold/hold")
        expires = render_instant(add_months(parse_instant(board["opened_at"]), 6))
        assert report["data"] == {
            "hold": hold.start["hold"],
            "verified": True,
            "sources": ["content_store", "live_store"],
            "expires_at": expires,
            "failed": [],
        }
        assert {step["detail"] for step in board["steps"]} == {"verified"}
        assert (board["kind"], board["clocks"][0]["due_at"], board["asks"]) == ("hold", expires, [])
        freezes = hold.watched.named("hold.freeze")
        assert sorted(call["inputs"]["source"] for call in freezes) == ["content_store", "live_store"]
        assert freezes[0]["inputs"]["scope"] == hold.start["scope"]
        assert {(call["effect"], call["tier"], call["gated"]) for call in freezes} == {("restricts", "L", False)}
        assert len({call["key"] for call in hold.watched.calls}) == 4
        assert len(hold.watched.named("hold.canary")) == 2
        await hold.handle.terminate("done")


@pytest.mark.parametrize("given", [{}, {"compartment": "terror"}])
async def test_its_board_names_the_incidents_compartment(skipping: WorkflowEnvironment, given: dict[str, str]) -> None:
    async with placed(skipping, **given) as hold:
        await hold.reported(1)
        assert (await board_of(hold.handle)).get("compartment") == given.get("compartment")


async def test_it_warns_thirty_fourteen_and_three_days_before_and_then_asks_two_people(
    skipping: WorkflowEnvironment,
) -> None:
    async with placed(skipping) as hold:
        await hold.reported(1)
        expires = add_months(parse_instant((await board_of(hold.handle))["opened_at"]), 6)
        for days, count in ((31, 0), (29, 1), (13, 2), (2, 3)):
            await skipping.sleep(expires - timedelta(days=days) - await skipping.get_current_time())
            assert len(hold.watched.told("hold_expiry")) == count
        notice = hold.watched.told("hold_expiry")[0]
        assert (notice["roles"], notice["deadline_at"]) == (
            ["legal_counsel", "records_custodian"],
            render_instant(expires),
        )
        board = await board_of(hold.handle)
        assert board["asks"] == []
        early = decision(board, "release", "release", now=await server_now(hold.server), **COUNSEL)
        assert await refused(hold.handle, "decide", early) == "too_early"
        await skipping.sleep(timedelta(days=3))
        await release(hold, counsel=COUNSEL, custodian=CUSTODIAN)
        result = await hold.handle.result()
        assert (result["state"], result["by"]) == ("released", ["counsel-1", "custodian-1"])
        assert {state["state"] for state in result["sources"].values()} == {"released"}
        assert parse_instant(result["released_at"]) >= expires
        assert [report["state"] for report in await hold.reports()] == ["verified", "released"]
        kinds = hold.watched.kinds()
        assert [kinds.count(kind) for kind in ("hold.expiry_warned", "decision.recorded", "hold.released")] == [3, 2, 1]
        ids = [int(entry["id"].rpartition(":")[2]) for entry in hold.watched.entries.values()]
        assert sorted(ids) == list(range(1, len(ids) + 1))
        assert hold.watched.anchored[-1] == (hold.start["hold"], len(ids))


async def test_a_freeze_says_what_the_hold_claims_unless_an_older_engine_placed_it(
    skipping: WorkflowEnvironment,
) -> None:
    async with placed(skipping, tells_terms=True) as hold, placed(skipping) as old:
        for one in (hold, old):
            await one.reported(1)
        board = await board_of(hold.handle)
        first, _ = hold.watched.named("hold.freeze")
        assert first["inputs"]["terms"] == {
            "kind": "floor",
            "title": "Preservation",
            "law": "Regulation (EU) 2021/784 Art. 6",
            "since": board["opened_at"],
            "until": board["clocks"][0]["due_at"],
        }
        assert set(old.watched.named("hold.freeze")[0]["inputs"]) == {"source", "basis", "scope", "hold"}
        await hold.handle.terminate("done")
        await old.handle.terminate("done")


async def test_the_effect_gets_a_grant_that_holds_for_exactly_these_sources(skipping: WorkflowEnvironment) -> None:
    async with placed(skipping) as hold:
        await hold.reported(1)
        await skipping.sleep(timedelta(days=200))
        await release(hold, counsel=COUNSEL, custodian=CUSTODIAN)
        await hold.handle.result()
        calls = hold.watched.named("hold.unfreeze")
        references = {call["inputs"]["reference"] for call in calls}
        assert len(references) == len(calls) == 2
        for call in calls:
            assert call["gated"]
            assert refusal_of(call, call["inputs"]) is None
            assert refusal_of(call, {**call["inputs"], "source": "mail_store"}) == "changed"
            assert refusal_of({**call, "incident": "hold-other"}, call["inputs"]) == "wrong_run"


def refusal_of(call: ActionCall, inputs: dict[str, Any]) -> str | None:
    assert call["grant"] is not None
    found = refuse_grant(
        call["grant"],
        action=call["action"],
        key=call["key"],
        inputs=inputs,
        region=call["region"],
        incident=call["incident"],
        plan=call["plan"],
        keys=DECISION_KEYS,
    )
    return found.type if found else None


async def test_nobody_else_releases(skipping: WorkflowEnvironment) -> None:
    async with placed(skipping) as hold:
        await hold.reported(1)
        await skipping.sleep(timedelta(days=200))
        board = await asked(hold.handle, "release")
        now = await server_now(hold.server)

        async def why(who: dict[str, str], **changes: Any) -> str:
            return await refused(
                hold.handle, "decide", decision(board, "release", "release", now=now, **who, **changes)
            )

        assert await why({"person": "starter-1", "role": "legal_counsel"}) == "requester"
        assert await why({"person": "lead-1", "role": "ops_lead"}) == "wrong_role"
        assert await why(COUNSEL, key=SigningKey.generate()) == "bad_signature"
        assert await why(COUNSEL, incident=hold.incident.id) == "wrong_run"
        assert await why(COUNSEL, expires_at=render_instant(now - timedelta(minutes=1))) == "late"
        first = decision(board, "release", "release", now=now, **COUNSEL)
        receipt = await hold.handle.execute_update("decide", first)
        assert receipt["state"] == "waiting"
        assert await refused(hold.handle, "decide", first) == "repeated"
        assert await why({"person": "counsel-1", "role": "records_custodian"}) == "repeated"
        assert await why({"person": "counsel-2", "role": "legal_counsel"}) == "wrong_role"
        assert hold.watched.named("hold.unfreeze") == []
        assert (await board_of(hold.handle))["state"] == "open"
        await hold.handle.terminate("done")


async def test_one_seat_in_the_plan_still_means_two_people(skipping: WorkflowEnvironment) -> None:
    async with placed(skipping, release=[{"any_of": ["legal_counsel"]}]) as hold:
        await hold.reported(1)
        await skipping.sleep(timedelta(days=200))
        board = await asked(hold.handle, "release")
        assert board["asks"][0]["options"]["release"] == [
            {"any_of": ["legal_counsel"]},
            {"any_of": ["records_custodian"]},
        ]
        await hold.handle.terminate("done")


async def test_silence_keeps_the_hold_and_asks_again(skipping: WorkflowEnvironment) -> None:
    async with placed(skipping) as hold:
        await hold.reported(1)
        await skipping.sleep(timedelta(days=190))
        board = await asked(hold.handle, "release")
        assert board["asks"][0]["round"] == 0
        await hold.handle.execute_update(
            "decide", decision(board, "release", "release", now=await server_now(hold.server), **COUNSEL)
        )
        await skipping.sleep(timedelta(days=40))
        again = await asked(hold.handle, "release")
        assert again["asks"][0]["round"] == 1
        assert again["asks"][0]["answers"] == []
        stale = decision(board, "release", "release", now=await server_now(hold.server), **CUSTODIAN)
        assert await refused(hold.handle, "decide", stale) == "changed"
        assert hold.watched.named("hold.unfreeze") == []
        assert "decision.silent" in hold.watched.kinds()
        assert [notice["roles"] for notice in hold.watched.told("escalate")] == [["exec_sponsor"]]
        await release(hold, counsel=COUNSEL, custodian=CUSTODIAN)
        assert (await hold.handle.result())["state"] == "released"


async def test_a_source_that_would_delete_the_canary_is_reported_paged_and_frozen_anew(
    skipping: WorkflowEnvironment,
) -> None:
    watched = Watched()

    def leak_once(call: ActionCall) -> dict[str, Any]:
        leaks = call["action"] == "hold.canary" and call["inputs"]["source"] == "live_store"
        if leaks and len([one for one in watched.named("hold.canary") if one["inputs"]["source"] == "live_store"]) == 1:
            return {"refused": False, "checked_at": "2026-01-01T00:00:00Z"}
        return watched.obey(call)

    watched.act = leak_once
    async with placed(skipping, watched) as hold:
        [report] = await hold.reported(1)
        assert (report["state"], report["data"]["failed"], report["data"]["verified"]) == (
            "failed",
            ["live_store"],
            False,
        )
        details = {step["path"]: step["detail"] for step in (await board_of(hold.handle))["steps"]}
        assert details == {"content_store": "verified", "live_store": "failed: canary_not_refused"}
        await skipping.sleep(timedelta(minutes=16))
        assert [notice["roles"] for notice in watched.told("hold_failed")] == [["records_custodian"]]
        _, report = await hold.reported(2)
        assert (report["state"], report["data"]["failed"]) == ("verified", [])
        freezes = [call["key"] for call in watched.named("hold.freeze") if call["inputs"]["source"] == "live_store"]
        assert len(freezes) == len(set(freezes)) == 2
        assert {"hold.failed", "hold.verified"} <= set(watched.kinds())
        await hold.handle.terminate("done")


async def test_a_source_that_is_down_is_tried_again_under_the_same_key(skipping: WorkflowEnvironment) -> None:
    watched = Watched()

    def refuse_at_first(call: ActionCall) -> dict[str, Any]:
        if call["action"] == "hold.freeze" and len(watched.named("hold.freeze")) == 1:
            raise ApplicationError("down", type="switched_off", non_retryable=True)
        return watched.obey(call)

    watched.act = refuse_at_first
    async with placed(skipping, watched, sources=["content_store"]) as hold:
        [report] = await hold.reported(1)
        assert report["state"] == "failed"
        assert (await board_of(hold.handle))["steps"][0]["detail"] == "failed: switched_off"
        await skipping.sleep(timedelta(minutes=16))
        assert [one["state"] for one in await hold.reported(2)] == ["failed", "verified"]
        assert len({call["key"] for call in watched.named("hold.freeze")}) == 1
        await hold.handle.terminate("done")


async def test_it_proves_itself_again_and_outlives_the_incident(skipping: WorkflowEnvironment) -> None:
    async with placed(skipping) as hold:
        await hold.reported(1)
        await hold.incident.terminate("closed long ago")
        await skipping.sleep(timedelta(days=95))
        assert len(hold.watched.named("hold.canary")) == 2 * 4
        assert len({call["key"] for call in hold.watched.named("hold.canary")}) == 2 * 4
        assert len(hold.watched.named("hold.freeze")) == 2
        await skipping.sleep(timedelta(days=100))
        await release(hold, counsel=COUNSEL, custodian=CUSTODIAN)
        assert (await hold.handle.result())["state"] == "released"


async def test_an_unfreeze_that_fails_is_paged_and_done_later(skipping: WorkflowEnvironment) -> None:
    watched = Watched()

    def stubborn(call: ActionCall) -> dict[str, Any]:
        if call["action"] == "hold.unfreeze" and len(watched.named("hold.unfreeze")) == 1:
            raise ApplicationError("no", type="refused", non_retryable=True)
        return watched.obey(call)

    watched.act = stubborn
    async with placed(skipping, watched, sources=["content_store"]) as hold:
        await hold.reported(1)
        await skipping.sleep(timedelta(days=200))
        await release(hold, counsel=COUNSEL, custodian=CUSTODIAN)
        assert (await hold.handle.result())["sources"]["content_store"]["state"] == "released"
        assert len(watched.told("hold_failed")) == 1
        assert len({call["key"] for call in watched.named("hold.unfreeze")}) == 1


async def test_without_a_legal_period_people_may_release_at_once(skipping: WorkflowEnvironment) -> None:
    law: ClockLaw = {**SIX_MONTHS, "months": None, "internal_slo": 60.0}
    async with placed(skipping, law=law) as hold:
        [report] = await hold.reported(1)
        assert report["data"]["expires_at"] == ""
        await release(hold, counsel=COUNSEL, custodian=CUSTODIAN)
        assert (await hold.handle.result())["expires_at"] == ""
        assert hold.watched.told("hold_expiry") == []


async def test_it_continues_as_new_with_the_release_half_decided(real: Client) -> None:
    law: ClockLaw = {**SIX_MONTHS, "kind": "max_retention"}
    async with placed(real, law=law, sources=["content_store"], reverify_every=0.05) as hold:
        board = await asked(hold.handle, "release")
        counsel = decision(board, "release", "release", now=await server_now(hold.server), **COUNSEL)
        await hold.handle.execute_update("decide", counsel)
        first = (await hold.handle.describe()).run_id
        for _ in range(400):
            if (await hold.handle.describe()).run_id != first:
                break
            await asyncio.sleep(0.05)
        else:
            raise AssertionError("it never continued as new")
        later = await asked(hold.handle, "release")
        assert later["asks"] == [
            {**board["asks"][0], "answers": [counsel], "accepted_at": later["asks"][0]["accepted_at"]}
        ]
        assert await refused(hold.handle, "decide", counsel) == "repeated"
        assert len(hold.watched.told("ask")) == 1
        await hold.handle.execute_update(
            "decide", decision(later, "release", "release", now=await server_now(hold.server), **CUSTODIAN)
        )
        result = await hold.handle.result()
        assert result["by"] == ["counsel-1", "custodian-1"]
        assert len(hold.watched.named("hold.freeze")) == 1
        ids = [int(entry["id"].rpartition(":")[2]) for entry in hold.watched.entries.values()]
        assert sorted(ids) == list(range(1, len(ids) + 1))
        replayer = Replayer(
            workflows=[Hold], workflow_runner=runner(), namespace="default", **client_encryption(RING, "default")
        )
        await replayer.replay_workflow(await hold.handle.fetch_history())


@pytest.mark.parametrize(
    ("placed_at", "expires"),
    [
        ("2026-08-31T10:00:00Z", "2027-02-28T10:00:00Z"),
        ("2027-08-31T10:00:00Z", "2028-02-29T10:00:00Z"),
        ("2026-11-22T03:10:00Z", "2027-05-22T03:10:00Z"),
    ],
)
def test_six_months_are_calendar_months(placed_at: str, expires: str) -> None:
    from workflows.retention import find_expiry, find_release, find_warnings

    at: datetime = parse_instant(placed_at)
    end = find_expiry(SIX_MONTHS, at)
    assert end == parse_instant(expires)
    assert find_release(SIX_MONTHS, at, end) == end
    assert find_release({**SIX_MONTHS, "kind": "max_retention"}, at, end) == at
    assert find_warnings(at, end, [DAY, 400 * DAY]) == [end - timedelta(days=1)]
    assert find_expiry({**SIX_MONTHS, "months": None, "duration": 90 * DAY}, at) == at + timedelta(days=90)
