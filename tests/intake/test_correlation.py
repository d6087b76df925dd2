"""Orders over the same content and the same account, through the claims to a real server and the real workflow."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.common import RawValue
from temporalio.worker import Worker

from schemas.plan import Plan
from tests.intake.test_starting import LIMITS, close, compiled
from watchfloor.client import correlation
from watchfloor.client.engine import exists
from watchfloor.client.errors import EngineUnavailable
from watchfloor.client.face import Face
from watchfloor.client.library import compile_source
from watchfloor.client.orders import Order
from watchfloor.client.runs import Started, board, content_of, start_incident, started_with
from watchfloor.intake import Claims
from watchfloor.signing import opaque_id
from workflows.incident import IncidentWorkflow
from workflows.sandboxing import runner

HASH, ACCOUNT = "sha256:5ca1ab1e", "acct-77"
KNOWING = """runbook: knowing
version: 1
title: Knowing
owners: [ts]
severity: S3
regions: {command: eu, allowed: [eu]}
inputs:
  order_id: string
facts:
  actual_knowledge: {type: timestamp, from: [trigger.known_at]}
  told: {type: timestamp, from: [desk]}
phases:
  - triage:
      - {id: told, wait: {fact: told, within: 1h, on_timeout: fail}}
"""


def knowing() -> tuple[Plan, str]:
    found = compile_source(KNOWING, shown_as="knowing.yaml")
    assert found.plan is not None, found.findings
    return found.plan, found.digest


def order(key: str, *, content: tuple[str, ...] = (), account: tuple[str, ...] = (), known_at: str = "") -> Order:
    given = {"order_id": "DE-1", "at": "2026-11-22T02:55:00Z"}
    return Order("portal", key, "2026-11-22T03:10:00Z", "", given, content, account, known_at)


async def start(face: Face, key: str, **marks: Any) -> Started:
    return await start_incident(face, *compiled(), order(key, **marks), limits=LIMITS)


async def know(face: Face, key: str, known_at: str = "") -> Started:
    asked = replace(order(key, content=(HASH,), known_at=known_at), inputs={"order_id": key})
    return await start_incident(face, *knowing(), asked, limits=LIMITS)


@asynccontextmanager
async def working(face: Face) -> AsyncIterator[list[dict[str, Any]]]:
    """A worker that carries incidents out; gives the ledger entries it was told to append."""
    entries: list[dict[str, Any]] = []

    @activity.defn(dynamic=True)
    async def any_activity(args: Sequence[RawValue]) -> Any:
        call = activity.payload_converter().from_payload(args[0].payload, dict)
        entries.extend(call.get("entries", []))
        return {"delivered": ["sandbox"], "failed": []}

    worker = Worker(
        face.client,
        task_queue=face.task_queue,
        workflows=[IncidentWorkflow],
        activities=[any_activity],
        workflow_runner=runner(),
    )
    async with worker:
        yield entries


async def test_a_hundred_keys_over_the_same_content_at_once_are_one_incident(face: Face) -> None:
    answers = await asyncio.gather(*(start(face, f"key-{number}", content=(HASH,)) for number in range(100)))
    assert len({answer.incident for answer in answers}) == 1
    assert sum(not answer.already for answer in answers) == 1
    assert sum(answer.merged for answer in answers) == 99


async def test_the_run_that_takes_an_order_in_knows_from_where_and_since_when(face: Face) -> None:
    async with working(face) as entries:
        first = await know(face, "first", "2026-11-22T03:00:00Z")
        merged = await know(face, "second", "2026-11-22T02:30:00Z")
        assert (merged.incident, merged.merged) == (first.incident, True)
        later = await know(face, "third", "2026-11-22T03:05:00Z")
        assert later.incident == first.incident
        seen = await board(face, first.incident)
        assert [one["known_at"] for one in seen["merged"]] == ["2026-11-22T02:30:00Z", "2026-11-22T03:05:00Z"]
        assert {one["source"] for one in seen["merged"]} == {"portal"}
        # whoever knew first counts, and what was thought before stands beside it
        fact = seen["facts"]["actual_knowledge"]
        assert fact["value"] == "2026-11-22T02:30:00Z"
        assert [one["value"] for one in fact["revisions"]] == ["2026-11-22T03:00:00Z"]
        for _ in range(100):
            told = [entry["data"] for entry in entries if entry["kind"] == "incident.merged"]
            if len(told) == 2:
                break
            await asyncio.sleep(0.05)
        assert [one["known_at"] for one in told] == ["2026-11-22T02:30:00Z", "2026-11-22T03:05:00Z"]
        assert "second" not in str(told)


async def test_a_merged_order_that_is_sent_again_counts_once(face: Face, claims: Claims) -> None:
    async with working(face):
        first = await know(face, "first")
        plan, _ = knowing()
        incident = opaque_id("inc", face.secret, plan["id"], "portal", "second")
        for _ in range(3):
            assert (await know(face, "second")).merged
            # as if the process had died before it wrote down that the run was told
            with claims._file.transaction() as file:
                file.execute("UPDATE merged SET told = 0 WHERE incident = ?", (incident,))
        assert len((await board(face, first.incident))["merged"]) == 1


async def test_without_a_worker_the_engine_keeps_the_merge_for_the_run(
    face: Face,
) -> None:
    first = await know(face, "first")
    assert (await know(face, "second")).merged
    async with working(face):
        assert len((await board(face, first.incident))["merged"]) == 1


async def test_what_closed_takes_nothing_in_and_the_next_order_runs(face: Face) -> None:
    first = await start(face, "first", content=(HASH,))
    await close(face, first.incident)
    second = await start(face, "second", content=(HASH,))
    assert not second.already
    assert second.incident != first.incident
    assert (await start(face, "third", content=(HASH,))).incident == second.incident


async def test_the_content_of_one_runbook_says_nothing_about_another(face: Face) -> None:
    first = await start(face, "first", content=(HASH,))
    second = await know(face, "second")
    assert not second.already
    assert second.incident != first.incident


async def test_an_order_waits_for_a_claim_that_has_not_started_and_takes_over_from_one_that_never_will(
    face: Face, claims: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, _ = compiled()
    dead = opaque_id("inc", face.secret, plan["id"], "portal", "dead")
    marks = correlation.marks_of(face, plan, order("dead", content=(HASH,)))
    content = content_of(face, plan, dead, order("dead").inputs)
    claims.take(dead, content, marks)
    monkeypatch.setattr(correlation, "_PATIENCE", timedelta(seconds=0.3))
    with pytest.raises(EngineUnavailable, match="has not started yet"):
        await start(face, "second", content=(HASH,))
    with claims._file.transaction() as file:
        long_ago = (datetime.now(UTC) - timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
        file.execute("UPDATE marks SET marked_at = ?", (long_ago,))
    second = await start(face, "second", content=(HASH,))
    assert not second.already
    assert (await start(face, "dead", content=(HASH,))).incident == second.incident
    assert not await exists(face, dead)


async def test_the_same_account_runs_by_itself_and_is_linked_on_both_sides(face: Face) -> None:
    async with working(face) as entries:
        first = await start(face, "first", account=(ACCOUNT,))
        second = await start(face, "second", account=(ACCOUNT, "acct-78"))
        assert not second.already
        assert second.linked == (first.incident,)
        assert (await started_with(face, second.incident))["links"] == [first.incident]
        for _ in range(200):
            there = (await board(face, first.incident)).get("related", [])
            if there and len([entry for entry in entries if entry["kind"] == "run.linked"]) == 2:
                break
            await asyncio.sleep(0.05)
        assert there == [{"incident": second.incident, "by": "account"}]
        here = (await board(face, second.incident))["related"]
        assert here == [{"incident": first.incident, "by": "account"}]
        linked = {entry["chain"]: entry["data"]["run"] for entry in entries if entry["kind"] == "run.linked"}
        assert linked == {first.incident: second.incident, second.incident: first.incident}


async def test_neither_claims_nor_start_hold_a_content_hash_or_an_account(face: Face, claims: Claims) -> None:
    await start(face, "first", content=("PLAIN-HASH-1",), account=("PLAIN-ACCOUNT-2",))
    second = await start(face, "second", account=("PLAIN-ACCOUNT-2",))
    kept = b"".join(path.read_bytes() for path in claims._file.path.parent.iterdir())
    assert b"account-" in kept
    assert b"PLAIN-" not in kept
    assert "PLAIN-" not in str(await started_with(face, second.incident))
