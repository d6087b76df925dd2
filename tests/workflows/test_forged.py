"""Forged decisions sent straight to Temporal, with and without the payload keys: none counts, and the run hears on."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from tests.workflows.bench import STRANGER, Bench, Case, find_binary
from tests.workflows.builder import action, approval, plan, slot
from watchfloor.regions.codec import client_encryption
from watchfloor.regions.keys import KeyRing

PATH = "containment/remove"
FORGERIES = ("unsigned", "wrong key", "other step", "other incident", "edited reason")


@pytest.fixture
async def clients() -> AsyncIterator[tuple[Bench, Client]]:
    """A bench whose payloads are encrypted, and a client of the same server that has no key."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=find_binary("temporal-test-server"), data_converter=pydantic_data_converter
    ) as env:
        config = env.client.config()
        sealed = {**config, **client_encryption(KeyRing.generate(), env.client.namespace)}
        bench = Bench(Client(**sealed), env)
        async with bench.worker():
            yield bench, env.client


def gated() -> Any:
    gate = approval(slot("legal_counsel"))
    return plan(
        ("containment", [action("remove", "content.delete", {"url": "${{ inputs.urls[0] }}"}, approval=gate)]),
    )


async def forge(case: Case, other: Case, kind: str) -> dict[str, Any]:
    """A statement that somebody without the face's key could put together from what they have seen."""
    true = await case.statement(PATH, "approve", "lena", "legal_counsel")
    if kind == "unsigned":
        return {**true, "sig": ""}
    if kind == "wrong key":
        return await case.statement(PATH, "approve", "lena", "legal_counsel", key=STRANGER)
    if kind == "other step":
        seen = await case.statement("containment/elsewhere", "approve", "lena", "legal_counsel", ask="sha256:00")
        return {**seen, "body": {**seen["body"], "path": PATH, "ask": true["body"]["ask"]}}
    if kind == "other incident":
        return await other.statement(PATH, "approve", "lena", "legal_counsel")
    return {**true, "body": {**true["body"], "reason_ref": "sha256:" + "0" * 64}}


@pytest.mark.parametrize("surface", ["decide", "decide_later"])
@pytest.mark.parametrize("attacker", ["with the payload keys", "without"])
async def test_no_forged_decision_counts(clients: tuple[Bench, Client], attacker: str, surface: str) -> None:
    bench, raw = clients
    case, other = await bench.start(gated()), await bench.start(gated())
    sender = bench.client if attacker == "with the payload keys" else raw
    handle = sender.get_workflow_handle(case.handle.id)
    for kind in FORGERIES:
        forged = await forge(case, other, kind)
        if surface == "decide_later":
            await handle.signal(surface, forged)
            continue
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update(surface, forged)
        if sender is bench.client:
            assert isinstance(refused.value.cause, ApplicationError)
            wanted = "wrong_run" if kind == "other incident" else "bad_signature"
            assert refused.value.cause.type == wanted
    assert (await case.ask(PATH))["answers"] == []
    receipt = await case.decide(PATH, "approve", "lena", "legal_counsel")
    assert receipt["state"] == "complete"
    assert (await case.outcome())["outcome"] == "closed"
    assert len(bench.calls) == 1
    assert bench.calls[0]["incident"] == case.start["incident"]
    noted = [entry["data"]["why"] for entry in bench.entries if entry["kind"] == "decision.refused"]
    heard = surface == "decide_later" and sender is bench.client
    assert sorted(noted) == (["bad_signature"] * 4 + ["wrong_run"] if heard else [])


async def test_a_statement_by_signal_and_update_counts_once_and_its_digest_is_in_the_ledger(
    clients: tuple[Bench, Client],
) -> None:
    bench, _ = clients
    case = await bench.start(gated())
    true = await case.statement(PATH, "deny", "lena", "legal_counsel")
    for _ in range(3):
        await bench.client.get_workflow_handle(case.handle.id).signal("decide_later", true)
    await case.until(lambda board: not any(ask["path"] == PATH for ask in board["asks"]))
    assert await case.refused("decide", true) in {"repeated", "not_waiting"}
    recorded = [entry["data"]["statement"] for entry in bench.entries if entry["kind"] == "decision.recorded"]
    again = {entry["data"]["statement"] for entry in bench.entries if entry["kind"] == "decision.refused"}
    assert len(recorded) == 1
    assert again <= set(recorded)
