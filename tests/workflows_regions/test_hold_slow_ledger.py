"""Holds on a real server whose ledger takes its time: they continue as new whole, and every run replays."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.worker import Replayer

from schemas.notify import AppendCall
from tests.workflows_regions.conftest import encryption
from tests.workflows_regions.people import Watched, asked, decision, server_now, working
from tests.workflows_regions.test_hold import COUNSEL, CUSTODIAN, SIX_MONTHS, hold_start
from tests.workflows_regions.test_process_pages import POLICY
from workflows.hold import Hold
from workflows.sandboxing import runner

AT_ONCE = 8
KEPT_FOR = 4.0
"""Seconds until the release may be decided."""


class Slow(Watched):
    """A ledger that takes its time, so that much is asked while it does."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance

    def activities(self) -> list[Callable[..., Any]]:
        @activity.defn(name="ledger.append")
        async def append(call: AppendCall) -> None:
            await asyncio.sleep(self._chance.uniform(0, 0.08))
            for entry in call["entries"]:
                first = self.entries.setdefault(entry["id"], entry)
                assert first == entry, f"{first} became {entry}"

        return [append if one.__name__ == "append" else one for one in super().activities()]


async def live(client: Client, queue: str, number: int, seen: Counter[str], replayer: Replayer) -> None:
    """One hold from its placing to its release; every run of it is replayed."""
    law: Any = {**SIX_MONTHS, "months": None, "duration": KEPT_FOR}
    start = hold_start(f"inc-{number}", law=law, reverify_every=0.3, warn_before=[1.0], paging=POLICY)
    handle = await client.start_workflow(Hold.run, start, id=start["hold"], task_queue=queue)
    # its board is not asked for before: here it is the ledger alone that is slow
    await asyncio.sleep(KEPT_FOR)
    board = await asked(handle, "release")
    for who in (COUNSEL, CUSTODIAN):
        envelope = decision(board, "release", "release", now=await server_now(client), **who)
        await handle.execute_update("decide", envelope)
    await asyncio.wait_for(handle.result(), 60)
    run_id = handle.first_execution_run_id
    while run_id:
        history = await client.get_workflow_handle(handle.id, run_id=run_id).fetch_history()
        await replayer.replay_workflow(history)
        kinds = [event.event_type for event in history.events]
        seen["runs"] += 1
        seen["local activities"] += kinds.count(EventType.EVENT_TYPE_MARKER_RECORDED)
        seen["failed tasks"] += kinds.count(EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED)
        run_id = history.events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("count", [8, pytest.param(200, marks=pytest.mark.slow)])
async def test_a_hold_continues_as_new_although_the_ledger_takes_something_at_that_moment(
    real: Client, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is cancelled amid a local activity goes on when that ends, and commands a timer behind the command to
    continue; a real server refuses such a task, again and again, and the hold stands still for good."""
    given: dict[str, Any] = encryption()
    replayer = Replayer(workflows=[Hold], workflow_runner=runner(), namespace="default", **given)
    seen: Counter[str] = Counter()
    async with working(real, Slow(random.Random(count))) as queue:
        for first in range(0, count, AT_ONCE):
            batch = range(first, min(first + AT_ONCE, count))
            await asyncio.gather(*(live(real, queue, number, seen, replayer) for number in batch))
    with capsys.disabled():
        print(f"\n{count} holds with a slow ledger: {dict(seen)}; every run replays")
    assert seen["runs"] > count, "none continued as new"
    assert seen["failed tasks"] == 0
