"""What is less than what was asked: the pure rules of narrowing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.catalog import CATALOG
from schemas.decision import Narrowing, OpenAsk, RefusalType
from tests.signing.test_gates import NOW, make_ask
from tests.signing.test_motions import answer, move, refused
from watchfloor.signing import ask_digest, render_instant
from watchfloor.signing.narrowing import (
    MAX_NARROWINGS,
    describe_left_out,
    find_misfit,
    list_inside,
    list_left_out,
    refuse_narrowed,
    tell_left_out,
)

ITEMS: Narrowing = {"by": "items"}
SCOPE: Narrowing = {"by": "scope", "inside": {"global": ["eu", "US"], "eu": ["DE", "FR"]}}
LIST = ["a", "b", "a", "c"]


def gate(**changes: Any) -> OpenAsk:
    """A gate over a list and a scope that can be narrowed, and a text that cannot."""
    inputs = {"codes": LIST, "scope": "global", "order_id": "A-1"}
    return make_ask(inputs=inputs, narrows={"inputs": {"codes": ITEMS, "scope": SCOPE}, "item": None}, **changes)


def said(**inputs: Any) -> dict[str, Any]:
    return {"about": {"inputs": inputs}}


@pytest.mark.parametrize("wanted", [["a"], ["b", "c"], ["a", "a"], ["a", "b", "a"], ["a", "a", "c"]])
def test_a_list_may_lose_items_in_its_order(wanted: list[str]) -> None:
    assert find_misfit(ITEMS, LIST, wanted) == ""
    assert refused(gate(), "narrow", **said(codes=wanted)) is None


@pytest.mark.parametrize(
    "wanted",
    [[], LIST, [*LIST, "d"], ["d"], ["c", "a"], ["b", "b"], ["a", "b", "c", "c"], "a", None, {"a": 1}, [["a"]], [True]],
)
def test_a_list_neither_grows_nor_changes_nor_becomes_empty(wanted: Any) -> None:
    assert len(find_misfit(ITEMS, LIST, wanted)) > 15
    assert refused(gate(), "narrow", **said(codes=wanted)) == RefusalType.BAD_VALUE


def test_one_is_not_true_and_a_text_is_not_its_list() -> None:
    assert find_misfit(ITEMS, [1, 2], [True])
    assert find_misfit(ITEMS, ["1", 2], [1])
    assert find_misfit(ITEMS, "abc", ["a"])


@given(st.lists(st.integers(0, 3), max_size=8), st.lists(st.integers(0, 3), max_size=8))
def test_a_list_is_less_exactly_when_deleting_items_makes_it(asked: list[int], wanted: list[int]) -> None:
    def is_made_by_deleting(asked: list[int], wanted: list[int]) -> bool:
        if not wanted:
            return True
        if not asked:
            return False
        same = asked[0] == wanted[0] and is_made_by_deleting(asked[1:], wanted[1:])
        return same or is_made_by_deleting(asked[1:], wanted)

    less = bool(wanted) and len(wanted) < len(asked) and is_made_by_deleting(asked, wanted)
    assert (find_misfit(ITEMS, asked, wanted) == "") is less  # type: ignore[arg-type]
    if less:
        out = list_left_out(asked, wanted)  # type: ignore[arg-type]
        assert sorted([*out, *wanted]) == sorted(asked)  # type: ignore[type-var]


@pytest.mark.parametrize(("asked", "wanted"), [("global", "eu"), ("global", "DE"), ("global", "US"), ("eu", "FR")])
def test_a_scope_may_become_one_inside_it(asked: str, wanted: str) -> None:
    assert find_misfit(SCOPE, asked, wanted) == ""


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        *(("eu", "eu"), ("eu", "global"), ("eu", "US"), ("DE", "FR"), ("DE", "eu"), ("eu", "XX"), ("eu", "")),
        *(("eu", ["DE"]), ("moon", "DE"), (["eu"], "DE"), (None, "DE")),
    ],
)
def test_a_scope_never_becomes_wider_another_or_unknown(asked: Any, wanted: Any) -> None:
    assert find_misfit(SCOPE, asked, wanted)


def test_an_order_that_runs_in_a_circle_makes_nothing_less_than_itself() -> None:
    circle: Narrowing = {"by": "scope", "inside": {"a": ["b"], "b": ["a"]}}
    assert list_inside(circle, "a") == ["b"]
    assert find_misfit(circle, "a", "a")


def test_the_shipped_order_of_scopes_has_every_member_state_once_and_no_circle() -> None:
    how = CATALOG["content.disable"]["inputs"]["scope"]["narrows"]
    inside = list_inside(how, "global")
    assert inside[0] == "eu"
    assert len(inside) == len(set(inside)) == 28
    assert all(list_inside(how, state) == [] for state in inside[1:])


REFUSED: list[tuple[str, Callable[[], OpenAsk], dict[str, Any]]] = [
    ("unknown_option", make_ask, said(url="https://example.test/v/0")),
    ("unknown_option", lambda: gate(kind="decide"), said(scope="eu")),
    ("unknown_option", lambda: gate(blind=[{"any_of": ["legal_counsel"]}]), said(scope="eu")),
    ("wrong_role", gate, {**said(scope="eu"), "person": "desk-1", "role": "ops_lead"}),
    ("excluded", lambda: gate(exclude=["counsel-1"]), said(scope="eu")),
    ("no_reason", gate, {**said(scope="eu"), "reason_ref": ""}),
    ("changed", gate, {**said(scope="eu"), "ask": "sha256:00"}),
    ("bad_value", gate, said(order_id="A")),
    ("bad_value", gate, said(scope="eu", order_id="A-1")),
    ("bad_value", gate, said(scope="eu", codes=LIST)),
    ("bad_value", gate, said(codes=[])),
    ("bad_value", gate, said(other=["a"])),
    ("bad_value", gate, said()),
    ("bad_value", gate, {"about": {}}),
    ("bad_value", gate, {"about": {"inputs": ["codes"]}}),
    ("bad_value", gate, {"about": {"inputs": {"scope": "eu"}, "more": 1}}),
]


@pytest.mark.parametrize(("why", "ask", "fields"), REFUSED)
def test_only_what_is_declared_is_narrowed_and_only_by_who_may_approve(
    why: str, ask: Callable[[], OpenAsk], fields: dict[str, Any]
) -> None:
    assert refused(gate(), "narrow", **said(scope="eu")) is None
    assert refused(ask(), "narrow", **fields) == why


def test_the_requester_narrows_nothing() -> None:
    assert refused(gate(), "narrow", NOW, "counsel-1", **said(scope="eu")) == RefusalType.REQUESTER


def test_who_answered_or_whose_seat_is_taken_narrows_nothing() -> None:
    ask = gate()
    answer(ask, "counsel-1", "legal_counsel")
    assert refused(ask, "narrow", **said(scope="eu")) == RefusalType.REPEATED
    assert refused(ask, "narrow", person="counsel-2", **said(scope="eu")) == RefusalType.WRONG_ROLE
    assert refused(ask, "narrow", person="exec-1", role="exec_sponsor", **said(scope="eu")) is None


def test_who_abstained_or_gave_the_seat_away_narrows_nothing() -> None:
    ask = gate()
    move(ask, "abstain")
    move(ask, "delegate", person="counsel-2", about={"to": "desk-1"})
    assert refused(ask, "narrow", **said(scope="eu")) == RefusalType.ABSTAINED
    assert refused(ask, "narrow", person="counsel-2", **said(scope="eu")) == RefusalType.DELEGATED


def test_whoever_may_only_break_the_glass_narrows_nothing() -> None:
    options = {**make_ask()["options"], "break_glass": [{"any_of": ["ops_lead"]}]}
    ask = gate(options=options, glass_from=render_instant(NOW - timedelta(minutes=1)))
    assert refused(ask, "narrow", person="ops-2", role="ops_lead", **said(scope="eu")) == RefusalType.WRONG_ROLE


def test_a_decided_gate_is_not_narrowed() -> None:
    ask = gate()
    answer(ask, "counsel-1", "legal_counsel")
    answer(ask, "exec-1", "exec_sponsor")
    assert refused(ask, "narrow", person="counsel-2", **said(scope="eu")) == RefusalType.NOT_WAITING


def test_an_ask_is_narrowed_a_limited_number_of_times() -> None:
    by = [{"person": "p", "role": "r", "at": "", "statement": "", "reason_ref": ""}] * MAX_NARROWINGS
    narrowed = {"original": {"scope": "global"}, "to": {"scope": "eu"}, "by": by}
    assert refused(gate(narrowed=narrowed), "narrow", **said(scope="eu")) == RefusalType.BUSY
    assert refused(gate(narrowed={**narrowed, "by": by[1:]}), "narrow", **said(scope="eu")) is None


NARROWED: Any = {"original": {"codes": LIST, "scope": "global"}, "to": {"codes": ["b", "a"], "scope": "DE"}, "by": []}
CALL: dict[str, Any] = {"codes": ["b", "a"], "scope": "DE", "order_id": "A-1"}
BOTH = {"codes": ITEMS, "scope": SCOPE}


def test_what_was_left_out_is_said_by_count_and_digest_and_holds_no_item() -> None:
    told: Any = describe_left_out(NARROWED)
    assert (told["codes"]["left_out"], told["codes"]["of"]) == (2, 4)
    assert told["codes"]["digest"].startswith("sha256:")
    assert (told["scope"]["from"], told["scope"]["to"]) == ("global", "DE")
    assert set(told["codes"]) == {"left_out", "of", "digest"}
    assert tell_left_out(told) == "codes: 2 of 4 left out, scope: DE, not global"


def test_what_was_left_out_is_part_of_what_is_signed() -> None:
    place = {"region": "eu", "namespace": "eu", "incident": "inc-a", "plan": "sha256:p"}
    assert ask_digest(gate(), **place) != ask_digest(gate(narrowed=NARROWED), **place)


def test_an_effect_over_what_was_left_goes_ahead() -> None:
    assert refuse_narrowed({"narrowed": NARROWED}, CALL, BOTH) is None
    assert refuse_narrowed({}, CALL, {}) is None


@pytest.mark.parametrize(
    ("narrowed", "call", "narrows"),
    [
        (NARROWED, {**CALL, "codes": ["b", "a", "c"]}, BOTH),
        (NARROWED, {**CALL, "scope": "eu"}, BOTH),
        (NARROWED, {"scope": "DE"}, BOTH),
        (NARROWED, CALL, {"codes": ITEMS}),
        ({**NARROWED, "original": {"codes": ["b"], "scope": "global"}}, CALL, BOTH),
        ({**NARROWED, "original": {"codes": LIST, "scope": "FR"}}, CALL, BOTH),
        ({**NARROWED, "original": {"codes": LIST, "scope": "DE"}}, CALL, BOTH),
        ({**NARROWED, "original": {"scope": "global"}}, CALL, BOTH),
        ({"original": {}, "to": {}, "by": []}, CALL, BOTH),
    ],
)
def test_an_effect_that_is_not_less_or_not_what_was_left_is_refused(narrowed: Any, call: Any, narrows: Any) -> None:
    refusal = refuse_narrowed({"narrowed": narrowed}, call, narrows)
    assert refusal is not None
    assert refusal.type == RefusalType.CHANGED
