"""What other systems delivered, on the command line: who sees what, and what is done about a dead letter."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas.ledger import EntryKind, StoredEntry
from watchfloor.cli import arrivals
from watchfloor.cli.main import app
from watchfloor.cli.sight import Sight
from watchfloor.cli.stores import RegionStore
from watchfloor.evidence import EvidenceStore
from watchfloor.intake.deliveries import Deliveries
from watchfloor.intake.delivery import Arrival, Outcome, State
from watchfloor.ledger import SqliteLedger

NOW = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)
PEOPLE = """
people:
  ops-1: {roles: [ops_lead], entity: example-ie, region: eu}
  ops-2: {roles: [ops_lead], entity: example-ie, region: eu, clearances: [terror]}
  counsel-1: {roles: [legal_counsel], entity: example-ie, region: eu, clearances: [terror]}
  ops-us-1: {roles: [ops_lead], entity: example-inc, region: us}
compartments: [terror]
"""
PLAIN, WALLED, STARTED = (f"del-{letter * 20}" for letter in "abc")


def keep(deliveries: Deliveries, id_: str, state: State, *, sender: str = "portal", walls: Sequence[str] = ()) -> None:
    deliveries.keep(
        Arrival(id_, sender, "standard_webhooks", "", "", "mark", 40, NOW, timedelta(minutes=15), b"box"), now=NOW
    )
    outcome = Outcome("first", state, "inc-" + "a" * 20 if state == "started" else "", "inputs", "it does not fit")
    deliveries.settle(id_, state, "`first`: it does not fit", [outcome], walls, now=NOW)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "eu").mkdir()
    (tmp_path / "people.yaml").write_text(PEOPLE)
    SqliteLedger(tmp_path / "eu" / "ledger.sqlite").close()
    deliveries = Deliveries(tmp_path / "eu" / "received.sqlite")
    keep(deliveries, PLAIN, "dead")
    keep(deliveries, WALLED, "dead", sender="hotline", walls=["terror"])
    keep(deliveries, STARTED, "started")
    deliveries.refused("hotline", "signature", 3, now=NOW)
    deliveries.refused("", "signature", 7, now=NOW)
    return tmp_path


def run(home: Path, *words: str) -> tuple[int, str]:
    answer = CliRunner().invoke(app, ["--home", str(home), "deliveries", *words])
    return answer.exit_code, answer.output


def entries(home: Path, chain: str) -> list[StoredEntry]:
    with SqliteLedger(home / "eu" / "ledger.sqlite") as ledger:
        return list(ledger.read(chain))


def listed(home: Path, *words: str) -> Any:
    code, said = run(home, "list", "--json", *words)
    assert code == 0, said
    return json.loads(said)


def test_a_list_says_what_became_of_each_and_how_often_something_was_refused(home: Path) -> None:
    found = listed(home)
    assert {one["delivery"]: one["state"] for one in found["deliveries"]} == {
        PLAIN: "dead",
        WALLED: "dead",
        STARTED: "started",
    }
    assert [(one["sender"], one["times"]) for one in found["refused"]] == [("(no sender of ours)", 7), ("hotline", 3)]
    text = run(home, "list")[1]
    assert f"2026-11-22 03:10:00Z  {PLAIN}  eu  DEAD       portal" in text
    assert "refused on 2026-11-22: 3 of hotline (signature)" in text
    assert [one["delivery"] for one in listed(home, "--state", "started")["deliveries"]] == [STARTED]
    code, said = run(home, "list", "--state", "lost")
    assert (code, "no state `lost`" in said) == (2, True)
    assert "no delivery fits" in run(home, "list", "--sender", "nobody")[1]


def test_what_is_of_a_compartment_is_not_there_for_those_outside_in_lists_counts_and_by_its_id(home: Path) -> None:
    outside, inside = listed(home, "--as", "ops-1"), listed(home, "--as", "ops-2")
    assert {one["delivery"] for one in outside["deliveries"]} == {PLAIN, STARTED}
    assert [one["sender"] for one in outside["refused"]] == ["(no sender of ours)"]
    assert {one["delivery"] for one in inside["deliveries"]} == {PLAIN, STARTED, WALLED}
    unknown = "del-" + "z" * 20
    for words in (["show"], ["redrive", "--reason", "x"], ["discard", "--reason", "x"]):
        hidden, never = (run(home, *words[:1], id_, *words[1:], "--as", "ops-1") for id_ in (WALLED, unknown))
        assert (hidden[0], hidden[1].replace(WALLED, "X")) == (never[0], never[1].replace(unknown, "X"))
        assert hidden[0] == 2
    assert listed(home, "--as", "ops-us-1") == {"deliveries": [], "refused": []}


def test_a_delivery_shows_what_each_runbook_made_of_it_and_what_to_do_next(home: Path) -> None:
    code, said = run(home, "show", PLAIN)
    assert code == 0
    assert f"{PLAIN}  DEAD  from portal (standard_webhooks) in eu" in said
    assert "made of it first: dead" in said
    assert said.count("it does not fit") == 1
    assert f"watchfloor deliveries redrive {PLAIN}" in said


def test_a_dead_letter_is_driven_once_more_by_whom_the_policies_let(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "PATIENCE", 0.0)
    code, said = run(home, "redrive", PLAIN, "--as", "counsel-1")
    assert (code, "delivery.see-to" in said) == (1, True)
    code, said = run(home, "redrive", PLAIN, "--as", "ops-1", "--reason", "the mapping is corrected")
    assert (code, "is the gateway of eu running?" in said) == (0, True)
    one = Deliveries(home / "eu" / "received.sqlite").get(PLAIN)
    assert one is not None
    assert (one.state, one.person) == ("kept", "ops-1")
    assert EvidenceStore(home / "eu" / "evidence").get(one.reason) == b"the mapping is corrected"
    (entry,) = entries(home, PLAIN)
    assert (entry["kind"], entry["actor"], entry["data"]["reason_ref"]) == (EntryKind.REDRIVEN, "ops-1", one.reason)
    code, said = run(home, "redrive", STARTED, "--as", "ops-1")
    assert (code, "only a dead letter or one that matched nothing" in said) == (1, True)


def test_all_dead_letters_are_driven_once_more_but_those_that_one_may_not_see(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "PATIENCE", 0.0)
    deliveries = Deliveries(home / "eu" / "received.sqlite")
    later, others = "del-" + "e" * 20, "del-" + "f" * 20
    keep(deliveries, later, "dead")
    keep(deliveries, others, "dead", sender="queues")
    code, said = run(home, "redrive", "--dead", "--as", "counsel-1", "--reason", "the engine is back")
    assert (code, f"{PLAIN} was left: " in said, "delivery.see-to" in said) == (1, True, True)
    code, said = run(home, "redrive", "--dead", "--sender", "portal", "--as", "ops-1", "--reason", "the engine is back")
    assert (code, "eu: 2 driven once more: 2 kept" in said) == (0, True), said
    states = {id_: deliveries.get(id_) for id_ in (PLAIN, later, others, WALLED)}
    assert [one.state for one in states.values() if one] == ["kept", "kept", "dead", "dead"]
    for chain in (PLAIN, later):
        (entry,) = entries(home, chain)
        assert (entry["kind"], entry["actor"]) == (EntryKind.REDRIVEN, "ops-1")
    assert entries(home, WALLED) == []
    code, said = run(home, "redrive", "--dead", "--as", "ops-2", "--json")
    assert (code, json.loads(said)["eu"]) == (0, {"states": {others: "kept", WALLED: "kept"}, "left": {}})
    assert "eu: 0 driven once more" in run(home, "redrive", "--dead", "--as", "ops-1")[1]


@pytest.mark.parametrize("words", [[], [PLAIN, "--dead"], [PLAIN, "--sender", "portal"]])
def test_one_delivery_or_all_of_them(home: Path, words: list[str]) -> None:
    code, said = run(home, "redrive", *words, "--as", "ops-1")
    assert (code, "name one delivery, or say --dead" in said) == (2, True)
    assert entries(home, PLAIN) == []


def test_where_the_ledger_takes_nothing_no_dead_letter_is_driven(home: Path) -> None:
    deliveries = Deliveries(home / "eu" / "received.sqlite")
    keep(deliveries, "del-" + "e" * 20, "dead")
    (home / "eu" / "ledger.sqlite").unlink()
    (home / "eu" / "ledger.sqlite").mkdir()
    code, said = run(home, "redrive", "--dead", "--as", "ops-1")
    assert (code, said.count("was left")) == (1, 2), said
    assert [one.state for one in deliveries.page(states=("dead",))] == ["dead"] * 3


def test_a_dead_letter_that_is_given_up_takes_what_it_said_with_it(home: Path) -> None:
    assert run(home, "discard", PLAIN, "--as", "ops-1")[0] == 2
    code, said = run(home, "discard", PLAIN, "--as", "ops-1", "--reason", " ")
    assert (code, "no_reason" in said) == (1, True)
    assert run(home, "discard", PLAIN, "--as", "ops-1", "--reason", "a test of theirs")[0] == 0
    one = Deliveries(home / "eu" / "received.sqlite").get(PLAIN)
    assert one is not None
    assert (one.state, one.readable) == ("discarded", False)
    code, said = run(home, "redrive", PLAIN, "--as", "ops-1")
    assert (code, "not_drivable" in said) == (1, True)
    assert [one["kind"] for one in entries(home, PLAIN)] == [EntryKind.DISCARDED], "what was refused is not noted"


def test_the_chain_of_a_delivery_is_behind_the_walls_of_the_delivery(home: Path) -> None:
    assert run(home, "discard", WALLED, "--as", "ops-2", "--reason", "a test of theirs")[0] == 0

    store = RegionStore("eu", home / "eu")
    assert Sight(home, "counsel-1").shows(store, WALLED)
    assert not Sight(home, "ops-1").shows(store, WALLED)
    done = CliRunner().invoke(app, ["--home", str(home), "ledger", "export", WALLED, "--as", "ops-1"])
    assert (done.exit_code, "no chain begins with" in done.output) == (2, True)
