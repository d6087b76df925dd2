"""A page that is acknowledged at the paging service climbs no further here."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.connections.standins import Standins, Workers, document_of, notice
from tests.workflows.bench import Bench, Case, face_over
from tests.workflows.test_pages import POLICY, doubt
from watchfloor.client.pagers import is_signed, read_acknowledgement
from watchfloor.connections.loading import SHIPPED, load_bindings, read_secrets
from watchfloor.gateway.pagers import PagerDesk, open_pagers
from watchfloor.gateway.problems import Problem
from watchfloor.sandbox.pagerduty import WEBHOOK_SECRET

NAME = "oncall"


def signed(content: bytes, secret: str = WEBHOOK_SECRET) -> dict[str, str]:
    return {"X-PagerDuty-Signature": "v1=" + hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()}


def event(key: str, kind: str = "incident.acknowledged") -> bytes:
    return json.dumps({"event": {"event_type": kind, "data": {"incident_key": key}}}).encode()


@pytest.fixture
async def waiting(bench: Bench) -> tuple[Case, PagerDesk]:
    """A run whose page `p1` nobody has taken, and the desk of its region."""
    case = await bench.start(doubt(), paging=POLICY)
    await case.ask("triage/doubt")
    return case, PagerDesk(face_over(bench), {NAME: WEBHOOK_SECRET})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    with Standins(tmp_path_factory.mktemp("sandbox")).serving() as standins:
        yield standins


async def test_an_alert_taken_at_the_stand_in_is_acknowledged_in_the_run(
    served: Standins, waiting: tuple[Case, PagerDesk], tmp_path: Path
) -> None:
    case, desk = waiting
    there, worker = served.reset(), Workers(tmp_path, served)
    await worker().deliver(NAME, notice(region="us", incident=case.start["incident"]))
    key = there.alerts[0]["dedup_key"]
    _, called, _ = there.post("/_sandbox/pagerduty/acknowledge", {"dedup_key": key})
    assert await desk.take(NAME, called["headers"], called["content"].encode()) == {"state": "acknowledged"}
    taken = (await case.board())["pages"][0]["acknowledged"]
    assert (taken["how"], taken["by"]) == ("pager", "pager:oncall")
    assert await desk.take(NAME, called["headers"], called["content"].encode()) == {"state": "ignored"}
    await worker.close()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-PagerDuty-Signature": ""},
        {"X-PagerDuty-Signature": "v1=" + "0" * 64},
        {"X-PagerDuty-Signature": "v1=é"},
        {"X-PagerDuty-Signature": ", ".join(["v1=00"] * 50)},
    ],
)
async def test_what_the_paging_service_has_not_signed_is_refused(
    waiting: tuple[Case, PagerDesk], headers: dict[str, str]
) -> None:
    case, desk = waiting
    content = event(f"watchfloor/us/{case.start['incident']}/p1")
    with pytest.raises(Problem) as refused:
        await desk.take(NAME, headers, content)
    assert refused.value.status == 401
    with pytest.raises(Problem):
        await desk.take("nowhere", signed(content), content)
    with pytest.raises(Problem):
        await desk.take(NAME, signed(content, "other"), content)
    assert "acknowledged" not in (await case.board())["pages"][0]


async def test_events_that_are_not_ours_are_taken_and_do_nothing(waiting: tuple[Case, PagerDesk]) -> None:
    case, desk = waiting
    ours = f"watchfloor/us/{case.start['incident']}/p1"
    for content in (
        b"{",
        b"[]",
        b'{"event": 1}',
        event(ours, "incident.triggered"),
        event("someone-elses-alert"),
        event("watchfloor/us/inc-unknown/p1"),
        event(ours.replace("/us/", "/eu/")),
        event(ours.replace("/p1", "/p9")),
    ):
        assert await desk.take(NAME, signed(content), content) == {"state": "ignored"}
    assert "acknowledged" not in (await case.board())["pages"][0]


def test_while_a_secret_is_changed_one_good_signature_is_enough() -> None:
    content = event("x")
    good = signed(content)["X-PagerDuty-Signature"]
    assert is_signed(content, f"v1={'0' * 64}, {good}", WEBHOOK_SECRET)
    assert read_acknowledgement(content) is None


def test_only_destinations_that_can_be_verified_call_back(served: Standins, tmp_path: Path) -> None:
    variables = {"SANDBOX_URL": served.url, "SANDBOX_SMTP_HOST": "127.0.0.1", "SANDBOX_SMTP_PORT": "2525"}
    document: Any = load_bindings(SHIPPED, variables=variables, catalog=_catalog())
    secret = read_secrets(document, folder=tmp_path, environ={})
    assert open_pagers(document, secret) == {"oncall_pager": WEBHOOK_SECRET}
    without = document_of(tmp_path, served.url)
    assert open_pagers(without, read_secrets(without, folder=tmp_path, environ={})) == {}


def _catalog() -> Any:
    from activities.catalog import CATALOG, INTERNAL

    return {**CATALOG, **INTERNAL}
