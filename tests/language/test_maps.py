"""Maps with typed values, and the types of members."""

from datetime import UTC, datetime

import pytest

from tests.language.embedding import compile_piece
from watchfloor.client.errors import InputsRefused
from watchfloor.client.inputs import validate_value
from workflows.values import find_fault

COUNTS = {"type": "map", "of": {"type": "int", "min": 0}, "min_items": 1, "max_items": 2}


def codes(piece: str) -> list[str]:
    return [finding.code for finding in compile_piece(piece).findings]


def test_a_map_and_nested_lists_keep_their_bounds_in_the_plan() -> None:
    plan = compile_piece(
        "inputs:\n  counts: {type: map, of: {type: int, min: 0}, min_items: 1, max_items: 2}\n"
        "  groups: {type: list, of: {type: list, of: url, max_items: 5}, max_items: 3, data_class: us_protected}\n"
        "facts: {}\n"
    ).plan
    assert plan is not None
    assert plan["inputs"]["counts"] == COUNTS
    assert plan["inputs"]["groups"]["of"] == {"type": "list", "of": {"type": "url"}, "max_items": 5}


@pytest.mark.parametrize(
    ("value", "fine"),
    [({"a": 1}, True), ({"a": -1}, False), ({}, False), ({"a": 1, "b": 2, "c": 3}, False), (3, False)],
)
def test_a_run_refuses_a_map_outside_its_type(value: object, fine: bool) -> None:
    assert (find_fault(COUNTS, value) == "") is fine  # type: ignore[arg-type]


def test_a_map_of_lists_is_checked_to_the_last_value() -> None:
    spec = {"type": "map", "of": {"type": "list", "of": {"type": "int", "max": 3}}}
    at = datetime(2026, 11, 22, tzinfo=UTC)
    assert validate_value(spec, {"a": [1, 2]}, field="inputs.m", now=at) == {"a": [1, 2]}  # type: ignore[arg-type]
    with pytest.raises(InputsRefused, match=r"inputs\.m\.a\[1\]"):
        validate_value(spec, {"a": [1, 4]}, field="inputs.m", now=at)  # type: ignore[arg-type]


@pytest.mark.parametrize("default", ["{a: x}", "{}", "{a: 1, b: 2, c: 3}", "3"])
def test_a_default_fits_the_map(default: str) -> None:
    piece = f"inputs: {{counts: {{type: map, of: int, min_items: 1, max_items: 2, default: {default}}}}}\nfacts: {{}}\n"
    assert codes(piece) == ["WF221"]


@pytest.mark.parametrize("more", ["optional: true", "default: 3"])
def test_a_member_has_nothing_to_say_about_absence(more: str) -> None:
    piece = f"inputs: {{counts: {{type: map, of: {{type: int, {more}}}}}}}\nfacts: {{}}\n"
    assert codes(piece) == ["WF129"]
