"""What is refused to whoever speaks to Temporal itself shows in the worker's metrics and log, never its content."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.runtime import BUFFERED_METRIC_KIND_COUNTER, MetricBuffer, Runtime, TelemetryConfig

from schemas.decision import RefusalType
from tests.regions.conftest import dev_server  # noqa: F401
from tests.workflows.bench import STRANGER, Bench
from tests.workflows.builder import decide, plan, slot
from watchfloor.regions.codec import client_encryption
from watchfloor.regions.keys import KeyRing
from watchfloor.runtime.connection import count_unopened
from workflows.refusals import label

CONTENT = "canary-7d1f"


@asynccontextmanager
async def watched(address: str, told: list[Any]) -> AsyncIterator[tuple[Bench, Client, MetricBuffer]]:
    """A bench on a real server with encrypted payloads, a client of that server without the key, and the metrics."""
    buffer = MetricBuffer(10_000)
    runtime = Runtime(telemetry=TelemetryConfig(metrics=buffer))
    sealed = client_encryption(KeyRing.generate(), "default", count_unopened(runtime))
    bench = Bench(await Client.connect(address, runtime=runtime, **sealed), None)
    with capture_logs() as logged:
        async with bench.worker():
            yield bench, await Client.connect(address), buffer
        told.extend(logged)


def counted(buffer: MetricBuffer) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for update in buffer.retrieve_updates():
        if update.metric.kind == BUFFERED_METRIC_KIND_COUNTER and update.metric.name.startswith("watchfloor_"):
            key = (update.metric.name, str(update.attributes.get("why", "")))
            found[key] = found.get(key, 0) + int(update.value)
    return found


async def test_raw_forgeries_are_counted_and_logged_and_the_run_goes_on(
    dev_server: str,  # noqa: F811
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One undecodable signal and one undecodable update leave the run as it was: it takes the next true decision."""
    caplog.set_level(logging.WARNING)
    told: list[Any] = []
    async with watched(dev_server, told) as (bench, raw, buffer):
        case = await bench.start(plan(("one", [decide("pick", {"go": {}}, slot("legal_counsel"))])))
        await case.ask("one/pick")
        blind = raw.get_workflow_handle(case.handle.id)
        await blind.signal("decide_later", {"note": CONTENT})
        with pytest.raises(WorkflowUpdateFailedError):
            await blind.execute_update("decide", {"note": CONTENT})
        for update in ("decide", "fact", "control"):
            assert await case.refused(update, {"note": CONTENT}) == "bad_signature"
        forged = await case.statement("one/pick", "go", "lena", "legal_counsel", key=STRANGER, reason_ref=CONTENT)
        assert await case.refused("decide", forged) == "bad_signature"
        await case.handle.signal("decide_later", forged)
        await case.handle.signal("fact_later", {"note": CONTENT})
        await case.decide("one/pick", "go", "lena", "legal_counsel")
        assert (await case.outcome(skipping=False))["outcome"] == "closed"
        counts = counted(buffer)
    assert counts.pop(("watchfloor_unopened_payloads", "")) >= 2
    assert counts == {
        ("watchfloor_refused_updates", "bad_signature"): 4,
        ("watchfloor_refused_signals", "bad_signature"): 2,
    }
    ours = [record for record in caplog.records if record.name.startswith("temporalio.workflow")]
    words = [record.getMessage().partition(" ({")[0] for record in ours]
    assert words.count("a statement was refused") == 4
    assert words.count("a signal was refused") == 2
    assert [one["event"] for one in told if one["log_level"] == "warning"] == ["payload not opened"] * len(told)
    assert CONTENT not in str(told)
    assert CONTENT not in caplog.text


def test_counters_have_no_free_text() -> None:
    """A label is one of the refusal types, so that no sender can fill a metric store."""
    assert label(RefusalType.LATE) == RefusalType.LATE
    assert label("x" * 100) == "other"
