"""Expectations are held against what happened; a failure shows where the story left its course."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from xml.etree import ElementTree as XML

import pytest

from schemas.incident import Board
from schemas.ledger import Entry
from watchfloor.scenarios import Outcome, Scenario, render_junit
from watchfloor.scenarios.judge import judge
from watchfloor.scenarios.model import Expectation
from watchfloor.scenarios.outcome import Ending
from watchfloor.scenarios.report import elapsed, render_outcome
from watchfloor.scenarios.timeline import CALLED, TOLD, Timeline

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def entry(n: int, minute: int, kind: str, path: str, **data: Any) -> Entry:
    return {
        "v": 1,
        "id": f"inc-1:{n}",
        "chain": "inc-1",
        "kind": kind,
        "at": (START + timedelta(minutes=minute)).isoformat(),
        "actor": "engine",
        "step": path.rsplit("/", 1)[-1].split("!", maxsplit=1)[0],
        "path": path,
        "data": data,
    }


@pytest.fixture
def ending() -> Ending:
    """Disable, ask about it, restore; the removal clock met, one fact known."""
    timeline = Timeline(START)

    def call(minute: int, action: str, step: str) -> None:
        timeline.add(START + timedelta(minutes=minute), CALLED, action, step=step, path=f"work/{step}")

    call(1, "content.disable", "disable")
    call(9, "content.restore", "put_back")
    timeline.add(START + timedelta(minutes=3), TOLD, "legal_counsel", step="doubt", path="work/doubt")
    timeline.add(START + timedelta(minutes=5), TOLD, "exec_sponsor", step="doubt", path="work/doubt")
    timeline.take([entry(1, 2, "decision.asked", "work/doubt"), entry(2, 8, "measure.undone", "work/disable")])
    timeline.take([entry(1, 2, "decision.asked", "work/doubt")])
    timeline.take([entry(3, 4, "clock.stopped", "", clock="removal"), entry(4, 4, "fact.recorded", "", fact="seen")])
    timeline.settle()
    board: Mapping[str, Any] = {
        "workflow": "inc-1",
        "severity": "S1",
        "clocks": [{"name": "removal", "state": "met"}],
        "facts": {"seen": {"value": 3}},
        "steps": [],
    }
    return Ending("closed", cast(Board, board), timeline, START + timedelta(minutes=10))


def test_what_came_true_deviates_nowhere(ending: Ending) -> None:
    expect = Expectation(
        outcome="closed",
        order=("disable", "doubt", "put_back"),
        never=("content.delete",),
        clocks={"removal": "met"},
        facts={"seen": 3},
        set=("seen",),
        unset=("annulled",),
        undone=("disable",),
        asked=("doubt",),
        paged=("legal_counsel", "exec_sponsor"),
        ledger=("decision.asked", "clock.stopped"),
        severity="S1",
        calls={"content.disable": 1, "content.delete": 0},
    )
    assert judge(expect, ending) == []


@pytest.mark.parametrize(
    ("expect", "words", "place"),
    [
        (Expectation(outcome="refused"), "expected `refused`, the run ended as `closed`", None),
        (Expectation(order=("put_back", "disable")), "`disable` began before `put_back`", 0),
        (Expectation(order=("disable", "disabel")), "did you mean `disable`?", None),
        (Expectation(never=("content.restore",)), "`content.restore` was called, by `put_back`", 7),
        (Expectation(clocks={"removal": "late"}), "`removal` expected late, is met", 3),
        (Expectation(facts={"seen": 4}), "expected 4, is 3", 4),
        (Expectation(set=("annulled",)), "`annulled` was never recorded", None),
        (Expectation(unset=("seen",)), "`seen` was recorded", 4),
        (Expectation(undone=()), "expected none", None),
        (Expectation(asked=()), "people were asked `doubt`", 1),
        (Expectation(asked=("doubt", "leftover")), "expected `doubt`, `leftover`", None),
        (Expectation(paged=("exec_sponsor", "legal_counsel")), "`legal_counsel` was not told in this order", None),
        (Expectation(ledger=("incident.closed",)), "no entry `incident.closed`", None),
        (Expectation(severity="S0"), "expected S0, is S1", None),
        (Expectation(calls={"content.disable": 0}), "expected 0 times, called 1 times", 0),
    ],
)
def test_each_expectation_can_fail(ending: Ending, expect: Expectation, words: str, place: int | None) -> None:
    (deviation,) = judge(expect, ending)
    assert words in deviation.message
    assert deviation.event == place


def failed(ending: Ending) -> Outcome:
    expect = Expectation(outcome="refused", never=("content.restore",))
    scenario = Scenario("a story", "some/scenarios.yaml", 7, "some-runbook", {}, "", {}, (), (), (), None, expect)
    return Outcome(scenario, tuple(judge(expect, ending)), ending, 0.5)


def test_a_failure_shows_the_timeline_with_the_first_deviation_marked(ending: Ending) -> None:
    text = render_outcome(failed(ending))
    assert text.startswith("FAIL  a story")
    assert "some/scenarios.yaml:7" in text
    (marked,) = [line for line in text.splitlines() if ">>>" in line]
    assert "+0:09:00" in marked
    assert "content.restore" in marked
    assert text.rstrip().endswith("ended as closed")


def test_a_pass_is_one_line(ending: Ending) -> None:
    outcome = failed(ending)
    passed = Outcome(outcome.scenario, (), ending, 0.5)
    assert render_outcome(passed) == "pass  a story  (0.5 s)"


def test_continuous_integration_gets_every_case_and_its_failure(ending: Ending) -> None:
    outcome = failed(ending)
    root = XML.fromstring(render_junit([outcome, Outcome(outcome.scenario, (), ending, 0.25)]))
    (suite,) = root
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("some-runbook", "2", "1")
    first, second = suite
    failure = first.find("failure")
    assert failure is not None
    assert "content.restore" in (failure.get("message") or "")
    assert second.find("failure") is None


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(seconds=61), "+0:01:01"),
        (timedelta(days=2, hours=3), "+2d 3:00:00"),
        (timedelta(minutes=-40), "-0:40:00"),
    ],
)
def test_times_are_told_from_the_start(span: timedelta, text: str) -> None:
    assert elapsed(span) == text
