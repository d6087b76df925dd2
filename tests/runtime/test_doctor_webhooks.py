"""What doctor says of subscriptions."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.envconfig import ClientConnectConfig

from schemas.ledger import EntryKind
from tests.outgoing.floor import SECRET, A
from watchfloor.connections.loading import load_bindings
from watchfloor.outgoing.book import Attempt, Book, NewEvent
from watchfloor.outgoing.events import Standing
from watchfloor.runtime import doctor_webhooks
from watchfloor.runtime.doctor import Check
from watchfloor.runtime.settings import RegionSettings

TEXT = """
version: 1
sandbox: true
base: http://127.0.0.1:9
allow_hosts: ["http://127.0.0.1:9"]
actions: {}
subscriptions:
  case_tool:
    region: eu
    url: http://127.0.0.1:9/hooks
    secret: {env: EU_SECRET}
    events: ["*"]
    clearances: [terror]
"""
NOW = datetime.now(UTC)


@pytest.fixture
def settings(tmp_path: Path) -> RegionSettings:
    (tmp_path / "people.yaml").write_text("people: {}\n")
    return RegionSettings(
        region="eu",
        home=tmp_path,
        directory=tmp_path / "eu",
        embedded=True,
        namespace="eu",
        task_queue="q",
        connect=ClientConnectConfig(target_host="127.0.0.1:9"),
        bindings_path=tmp_path / "bindings.yaml",
        people_path=tmp_path / "people.yaml",
        rotas_path=tmp_path / "rotas.yaml",
        gateway_url=None,
        ui_url=None,
        variables={},
        peers={},
    )


def look(settings: RegionSettings, text: str = TEXT, secret: str = SECRET) -> list[Check]:
    settings.bindings_path.write_text(text)
    document = load_bindings(settings.bindings_path, variables={}, catalog={})
    return list(doctor_webhooks.look(settings, document, {"EU_SECRET": secret}))


@pytest.fixture
def book(settings: RegionSettings) -> Iterator[Book]:
    made = Book(settings.webhooks_path)
    made.meet(["case_tool"], {}, NOW)
    event = NewEvent("case_tool", 1, EntryKind.PHASE, "S1", NOW + timedelta(hours=1), "{}")
    made.take(A, Standing(seq=1, compartment=""), [event], NOW)
    yield made
    made.close()


def test_of_a_region_without_subscriptions_nothing_is_said(settings: RegionSettings) -> None:
    assert look(replace(settings, region="us")) == []


def test_a_subscription_that_is_well_is_ok(settings: RegionSettings) -> None:
    (check,) = look(settings)
    assert (check.level, check.found) == ("ok", "1 configured; the gateway has sent nothing yet")


def test_what_waits_is_counted(settings: RegionSettings, book: Book) -> None:
    (check,) = look(settings)
    assert (check.level, check.found) == ("ok", "1 configured, 1 events wait")


@pytest.mark.parametrize(
    ("text", "secret", "found"),
    [
        (TEXT, "", "EU_SECRET is not set"),
        (TEXT, "whsec_c2hvcnQ=", "no Standard Webhooks secret"),
        (TEXT.replace("[terror]", "[terorr]"), SECRET, "cleared for terorr, which no compartment is called"),
        (TEXT + "    runbooks: [nothing-like-it]\n", SECRET, "hears of nothing-like-it only"),
    ],
)
def test_what_would_keep_a_receiver_from_hearing_is_warned_of(
    settings: RegionSettings, text: str, secret: str, found: str
) -> None:
    warnings = [check for check in look(settings, text, secret) if check.level == "warn"]
    assert [found in check.found for check in warnings] == [True]


def test_dead_letters_and_disabled_receivers_are_warned_of(settings: RegionSettings, book: Book) -> None:
    book.note(Attempt("case_tool", A, 1, EntryKind.PHASE, 3, NOW, timedelta(), 500, "failed"), "dead")
    (check,) = look(settings)
    assert (check.level, check.found) == ("warn", "dead letters: 1 of case_tool")
    book.disable("case_tool", "gone", NOW)
    (check,) = look(settings)
    assert check.found == "case_tool disabled: the receiver answered 410"
