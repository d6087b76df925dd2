"""A person's words find the one ask they mean, on the run or on what it started, or are told what waits."""

import pytest

from tests.cli.boards import ask, board
from watchfloor.client.asks import Family, pick_ask
from watchfloor.client.errors import Ambiguous, Refused

OWN = board(
    asks=[
        ask(),
        ask(path="containment/remove[3]/disable!failed", step="disable", deadline_at=None),
        ask(path="containment/remove[7]/disable!failed", step="disable", deadline_at=None),
    ]
)
HOLD = board(kind="hold", workflow="hold-0123456789abcdef0123", asks=[ask(path="release", step="hold", kind="release")])
FOUND = Family(OWN, {HOLD["workflow"]: HOLD}, {})


@pytest.mark.parametrize(
    ("said", "workflow", "path"),
    [
        ("order_doubt", OWN["workflow"], "triage/order_doubt"),
        ("triage/order_doubt", OWN["workflow"], "triage/order_doubt"),
        ("containment/remove[3]/disable!failed", OWN["workflow"], "containment/remove[3]/disable!failed"),
        ("remove[7]/disable!failed", OWN["workflow"], "containment/remove[7]/disable!failed"),
        ("release", HOLD["workflow"], "release"),
        ("hold", HOLD["workflow"], "release"),
        (HOLD["workflow"], HOLD["workflow"], "release"),
    ],
)
def test_an_ask_is_found_and_goes_to_the_workflow_that_asks(said: str, workflow: str, path: str) -> None:
    at = pick_ask(FOUND, said)
    assert (at.workflow, at.ask["path"]) == (workflow, path)


def test_a_step_that_waits_in_several_places_is_not_guessed() -> None:
    with pytest.raises(Ambiguous) as ambiguous:
        pick_ask(FOUND, "disable")
    assert ambiguous.value.candidates == (
        "containment/remove[3]/disable!failed",
        "containment/remove[7]/disable!failed",
    )


def test_what_waits_is_named_when_nothing_fits() -> None:
    with pytest.raises(Refused, match="waiting now: `triage/order_doubt`") as refused:
        pick_ask(FOUND, "order")
    assert refused.value.type == "not_waiting"


def test_a_run_that_has_ended_says_so() -> None:
    with pytest.raises(Refused) as refused:
        pick_ask(Family(board(state="aborted"), {}, {}), "order_doubt")
    assert refused.value.type == "closed"


def test_the_most_urgent_ask_stands_first() -> None:
    late = ask(path="a", step="a", deadline_at="2026-11-22T04:00:00Z")
    soon = ask(path="b", step="b", deadline_at="2026-11-22T03:00:00Z")
    never = ask(path="c", step="c", deadline_at=None)
    assert [at.ask["path"] for at in Family(board(asks=[late, never, soon]), {}, {}).asks] == ["b", "a", "c"]
