"""What doctor says of channels, and a test message to one."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.connections.standins import TEXT, Standins, document_of
from watchfloor.client.errors import NotFound
from watchfloor.client.paging import FILE
from watchfloor.runtime import doctor_channels
from watchfloor.runtime.refusal import WorkerRefused
from watchfloor.runtime.settings import RegionSettings
from watchfloor.runtime.trying import try_channel

PEOPLE = """
people:
  counsel-1: {roles: [legal_counsel], entity: example, region: eu, contacts: [room]}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    with Standins(tmp_path_factory.mktemp("sandbox")).serving() as standins:
        yield standins


@pytest.fixture
def there(served: Standins) -> Standins:
    return served.reset()


@pytest.fixture
def settings(there: Standins, tmp_path: Path) -> RegionSettings:
    (tmp_path / "bindings.yaml").write_text(TEXT)
    (tmp_path / "people.yaml").write_text(PEOPLE)
    return RegionSettings(
        region="eu",
        home=tmp_path,
        directory=tmp_path / "eu",
        embedded=True,
        namespace="eu",
        task_queue="q",
        connect={"target_host": "127.0.0.1:9"},
        bindings_path=tmp_path / "bindings.yaml",
        people_path=tmp_path / "people.yaml",
        rotas_path=tmp_path / "rotas.yaml",
        gateway_url=None,
        ui_url=None,
        variables={"SANDBOX_URL": there.url},
        peers={},
    )


async def test_a_test_message_is_taken_and_what_it_opened_is_ended(there: Standins, settings: RegionSettings) -> None:
    for destination, kind in (("room", "slack"), ("oncall", "pagerduty")):
        tried = await try_channel(settings, destination, environ={})
        assert (tried.kind, tried.failed, tried.closed) == (kind, "", True)
        assert tried.took_at is not None
    (message,), (alert,) = there.messages, there.alerts
    assert message["text"].startswith("SETTLED [eu] S4 | test-")
    assert (alert["status"], alert["payload"]["severity"]) == ("resolved", "info")


async def test_a_channel_that_refuses_is_said_with_its_reason(there: Standins, settings: RegionSettings) -> None:
    settings.bindings_path.write_text(TEXT.replace("C0SANDBOX", "C0NOWHERE"))
    tried = await try_channel(settings, "room", environ={})
    assert tried.took_at is None
    assert (tried.type, tried.failed) == ("refused", "Slack refused: channel_not_found")


async def test_an_unknown_channel_and_a_missing_secret_are_named(settings: RegionSettings) -> None:
    with pytest.raises(NotFound, match=r"no channel `nowhere` .* oncall, room"):
        await try_channel(settings, "nowhere", environ={})
    settings.bindings_path.write_text(TEXT.replace("{sandbox: xoxb-sandbox-token}", "{env: SLACK_TOKEN}"))
    with pytest.raises(WorkerRefused, match="SLACK_TOKEN is not set"):
        await try_channel(settings, "room", environ={})


def checks(settings: RegionSettings, there: Standins, text: str = TEXT) -> dict[str, Any]:
    document = document_of(settings.home, there.url, text)
    return {check.name: check for check in doctor_channels.look(settings, document, {})}


def test_doctor_finds_channels_contacts_and_the_policy_in_order(there: Standins, settings: RegionSettings) -> None:
    found = checks(settings, there)
    assert {name: check.level for name, check in found.items()} == {
        "channels eu": "ok",
        "contacts eu": "ok",
        "paging eu": "ok",
    }
    assert found["channels eu"].found.startswith("1 slack, 1 pagerduty")


def test_doctor_finds_what_would_keep_a_page_from_people(there: Standins, settings: RegionSettings) -> None:
    settings.people_path.write_text(PEOPLE.replace("[room]", "[hall]"))
    (settings.home / FILE).write_text("version: 1\n")
    found = checks(settings, there, TEXT.replace("{sandbox: xoxb-sandbox-token}", "{env: SLACK_TOKEN}"))
    assert (found["channels eu"].level, "SLACK_TOKEN" in found["channels eu"].found) == ("warn", True)
    assert (found["contacts eu"].level, found["contacts eu"].found) == ("fail", "no channel is called hall")
    assert found["paging eu"].level == "fail"
    settings.people_path.write_text(PEOPLE.replace("[room]", "[]"))
    assert checks(settings, there)["contacts eu"].level == "warn"


def test_doctor_says_when_the_policy_is_past_its_review(settings: RegionSettings) -> None:
    assert doctor_channels.policy(settings.home, "eu", date(2027, 5, 1)).level == "ok"
    assert doctor_channels.policy(settings.home, "eu", date(2027, 5, 2)).level == "warn"


def test_doctor_says_that_no_channel_reaches_nobody(there: Standins, settings: RegionSettings) -> None:
    document = document_of(settings.home, there.url).model_copy(update={"channels": {}})
    found = {check.name: check for check in doctor_channels.look(replace(settings), document, {})}
    assert found["channels eu"].level == "warn"
