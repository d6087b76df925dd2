"""Entries on their way to the ledger: none is lost, and an effect never runs ahead of the decisions behind it."""

from datetime import UTC, datetime

import pytest

from schemas.ledger import Entry
from workflows import journal as journals
from workflows.journal import Journal

NOW = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Journal:
    monkeypatch.setattr(journals.workflow, "now", lambda: NOW)
    return Journal(chain="inc-a", region="eu")


def ids(entries: list[Entry]) -> list[int]:
    return [int(one["id"].rpartition(":")[2]) for one in entries]


def test_what_is_under_way_elsewhere_rides_with_the_effect_it_lets_through(journal: Journal) -> None:
    """The activity that took it first may come last: its worker was killed, or it waits in a queue."""
    journal.note("decision.recorded", path="erase")
    journal.note("fact.recorded", path="")
    with journal.riding() as first:
        assert ids(first) == [1, 2]
        journal.note("decision.recorded", path="erase")
        with journal.riding("erase") as effect:
            assert ids(effect) == [1, 3]
    journal.note("step.failed", path="erase")
    with journal.riding("erase") as later:
        assert ids(later) == [4], "what has arrived does not ride again"


def test_only_what_concerns_the_gate_rides_again(journal: Journal) -> None:
    journal.note("decision.recorded", path="other")
    with journal.riding(), journal.riding("erase") as effect:
        assert effect == []


def test_a_failure_brings_back_what_rode_and_nothing_twice(journal: Journal) -> None:
    journal.note("decision.recorded", path="erase")
    with journal.riding():
        journal.note("decision.settled", path="erase")
        with pytest.raises(RuntimeError), journal.riding("erase"):
            raise RuntimeError("the activity failed")
        assert ids(journal.entries) == [2]
    assert ids(journal.entries) == [2]
