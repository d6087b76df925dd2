"""The measurements. Each prints a table and gives its numbers."""

import statistics
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.worker import Worker

from bench.server import running_server
from bench.subjects import ACTIVITIES, HAND_WRITTEN, HandWritten, compile_steps, start_of
from schemas.incident import INCIDENT_WORKFLOW
from watchfloor.runtime.worker import all_workflows
from workflows.sandboxing import runner

QUEUE = "bench"
Run = Callable[[Client, int], Awaitable[str]]


async def run_plan(client: Client, steps: int) -> str:
    plan, digest = compile_steps(steps)
    incident = f"inc-{uuid.uuid4().hex[:20]}"
    await client.execute_workflow(INCIDENT_WORKFLOW, start_of(plan, digest, incident), id=incident, task_queue=QUEUE)
    return incident


async def run_by_hand(client: Client, steps: int) -> str:
    run = f"hand-{uuid.uuid4().hex[:20]}"
    await client.execute_workflow(HAND_WRITTEN, steps, id=run, task_queue=QUEUE)
    return run


async def count_events(client: Client, run: str) -> Counter[str]:
    """Events of a history by their kind."""
    return Counter(
        [
            EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").lower()
            async for event in client.get_workflow_handle(run).fetch_history_events()
        ]
    )


async def measure_events(few: int = 10, many: int = 60) -> dict[str, float]:
    """Events one more plain step costs: two runs of each, the difference divided by the difference in steps."""
    found: dict[str, float] = {}
    async with _worked() as client:
        rows: list[tuple[str, Counter[str]]] = []
        subjects: tuple[tuple[str, Run], ...] = (("interpreter", run_plan), ("written by hand", run_by_hand))
        for name, run in subjects:
            small = await count_events(client, await run(client, few))
            large = await count_events(client, await run(client, many))
            large.subtract(small)
            rows.append((name, large))
            found[name] = sum(large.values()) / (many - few)
    kinds = sorted({kind for _, counts in rows for kind, count in counts.items() if count})
    print(f"events of one more plain step, one after another ({few} against {many} steps, real server)")
    print(f"  {'':<28}" + "".join(f"{name:>18}" for name, _ in rows))
    for kind in kinds:
        print(f"  {kind:<28}" + "".join(f"{counts[kind] / (many - few):>18.2f}" for _, counts in rows))
    print(f"  {'together':<28}" + "".join(f"{found[name]:>18.2f}" for name, _ in rows))
    return found


async def measure_throughput(steps: int = 40, rounds: int = 7) -> dict[str, float]:
    """Seconds of a run of plain steps, the two alternating on one server; the median of each and of their ratios."""
    plan_times: list[float] = []
    hand_times: list[float] = []
    async with _worked() as client:
        for run in (run_plan, run_by_hand):
            await run(client, steps)
        for turn in range(rounds):
            pair = [(run_plan, plan_times), (run_by_hand, hand_times)]
            for run, times in pair if turn % 2 else reversed(pair):
                began = time.perf_counter()
                await run(client, steps)
                times.append(time.perf_counter() - began)
    ratios = [mine / other for mine, other in zip(plan_times, hand_times, strict=True)]
    found = {
        "interpreter": statistics.median(plan_times),
        "written by hand": statistics.median(hand_times),
        "ratio": statistics.median(ratios),
    }
    print(f"seconds for {steps} plain steps one after another, median of {rounds} alternating runs")
    for name in ("interpreter", "written by hand"):
        print(f"  {name:<28}{found[name]:>10.3f} s   {steps / found[name]:>7.0f} steps/s")
    print(f"  {'ratio':<28}{found['ratio']:>10.2f}     from {min(ratios):.2f} to {max(ratios):.2f}")
    return found


@asynccontextmanager
async def _worked() -> AsyncIterator[Client]:
    async with (
        running_server() as client,
        Worker(
            client,
            task_queue=QUEUE,
            workflows=[*all_workflows(), HandWritten],
            activities=ACTIVITIES,
            workflow_runner=runner(),
        ),
    ):
        yield client
