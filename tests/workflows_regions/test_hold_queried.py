"""A hold whose board is asked for all the while, also while the ledger takes its entries, replays the same, on a real
server.

With local activities one of 64 did not (ADR 0038): a query makes a worker hand in its task before one has ended. Live
that then ends together with what comes in the next task, on replay before it.
"""

import asyncio
import contextlib
import random
from collections import Counter
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from tests.servers import dev_server
from tests.workflows_regions.conftest import encryption
from tests.workflows_regions.people import asked, board_of, decision, server_now, working
from tests.workflows_regions.test_hold import COUNSEL, CUSTODIAN, SIX_MONTHS, hold_start
from tests.workflows_regions.test_hold_slow_ledger import Slow
from tests.workflows_regions.test_process_pages import POLICY
from workflows.hold import Hold
from workflows.sandboxing import runner

AT_ONCE = 8
KEPT_FOR = 2.0
"""Seconds until the release may be decided."""
ASKING = 3
"""Tasks that ask for the board of each hold."""


async def ask_on(handle: WorkflowHandle[Any, Any], chance: random.Random, seen: Counter[str]) -> None:
    while True:
        with contextlib.suppress(RPCError):
            await board_of(handle)
            seen["boards"] += 1
        await asyncio.sleep(chance.uniform(0, 0.06))


async def live(client: Client, queue: str, number: int, seen: Counter[str], replayer: Replayer) -> None:
    """One hold from its placing to its release; every run of it is replayed."""
    chance = random.Random(number)
    law: Any = {**SIX_MONTHS, "months": None, "duration": KEPT_FOR}
    start = hold_start(
        f"inc-{number}", law=law, reverify_every=0.7, warn_before=[1.0], paging=POLICY, ledger_by_activity=True
    )
    handle = await client.start_workflow(Hold.run, start, id=start["hold"], task_queue=queue)
    asking = [asyncio.create_task(ask_on(handle, chance, seen)) for _ in range(ASKING)]
    try:
        board = await asked(handle, "release")
        for who in (COUNSEL, CUSTODIAN):
            envelope = decision(board, "release", "release", now=await server_now(client), **who)
            await handle.execute_update("decide", envelope)
        await asyncio.wait_for(handle.result(), 60)
    finally:
        for one in asking:
            one.cancel()
    run_id = handle.first_execution_run_id
    while run_id:
        history = await client.get_workflow_handle(handle.id, run_id=run_id).fetch_history()
        try:
            await replayer.replay_workflow(history)
        except (NondeterminismError, RuntimeError):  # the second is what the engine's library says of a timer
            seen["differ"] += 1
        kinds = [event.event_type for event in history.events]
        seen["runs"] += 1
        seen["markers"] += kinds.count(EventType.EVENT_TYPE_MARKER_RECORDED)
        seen["appended"] += sum(
            event.activity_task_scheduled_event_attributes.activity_type.name == "ledger.append"
            for event in history.events
        )
        seen["failed tasks"] += kinds.count(EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED)
        run_id = history.events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("count", [8, pytest.param(200, marks=pytest.mark.slow)])
async def test_a_hold_that_is_asked_for_its_board_all_the_while_replays(
    count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    given: dict[str, Any] = encryption()
    replayer = Replayer(workflows=[Hold], workflow_runner=runner(), namespace="default", **given)
    seen: Counter[str] = Counter()
    with dev_server() as address:
        client = await Client.connect(address, **given)
        async with working(client, Slow(random.Random(count))) as queue:
            for first in range(0, count, AT_ONCE):
                batch = range(first, min(first + AT_ONCE, count))
                await asyncio.gather(*(live(client, queue, number, seen, replayer) for number in batch))
    with capsys.disabled():
        print(f"\n{count} holds that were asked for their boards all the while: {dict(seen)}")
    assert (seen["differ"], seen["failed tasks"], seen["markers"]) == (0, 0, 0)
    assert seen["appended"] >= count
    assert seen["boards"] >= 10 * count
