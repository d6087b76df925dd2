"""Fragments that come with the product: used without being declared, found fault with where they are used."""

import pytest

from tests.language.embedding import compile_piece
from watchfloor.language.fragments import SHIPPED

FACTS = """facts:
  life_in_danger: {type: bool, from: [steps.screen_answers]}
  child_at_risk: {type: bool, from: [steps.screen_answers]}
  ongoing: {type: bool, from: [steps.screen_answers]}
"""
USE = "- {id: screen, use: life_safety_screen}"


def test_every_shipped_fragment_is_well_formed() -> None:
    from watchfloor.language.fragments import _load_shipped

    assert len(_load_shipped()) == len(list(SHIPPED.glob("*.yaml"))) >= 1


def whole(steps: str, facts: str = FACTS) -> str:
    return f"{facts}phases:\n  - main:\n      {steps}\n"


def test_a_runbook_uses_a_shipped_fragment_without_declaring_it() -> None:
    plan = compile_piece(whole(USE)).plan
    assert plan is not None
    (step,) = plan["phases"][0]["steps"]
    assert step["id"] == "screen_answers"
    assert step["kind"] == "task"
    assert sorted(step["form"]) == ["child_at_risk", "life_in_danger", "ongoing"]
    assert {spec["type"] for spec in step["form"].values()} == {"bool"}
    assert not any(spec.get("optional") or "default" in spec for spec in step["form"].values())
    assert step["within"] == 300.0
    assert step["on_silence"]["then"] == "fail"
    assert step["on_silence"]["escalate"]


@pytest.mark.parametrize("missing", ["life_in_danger", "child_at_risk", "ongoing"])
def test_a_fact_that_the_screen_records_and_the_runbook_lacks_is_found_where_it_is_used(missing: str) -> None:
    facts = "".join(line for line in FACTS.splitlines(keepends=True) if missing not in line)
    text = whole(USE, facts)
    found = [one for one in compile_piece(text).findings if missing in one.message]
    assert found
    assert {one.column for one in found} == {text.splitlines()[-1].index("life_safety_screen") + 1}


def test_a_fragment_of_ones_own_stands_before_a_shipped_one_of_the_same_name() -> None:
    own = "fragments:\n  life_safety_screen:\n    steps:\n      - {id: own, wait: {for: 1m}}\n"
    plan = compile_piece(own + whole(USE, "")).plan
    assert plan is not None
    assert [step["id"] for step in plan["phases"][0]["steps"]] == ["screen_own"]


def test_a_name_that_no_fragment_has_is_unknown_still() -> None:
    declared = "fragments: {other: {steps: [{id: b, wait: {for: 1m}}]}}\n"
    wrong = whole("- {id: screen, use: life_safety_scren}", "")
    assert [compile_piece(text).plan for text in (wrong, declared + wrong)] == [None, None]
