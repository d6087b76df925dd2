"""What bad input gets at the doors of a run, through the same client that every face uses."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from schemas.decision import DECISION, OpenAsk, RefusalType
from schemas.incident import UPDATE_DECIDE
from tests.e2e.floor import Floor
from watchfloor.client import InputsRefused, Refused, board, list_incidents, send_control, send_fact
from watchfloor.signing import SigningKey, render_instant, sign

pytestmark = pytest.mark.asyncio(loop_scope="session")

FOUR_EYES = Path(__file__).resolve().parents[1] / "fixtures" / "runbooks" / "four-eyes-deletion" / "runbook.yaml"
REQUESTER = "commander-eu-1"


async def asked(floor: Floor, key: str) -> tuple[str, OpenAsk]:
    """A run that waits for two people before it deletes."""
    inputs = {"url": f"https://{key}.example.test/v/1"}
    run = (await floor.start(FOUR_EYES, key, inputs, requester=REQUESTER)).incident
    return run, await floor.ask(run, "erase")


async def refusal(floor: Floor, run: str, option: str, person: str, **more: Any) -> str:
    with pytest.raises(Refused) as caught:
        await floor.decide(run, "erase", option, person, **more)
    assert len(str(caught.value)) > 20, "a refusal says why"
    return caught.value.type


async def send_raw(floor: Floor, run: str, seen: OpenAsk, key: SigningKey | None = None, **changed: Any) -> str:
    """A decision as a sender with a face's key could make it; gives the refusal, or nothing."""
    now = datetime.now(UTC)
    body: Mapping[str, Any] = {
        "v": 1,
        "region": "eu",
        "namespace": "eu",
        "incident": run,
        "plan": (await board(floor.eu, run))["plan"],
        "path": seen["path"],
        "ask": seen["ask"],
        "option": "approve",
        "form": {},
        "person": "counsel-1",
        "role": "legal_counsel",
        "entity": "example-ie",
        "signed_in": "dev",
        "issued_at": render_instant(now),
        "expires_at": render_instant(now + timedelta(minutes=5)),
        "nonce": f"{now.timestamp():032.6f}",
        "reason_ref": "sha256:" + "0" * 64,
        **changed,
    }
    envelope = sign(DECISION, body, key) if key else floor.eu.sign(DECISION, body)
    try:
        await floor.eu.client.get_workflow_handle(run).execute_update(UPDATE_DECIDE, envelope)
    except WorkflowUpdateFailedError as error:
        return (error.cause.type or "untyped") if isinstance(error.cause, ApplicationError) else "no refusal"
    return ""


async def test_each_wrong_decision_is_refused_with_its_reason_and_the_run_goes_on(floor: Floor) -> None:
    run, ask = await asked(floor, "doors")

    assert await refusal(floor, run, "approve", REQUESTER) == RefusalType.REQUESTER
    assert await refusal(floor, run, "approve", "ops-1") == RefusalType.WRONG_ROLE
    assert await refusal(floor, run, "approve", "counsel-1", role="incident_commander") == RefusalType.WRONG_ROLE
    assert await refusal(floor, run, "perhaps", "counsel-1") == RefusalType.UNKNOWN_OPTION
    assert await refusal(floor, run, "approve", "nobody-9") == Refused.UNKNOWN_PERSON
    with pytest.raises(Refused) as not_waiting:
        await floor.decide(run, "snapshot", "approve", "counsel-1")
    assert not_waiting.value.type == RefusalType.NOT_WAITING

    await floor.decide(run, "erase", "approve", "counsel-1")
    assert await refusal(floor, run, "approve", "counsel-1") == RefusalType.REPEATED
    assert await refusal(floor, run, "approve", "counsel-2") == RefusalType.WRONG_ROLE, "the seat is taken"

    still = await board(floor.eu, run)
    assert still["state"] == "open"
    assert [one["path"] for one in still["asks"]] == [ask["path"]]
    await floor.decide(run, "erase", "approve", "commander-eu-2")
    assert (await floor.closed(run))["outcome"] == "closed"
    assert sum((await floor.effects("items/delete")).values()) >= 1
    assert await refusal(floor, run, "approve", "counsel-3") == RefusalType.CLOSED


