"""Decisions that arrive in the very workflow task in which a run continues as new, on a real server.

The time-skipping server refuses such a task ("must be the last command"). A real one must take it: no task fails but
those that it takes back because something came meanwhile, no word is lost, none counts twice.
"""

import asyncio
import contextlib
import logging
import random
from collections import Counter

import pytest
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RPCError, RPCStatusCode

from tests.workflows.bench import Bench, Case
from tests.workflows.builder import action, approval, plan, slot

LOG = logging.getLogger("tests.engine")
PEOPLE = (("lena", "legal_counsel"), ("carl", "incident_commander"))
AT_ONCE = 10
RETRIED = "task: UNHANDLED_COMMAND"
"""A server takes a finished task back, because a message came while it was worked on; it is done again."""


async def look_at(bench: Bench, case: Case, seen: Counter[str]) -> None:
    """Count what happened to the tasks of a run and of those that it continued as."""
    run_id = case.handle.first_execution_run_id
    while run_id:
        history = await bench.client.get_workflow_handle(case.handle.id, run_id=run_id).fetch_history()
        names = [EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in history.events]
        for event, name in zip(history.events, names, strict=True):
            if name == "WORKFLOW_TASK_FAILED":
                cause = WorkflowTaskFailedCause.Name(event.workflow_task_failed_event_attributes.cause)
                seen[f"task: {cause.removeprefix('WORKFLOW_TASK_FAILED_CAUSE_')}"] += 1
        last = len(names) - 1 - names[::-1].index("WORKFLOW_TASK_COMPLETED")
        if names[-1] == "WORKFLOW_EXECUTION_CONTINUED_AS_NEW":
            seen["continued"] += 1
            seen["continued with a word in the same task"] += "WORKFLOW_EXECUTION_UPDATE_ACCEPTED" in names[last:]
        run_id = history.events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id


async def hammer(bench: Bench, chance: random.Random, seen: Counter[str]) -> None:
    """One run that is driven over its limit while both approvers speak in one instant."""
    gate = approval(slot("legal_counsel"), slot("incident_commander"))
    case = await bench.start(
        plan(("one", [action("gone", "content.delete", effect="destroys", approval=gate)])), continue_after=20
    )
    ask = await case.ask("one/gone")
    words = [await case.statement("one/gone", "approve", *who, ask=ask["ask"]) for who in PEOPLE]
    noise, pause = chance.randint(3, 9), chance.uniform(0, 0.12)
    handle = bench.client.get_workflow_handle(case.handle.id)

    async def drive() -> None:
        with contextlib.suppress(RPCError):  # the run may have closed on what was said
            for number in range(noise):
                await handle.signal("decide_later", {"noise": number})

    async def speak() -> list[dict[str, object]]:
        await asyncio.sleep(pause)
        return list(await asyncio.gather(*(send(word) for word in words)))

    async def send(word: dict[str, object]) -> dict[str, object]:
        for _ in range(20):
            try:
                return await case.send("decide", word)
            except RPCError as error:
                if error.status != RPCStatusCode.FAILED_PRECONDITION:
                    raise
                seen["taken back and sent again"] += 1
        raise AssertionError("never taken")

    _, told = await asyncio.gather(drive(), speak())
    ended = await case.outcome()
    seen["told"] += sum(bool(one["accepted"]) for one in told)
    seen["closed"] += ended["outcome"] == "closed"
    chain = {entry["id"]: entry for entry in bench.entries if entry["chain"] == case.start["incident"]}
    said = Counter(entry["data"]["statement"] for entry in chain.values() if entry["kind"] == "decision.recorded")
    seen["recorded"] += said == Counter(str(one["digest"]) for one in told)
    seen["acted once"] += sum(call["incident"] == case.start["incident"] for call in bench.calls) == 1
    await look_at(bench, case, seen)


async def hammer_many(server: str, count: int) -> tuple[Counter[str], list[str]]:
    """So many runs; what was counted, and what worker and engine complained of."""
    complaints: list[str] = []

    class Listen(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "a signal was refused" not in record.getMessage():  # the noise
                complaints.append(record.getMessage())

    telemetry = TelemetryConfig(
        logging=LoggingConfig(
            filter=TelemetryFilter(core_level="WARN", other_level="ERROR"), forwarding=LogForwardingConfig(logger=LOG)
        )
    )
    listen = Listen(logging.WARNING)
    loggers = [LOG, logging.getLogger("temporalio")]
    for one in loggers:
        one.addHandler(listen)
    try:
        client = await Client.connect(
            server, data_converter=pydantic_data_converter, runtime=Runtime(telemetry=telemetry)
        )
        bench, seen, chance = Bench(client, None), Counter[str](), random.Random(count)
        async with bench.worker():
            for first in range(0, count, AT_ONCE):
                await asyncio.gather(*(hammer(bench, chance, seen) for _ in range(min(AT_ONCE, count - first))))
            await bench.replay()
    finally:
        for one in loggers:
            one.removeHandler(listen)
    return seen, complaints


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("count", [20, 300])
async def test_words_that_meet_a_run_continuing_as_new_are_taken_by_a_real_server(
    real_server: str, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    seen, complaints = await hammer_many(real_server, count)
    with capsys.disabled():
        print(f"\n{count} runs, two people speaking while they continue: {dict(seen)}; {len(complaints)} complaints")
    assert seen["continued with a word in the same task"] > 0
    assert (seen["told"], seen["closed"], seen["recorded"], seen["acted once"]) == (2 * count, count, count, count)
    assert {one for one in seen if one.startswith("task: ")} <= {RETRIED}
    assert complaints == []
