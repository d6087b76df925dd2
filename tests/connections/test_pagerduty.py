"""PagerDuty: a stand-in that takes and refuses as Events API v2 does, and a channel that opens and ends alerts."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.actions import ErrorType
from tests.connections.standins import TEXT, Standins, Workers, notice
from watchfloor.connections.channels import Channels
from watchfloor.connections.messages import alert_key, read_alert_key
from watchfloor.connections.port import CallFailed
from watchfloor.sandbox.pagerduty import ROUTING_KEY

ENQUEUE = "/pagerduty/v2/enqueue"
PAYLOAD = {"summary": "s", "source": "x", "severity": "critical"}
EVENT = {"routing_key": ROUTING_KEY, "event_action": "trigger", "dedup_key": "d", "payload": PAYLOAD}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    with Standins(tmp_path_factory.mktemp("sandbox")).serving() as standins:
        yield standins


@pytest.fixture
def there(served: Standins) -> Standins:
    return served.reset()


@pytest.fixture
async def worker(there: Standins, tmp_path: Path) -> AsyncIterator[Workers]:
    workers = Workers(tmp_path, there)
    yield workers
    await workers.close()


@pytest.fixture
def oncall(worker: Workers) -> Channels:
    return worker()


# -- the stand-in -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"routing_key": "short"}, "routing_key"),
        ({"routing_key": "f" * 32}, "Invalid routing key"),
        ({"event_action": "open"}, "event_action"),
        ({"dedup_key": "d" * 256}, "dedup_key"),
        ({"payload": None}, "payload"),
        ({"payload": {**PAYLOAD, "severity": "S0"}}, "severity"),
        ({"payload": {**PAYLOAD, "summary": ""}}, "summary"),
        ({"payload": {**PAYLOAD, "summary": "x" * 1025}}, "summary"),
        ({"payload": {"summary": "s", "severity": "info"}}, "source"),
        ({"event_action": "resolve", "dedup_key": None}, "dedup_key"),
        ({"event_action": "acknowledge", "dedup_key": ""}, "dedup_key"),
    ],
)
def test_an_event_that_is_none_is_400_and_opens_nothing(there: Standins, change: Any, error: str) -> None:
    status, answer, _ = there.post(ENQUEUE, {**EVENT, **change})
    assert (status, answer["status"]) == (400, "invalid event")
    assert error in " ".join(answer["errors"])
    assert there.alerts == []


@pytest.mark.parametrize("raw", [b"{", b"[]", b"null", b"[" * 5000])
def test_what_is_no_json_object_is_400(there: Standins, raw: bytes) -> None:
    assert there.post(ENQUEUE, raw)[0] == 400


def test_an_event_is_202_and_one_key_is_one_alert_until_it_is_resolved(there: Standins) -> None:
    status, answer, _ = there.post(ENQUEUE, EVENT)
    assert (status, answer) == (202, {"status": "success", "message": "Event processed", "dedup_key": "d"})
    there.post(ENQUEUE, EVENT)
    assert [(one["status"], one["sounded"]) for one in there.alerts] == [("triggered", 1)]
    for action, state in (("acknowledge", "acknowledged"), ("resolve", "resolved")):
        assert there.post(ENQUEUE, {**EVENT, "event_action": action})[0] == 202
        assert there.alerts[0]["status"] == state
    assert there.post(ENQUEUE, {**EVENT, "event_action": "acknowledge"})[0] == 202
    assert there.alerts[0]["status"] == "resolved"
    there.post(ENQUEUE, EVENT)
    assert (there.alerts[0]["status"], there.alerts[0]["sounded"]) == ("triggered", 2)


def test_too_many_events_a_minute_are_429(there: Standins) -> None:
    statuses = [there.post(ENQUEUE, {**EVENT, "event_action": "resolve"})[0] for _ in range(121)]
    assert (statuses.count(202), statuses[-1]) == (120, 429)
    there.now += 61
    assert there.post(ENQUEUE, EVENT)[0] == 202


# -- the channel --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("severity", "theirs"), [("S0", "critical"), ("S1", "critical"), ("S2", "error"), ("S3", "warning"), ("S4", "info")]
)
async def test_an_alert_says_how_bad_it_is_and_what_waits(
    there: Standins, oncall: Channels, severity: str, theirs: str
) -> None:
    await oncall.deliver("oncall", notice(severity=severity))
    (alert,) = there.alerts
    assert alert["dedup_key"] == "watchfloor/eu/inc-a/p1"
    assert alert["payload"]["severity"] == theirs
    assert alert["payload"]["summary"].startswith(f"[eu] {severity} ask | inc-a doubt")
    assert alert["payload"]["custom_details"]["roles"] == ["legal_counsel"]


async def test_others_who_are_told_hear_an_alert_of_their_own_and_all_end_with_the_page(
    there: Standins, oncall: Channels
) -> None:
    await oncall.deliver("oncall", notice("k1"))
    await oncall.deliver("oncall", notice("k2", about="remind"))
    await oncall.deliver("oncall", notice("k3", about="page_climbed", alerts=("p1.1",), rung=1))
    assert [(one["dedup_key"][-4:], one["sounded"]) for one in there.alerts] == [("a/p1", 1), ("p1.1", 1)]
    await oncall.deliver("oncall", notice("k4", state="acknowledged", alerts=("p1", "p1.1")))
    assert [one["status"] for one in there.alerts] == ["acknowledged", "acknowledged"]
    await oncall.deliver("oncall", notice("k5", state="settled", alerts=("p1", "p1.1")))
    assert [one["status"] for one in there.alerts] == ["resolved", "resolved"]


async def test_an_alert_sounds_once_whatever_is_lost(there: Standins, worker: Workers, tmp_path: Path) -> None:
    file = tmp_path / "deliveries.sqlite"
    there.fault(ENQUEUE, drop_after_effect=True)
    with pytest.raises(CallFailed) as caught:
        await worker(book=file).deliver("oncall", notice())
    assert caught.value.possible
    for _ in range(2):
        await worker(book=file).deliver("oncall", notice())
    assert [one["sounded"] for one in there.alerts] == [1]
    assert there.calls(ENQUEUE) == 2


async def test_a_wrong_key_is_a_refusal_and_busy_is_later(there: Standins, worker: Workers, tmp_path: Path) -> None:
    wrong = worker(text=TEXT.replace("0123456789abcdef" * 2, "f" * 32))
    with pytest.raises(CallFailed) as caught:
        await wrong.deliver("oncall", notice())
    assert (caught.value.type, caught.value.possible) == (ErrorType.REFUSED, False)
    assert "f" * 32 not in str(caught.value)
    there.fault(ENQUEUE, status=429)
    with pytest.raises(CallFailed) as caught:
        await worker().deliver("oncall", notice())
    assert caught.value.type == ErrorType.UNAVAILABLE


async def test_a_200_is_not_a_202(there: Standins, oncall: Channels) -> None:
    there.fault(ENQUEUE, status=200, body={"status": "success"})
    with pytest.raises(CallFailed) as caught:
        await oncall.deliver("oncall", notice())
    assert caught.value.type == ErrorType.REFUSED


def test_the_key_of_an_alert_is_short_and_can_be_read_back() -> None:
    assert read_alert_key(alert_key(notice(), "p1.2")) == ("eu", "inc-a", "p1.2")
    assert len(alert_key(notice(path="x" * 400), "")) == 255
    for other in ("", "a", "watchfloor/eu/inc-a", "other/eu/inc-a/p1", "watchfloor//inc-a/p1"):
        assert read_alert_key(other) is None
