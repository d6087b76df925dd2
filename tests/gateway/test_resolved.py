"""What says that a thing is over reports a fact to the incidents that it had started, and starts none."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.hooked import Library
from tests.gateway.test_hooks import said
from tests.workflows.bench import Bench, Case, face_over
from tests.workflows.builder import fact, plan, wait
from watchfloor.client.errors import EngineUnavailable
from watchfloor.gateway import driving
from watchfloor.gateway.driving import Driver
from watchfloor.intake.deliveries import Deliveries
from watchfloor.intake.delivery import Arrival, Delivery, Outcome
from watchfloor.intake.sealed import Sealer
from watchfloor.regions.keys import KeyRing

OVER_AT = "2026-11-22T03:40:00Z"
NOW = datetime(2026, 11, 22, 3, 41, tzinfo=UTC)


class Alerting:
    """A run that a group of alerts has started, and the driver of its region."""

    def __init__(self, case: Case, driver: Driver) -> None:
        self.case, self.driver = case, driver

    async def deliver(self, id_: str, fact: str, *, over_at: str = OVER_AT) -> Delivery:
        deliveries, sealer = self.driver.deliveries, self.driver.sealer
        box = {"event": said("one", "P-1"), "over_at": over_at, "ours": False, "fact": fact}
        arrival = Arrival(
            id_, "alerts", "alertmanager", "", "thread-1", "m", 9, NOW, timedelta(minutes=5), sealer.seal(id_, box)
        )
        kept = deliveries.keep(arrival, now=NOW)
        assert kept is not None
        return (await self.driver.drive(kept.delivery, box)).delivery


@pytest.fixture
async def alerting(bench: Bench, tmp_path: Path) -> Alerting:
    case = await bench.start(plan(("triage", [wait("pause", for_=3600.0)]), facts={"alert_over": fact("alerts")}))
    face = face_over(bench, answer_within=timedelta(seconds=20))
    deliveries = Deliveries(tmp_path / "received.sqlite")
    sealer = Sealer(KeyRing.generate(), "us", bench.client.namespace)
    deliveries.keep(
        Arrival("del-1", "alerts", "alertmanager", "", "thread-1", "m", 9, NOW, timedelta(minutes=5), b""), now=NOW
    )
    began = Outcome("alerting", "started", case.start["incident"])
    deliveries.settle("del-1", "started", "it started an incident", [began], (), now=NOW)
    return Alerting(case, Driver(face, deliveries, sealer, plans=Library({}), clock=lambda: NOW))


async def test_a_resolved_group_reports_when_it_was_over_to_the_incident_it_had_started(alerting: Alerting) -> None:
    one = await alerting.deliver("del-2", "alert_over")
    assert (one.state, [each.state for each in one.outcomes]) == ("reported", ["reported"])
    told = (await alerting.case.board())["facts"]["alert_over"]
    assert (told["value"], told["at"], told["source"]) == (OVER_AT, OVER_AT, "alerts")


@pytest.mark.parametrize(
    ("fact", "why"),
    [
        ("no_such_fact", "the incident did not take the fact `no_such_fact` (unknown_fact)"),
        ("", "it says that the thing is over, which starts nothing; its sender names no `resolved_fact`"),
    ],
)
async def test_a_fact_that_the_runbook_does_not_have_is_said_and_starts_nothing(
    alerting: Alerting, fact: str, why: str
) -> None:
    one = await alerting.deliver("del-2", fact)
    assert one.state == "ignored"
    assert why in one.why


async def test_while_no_worker_answers_it_waits_and_is_reported_once(
    alerting: Alerting, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*args: Any, **more: Any) -> Any:
        raise EngineUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(driving, "send_machine_fact", away)
        waiting = await alerting.deliver("del-2", "alert_over")
    assert (waiting.state, waiting.attempts) == ("kept", 1)
    alerting.driver.clock = lambda: NOW + timedelta(seconds=5)
    assert await alerting.driver.drive_due() == 1
    assert "alert_over" in (await alerting.case.board())["facts"]


async def test_one_that_overtakes_the_alert_itself_waits_for_it(alerting: Alerting) -> None:
    alerting.driver.deliveries.keep(
        Arrival("del-0", "alerts", "alertmanager", "", "thread-1", "m", 9, NOW, timedelta(minutes=5), b""), now=NOW
    )
    one = await alerting.deliver("del-2", "alert_over")
    assert (one.state, one.why) == ("kept", "an earlier message about the thing waits")