async def test_forged_and_stale_statements_are_refused_by_the_run_itself(floor: Floor) -> None:
    run, ask = await asked(floor, "forged")
    other, _ = await asked(floor, "forged-other")
    past = render_instant(datetime.now(UTC) - timedelta(minutes=1))
    ahead = render_instant(datetime.now(UTC) + timedelta(hours=1))

    assert await send_raw(floor, run, ask, SigningKey.generate()) == RefusalType.BAD_SIGNATURE
    assert await send_raw(floor, run, ask, ask="sha256:" + "1" * 64) == RefusalType.CHANGED
    assert await send_raw(floor, run, ask, path="containment/snapshot") == RefusalType.NOT_WAITING
    assert await send_raw(floor, run, ask, incident=other) == RefusalType.WRONG_RUN
    assert await send_raw(floor, run, ask, region="us") == RefusalType.WRONG_RUN
    assert await send_raw(floor, run, ask, plan="sha256:" + "2" * 64) == RefusalType.WRONG_RUN
    assert await send_raw(floor, run, ask, expires_at=past) == RefusalType.LATE
    assert await send_raw(floor, run, ask, issued_at=ahead) == RefusalType.BAD_SIGNATURE
    assert await send_raw(floor, run, ask, person=REQUESTER, role="incident_commander") == RefusalType.REQUESTER

    assert (await board(floor.eu, run))["asks"][0]["answers"] == []
    once = {"nonce": "a" * 32}
    assert await send_raw(floor, run, ask, **once) == ""
    assert await send_raw(floor, run, ask, person="counsel-2", **once) != "", "a nonce counts once"
    for one in (run, other):
        await send_control(floor.eu, one, "abort", person="commander-eu-2", reason="the test is over")
        assert (await floor.closed(one))["outcome"] == "aborted"
    assert not [subject for subject in await floor.effects("items/delete") if "forged" in subject]


async def test_a_decision_after_the_deadline_is_late_whatever_the_timers_did(floor: Floor, tmp_path: Path) -> None:
    quick = tmp_path / "runbook.yaml"
    quick.write_text(
        FOUR_EYES.read_text().replace("within: 30m", "within: 2s").replace("escalate: [exec_sponsor], ", "")
    )
    run = (await floor.start(quick, "late", {"url": "https://late.example.test/v/1"})).incident
    ask = await floor.ask(run, "erase")
    await floor.ask(run, "erase!failed")
    assert await send_raw(floor, run, ask) == RefusalType.LATE
    for step, why in (("erase", RefusalType.LATE), ("containment/erase", RefusalType.NOT_WAITING)):
        with pytest.raises(Refused, match="erase!failed") as refused:
            await floor.decide(run, step, "approve", "counsel-1")
        assert refused.value.type == why
    await floor.decide(run, "erase!failed", "give_up", "commander-eu-1")
    assert (await floor.closed(run))["outcome"] == "failed"
    assert "https://late.example.test/v/1" not in await floor.effects("items/delete")


async def test_facts_come_from_their_sources_only(floor: Floor) -> None:
    order_id = "DE-2026-FACTS"
    await floor.seed("orders", [{"order_id": order_id, "authentic": False, "failures": ["authority_unknown"]}])
    run = (await floor.order(order_id, ["https://facts.example.test/v/1"])).incident
    await floor.ask(run, "order_doubt")
    for fact, source, value, kind in (
        ("removal_verified", "steps.probe", "now", RefusalType.WRONG_SOURCE),
        ("clarification_received", "pager", "now", RefusalType.WRONG_SOURCE),
        ("no_such_fact", "pager", "now", RefusalType.UNKNOWN_FACT),
        ("order_annulled", "legal_counsel", "now", RefusalType.WRONG_ROLE),
    ):
        with pytest.raises(Refused) as caught:
            await send_fact(floor.eu, run, fact, value, source=source, person="ops-1")
        assert caught.value.type == kind, fact
    with pytest.raises(InputsRefused):
        await send_fact(floor.eu, run, "clarification_received", "soon", source="authority_mailbox", person="ops-1")
    await send_control(floor.eu, run, "abort", person="commander-eu-1", reason="the test is over")
    await floor.closed(run)


async def test_a_trigger_with_wrong_inputs_names_every_field_and_starts_nothing(floor: Floor) -> None:
    before = {run.incident for run in await list_incidents(floor.eu)}
    calls = len(await floor.journal())
    inputs = {"order_id": "no good", "urls": ["https://example.test/v/1", "ftp://x"], "issuing_state": "XX", "extra": 1}
    with pytest.raises(InputsRefused) as caught:
        await floor.start("eu-tco-removal-order", "bad", inputs)
    named = {problem.field for problem in caught.value.problems}
    assert named == {
        "inputs.order_id",
        "inputs.received_at",
        "inputs.urls[1]",
        "inputs.issuing_state",
        "inputs.extra",
    }
    assert {run.incident for run in await list_incidents(floor.eu)} == before
    assert len(await floor.journal()) == calls
