"""A rehearsal runs the real engine; people, facts, failures and outputs are as somebody assumes them."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from watchfloor.cli import simulating
from watchfloor.cli.main import app
from watchfloor.client.errors import InputsRefused, NotFound
from watchfloor.client.library import plan_for_start
from watchfloor.client.orders import Order
from watchfloor.scenarios.model import Assumptions
from watchfloor.scenarios.rehearsal import Rehearsal, Wish, rehearse, usual_choices
from watchfloor.scenarios.rehearsal_report import as_document, render_rehearsal

PLAN, DIGEST = plan_for_start("eu-tco-removal-order")
ORDER = Order(
    "test",
    "k-1",
    "2026-11-22T03:00:00Z",
    "",
    {
        "order_id": "DE-2026-17",
        "received_at": "-40m",
        "urls": ["https://example.test/v/1", "https://example.test/v/2"],
        "issuing_state": "DE",
    },
)
NOTHING = Wish({}, {}, {})
DOUBTFUL = Wish({}, {}, {"order.authenticate": {"complete": False}})
USUAL = Assumptions(usual=usual_choices(PLAN))


def held(assume: Assumptions = USUAL, wish: Wish = NOTHING) -> Rehearsal:
    return rehearse(PLAN, DIGEST, ORDER, assume, wish)


def test_it_says_what_would_have_been_done_with_resolved_inputs() -> None:
    rehearsal = held()
    document: Any = as_document(rehearsal)
    assert document["outcome"] == "closed"
    done = [
        (one["action"], one["inputs"].get("url")) for one in document["effects"] if one["path"].endswith("/disable")
    ]
    assert sorted(done) == [
        ("content.disable", "https://example.test/v/1"),
        ("content.disable", "https://example.test/v/2"),
    ]
    assert not any(one["effect"] == "reads" for one in document["effects"])
    clocks = {clock["name"]: clock for clock in document["clocks"]}
    assert clocks["removal"]["state"] == "met"
    assert clocks["removal"]["due"] == pytest.approx(20 * 60, abs=2)
    text = render_rehearsal(rehearsal)
    assert "containment/remove[…]/disable × 2" in text
    assert "ended as closed" in text


def test_people_choose_what_is_assumed_and_facts_come_when_they_are_said() -> None:
    wish = replace(DOUBTFUL, facts={"clarification_received": (timedelta(hours=3), "now")})
    document: Any = as_document(held(replace(USUAL, choices={"order_doubt": "clarify"}), wish))
    assert [(one["path"], one["answer"]) for one in document["asked"]] == [("triage/order_doubt", "clarify")]
    assert document["ended_after"] > 3 * 3600
    assert document["outcome"] == "closed"


def test_two_people_answer_where_two_are_needed() -> None:
    rehearsal = held(replace(USUAL, choices={"order_doubt": "refuse"}), DOUBTFUL)
    assert rehearsal.ending.outcome == "refused"


def test_silence_escalates_and_a_failed_step_finds_nobody() -> None:
    document: Any = as_document(held(replace(USUAL, silent=frozenset({"order_doubt"})), DOUBTFUL))
    assert [(one["path"], one["answer"]) for one in document["asked"]] == [
        ("triage/order_doubt", None),
        ("triage/order_doubt!failed", None),
    ]
    assert document["outcome"] == "failed"
    assert document["effects"] == []


def test_a_failing_action_is_seen_to_fail() -> None:
    document: Any = as_document(held(wish=Wish({}, {"content.disable": "refused"}, {})))
    assert {one["failed"] for one in document["effects"] if one["action"] == "content.disable"} == {True}
    assert ("containment/leftover", "done") in [(one["path"], one["answer"]) for one in document["asked"]]


def test_it_stops_at_an_ask_about_which_nothing_is_assumed() -> None:
    undecided = held(Assumptions(), DOUBTFUL).undecided
    assert undecided is not None
    assert undecided.name == "triage/order_doubt"
    assert set(undecided.options) == {"clarify", "treat_as_valid", "refuse"}


@pytest.mark.parametrize(
    ("assume", "wish", "words"),
    [
        (Assumptions(choices={"order_dout": "clarify"}), NOTHING, "did you mean `order_doubt`?"),
        (Assumptions(choices={"order_doubt": "clarfy"}), NOTHING, "has no option `clarfy`"),
        (Assumptions(silent=frozenset({"nobody"})), NOTHING, "no step `nobody`"),
        (USUAL, Wish({"removal_verified": (timedelta(0), "now")}, {}, {}), "nobody outside may say `removal_verified`"),
        (USUAL, Wish({"anulled": (timedelta(0), "now")}, {}, {}), "no fact `anulled`"),
        (USUAL, Wish({}, {"content.disabl": "refused"}, {}), "did you mean `content.disable`?"),
        (USUAL, Wish({}, {"content.disable": "refuse"}, {}), "did you mean `refused`?"),
        (USUAL, Wish({}, {}, {"content.probe": {"all_gon": True}}), "did you mean `all_gone`?"),
    ],
)
def test_what_the_runbook_does_not_have_cannot_be_assumed(assume: Assumptions, wish: Wish, words: str) -> None:
    with pytest.raises(NotFound, match=r".*") as caught:
        held(assume, wish)
    assert words in str(caught.value)


def order_file(folder: Path, **changes: object) -> str:
    path = folder / "order.json"
    path.write_text(json.dumps({**ORDER.inputs, **changes}))
    return str(path)


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["simulate", "eu-tco-removal-order", *words])


def test_the_command_prints_one_document_and_touches_nothing(tmp_path: Path) -> None:
    answer = run("-i", order_file(tmp_path), "--json", "--output", "order.authenticate.complete=false")
    assert answer.exit_code == 0
    document = json.loads(answer.stdout)
    assert document["asked"][0]["answer"] == "clarify"
    assert document["outcome"] == "failed"
    assert [path.name for path in tmp_path.iterdir()] == ["order.json"]


def test_a_fact_that_comes_too_late_is_exit_code_one(tmp_path: Path) -> None:
    answer = run("-i", order_file(tmp_path), "--fact", "order_annulled=5h")
    assert answer.exit_code == 1
    assert "not said" in answer.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("--fact", "order_annulled=soon"),
        ("--assume", "order_doubt"),
        ("--output", "complete=false"),
        ("--after", "a while"),
        ("--assume", "nobody=yes"),
    ],
)
def test_a_slip_on_the_command_line_is_exit_code_two(tmp_path: Path, words: tuple[str, str]) -> None:
    assert run("-i", order_file(tmp_path), *words).exit_code == 2


def test_inputs_that_do_not_fit_are_named_before_anything_is_played(tmp_path: Path) -> None:
    answer = run("-i", order_file(tmp_path, issuing_state="DK"))
    assert answer.exit_code == 1
    assert "inputs.issuing_state" in answer.stderr
    with pytest.raises(InputsRefused):
        simulating_check({"issuing_state": "DK"})


def simulating_check(changes: dict[str, object]) -> None:
    from datetime import UTC, datetime

    from watchfloor.scenarios.rehearsal import check_order

    check_order(PLAN, replace(ORDER, inputs={**ORDER.inputs, **changes}), now=datetime(2026, 11, 22, tzinfo=UTC))


def test_on_a_terminal_each_open_question_is_put_and_the_rehearsal_begins_anew(monkeypatch: Any) -> None:
    put: list[str] = []

    def prompt(text: str, default: str) -> str:
        put.append(text)
        return "refuse" if len(put) == 2 else "nonsense"

    monkeypatch.setattr(simulating.typer, "prompt", prompt)
    rehearsal = simulating._hold(PLAN, DIGEST, ORDER, Assumptions(), DOUBTFUL)
    assert rehearsal.ending.outcome == "refused"
    assert rehearsal.assume.choices == {"triage/order_doubt": "refuse"}
    assert all("silence" in text for text in put)
