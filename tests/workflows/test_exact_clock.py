"""A clock that began 40 minutes before the trigger, stood still, went on, was carried into another run and outlived its
worker: due to the microsecond, heard within two seconds, on a real server with real time."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from tests.workflows.bench import Bench, find_binary
from tests.workflows.builder import action, clock, fact, for_each, law, plan, slot, task
from watchfloor.signing import parse_instant, render_instant

pytestmark = pytest.mark.xdist_group("real-server")

WORKER = Path(__file__).with_name("clock_worker.py")
ROOT = WORKER.parents[2]
LENGTH = timedelta(minutes=40, seconds=20)
BEFORE = timedelta(minutes=40)
LEFT = timedelta(seconds=15)
"""What is left of the clock when it is paused: long enough for another worker to come, also on a busy machine."""
ITEMS = [f"https://example.test/v/{number}" for number in range(30)]


async def start_worker(bench: Bench, *more: str) -> Process:
    target = bench.client.service_client.config.target_host
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(WORKER), target, bench.queue, *more),
        stdin=PIPE,
        stdout=PIPE,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert (await process.stdout.readline()).strip() == b"ready"
    return process


async def listen(process: Process, heard: list[dict[str, Any]]) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        heard.append(json.loads(line))


async def test_a_clock_is_exact_through_a_pause_a_new_run_and_a_killed_worker() -> None:
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=find_binary("temporal"),
        data_converter=pydantic_data_converter,
        dev_server_log_level="error",
        # as the embedded engine is started: else the server may fire every timer a second late
        dev_server_extra_args=["--dynamic-config-value", 'history.timerProcessorMaxTimeShift="0s"'],
    ) as env:
        bench = Bench(env.client, None)
        first, second = await asyncio.gather(start_worker(bench), start_worker(bench, "wait"))
        heard: list[dict[str, Any]] = []
        listeners = [asyncio.create_task(listen(one, heard)) for one in (first, second)]
        try:
            began, due = await play(bench, first, second)
            board = await bench_board(bench, "breached")
            (one,) = board["clocks"]
            assert parse_instant(one["started_at"]) == began
            assert parse_instant(one["due_at"]) == due
            assert board["runs"] >= 1
            await asyncio.sleep(0.3)
        finally:
            for process in (first, second):
                if process.returncode is None:
                    process.kill()
                await process.wait()
            await asyncio.gather(*listeners)
        fired = await timer_nearest(bench, due)
        assert timedelta(0) <= fired - due < timedelta(seconds=2), f"fired {fired - due} after it was due"
        breach = [one["entry"] for one in heard if one.get("entry", {}).get("kind") == "clock.breached"][-1]
        late = parse_instant(breach["at"]) - due
        assert timedelta(0) <= late < timedelta(seconds=2), f"breached {late} after it was due"
        assert parse_instant(breach["data"]["due_at"]) == due
        assert [one["notice"]["clock"] for one in heard if one.get("notice", {}).get("kind") == "clock_breach"][
            -1:
        ] == ["removal"]
        await bench.replay()


async def play(bench: Bench, first: Process, second: Process) -> tuple[datetime, datetime]:
    """From the start to the end of the pause; gives from when the clock counts, and when it must be due."""
    item = {"url": "${{ url }}"}
    trigger = datetime.now(UTC)
    began, asked = trigger - BEFORE, trigger - BEFORE + LENGTH - LEFT
    pause = {"clarification_requested": ("facts.asked", "facts.answered")}
    case = await bench.start(
        plan(
            (
                "one",
                [
                    for_each("all", [action("snap", "evidence.snapshot", item)], at_once=2),
                    task("t", {}, within=90_000.0, slots=[slot("legal_counsel")]),
                ],
            ),
            facts={"came": fact("inputs.came"), "asked": fact("mailbox"), "answered": fact("mailbox")},
            clocks=[clock("removal", "facts.came", law=law(duration=LENGTH.total_seconds()), pause=pause)],
        ),
        {"urls": ITEMS, "came": render_instant(began)},
        continue_after=40,
    )
    await case.state_fact("asked", render_instant(asked), "mailbox", at=render_instant(asked))
    board = await case.until(lambda one: one["runs"] >= 1 and one["asks"])
    assert board["clocks"][0]["state"] == "paused"
    answered = max(datetime.now(UTC), asked)
    await case.state_fact("answered", render_instant(answered), "mailbox", at=render_instant(answered))
    first.kill()
    assert second.stdin is not None
    second.stdin.write(b"go\n")
    await second.stdin.drain()
    return began, began + LENGTH + (answered - asked)


async def bench_board(bench: Bench, state: str) -> dict[str, Any]:
    """The board once the clock is in a state; asked of whichever worker is there."""
    handle = bench.client.get_workflow_handle(bench.handles[0].id)
    for _ in range(300):
        board: dict[str, Any] = await handle.query("board", result_type=dict)
        if board["clocks"][0]["state"] == state:
            return board
        await asyncio.sleep(0.1)
    raise AssertionError(f"the clock never was {state}: {board['clocks']}")


async def timer_nearest(bench: Bench, due: datetime) -> datetime:
    """When the server fired the timer nearest to an instant, in this run or in one that it continues."""
    fired: list[datetime] = []
    run = ""
    while True:
        handle = bench.client.get_workflow_handle(bench.handles[0].id, run_id=run or None)
        events = (await handle.fetch_history()).events
        fired += [one.event_time.ToDatetime(UTC) for one in events if one.HasField("timer_fired_event_attributes")]
        run = events[0].workflow_execution_started_event_attributes.continued_execution_run_id
        if not run:
            return min(fired, key=lambda at: abs(at - due))
