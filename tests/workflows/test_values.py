"""Values from outside against the types a plan declares."""

import pytest

from workflows.values import find_fault, find_form_fault


@pytest.mark.parametrize(
    ("spec", "good", "bad"),
    [
        ({"type": "string"}, "x", 1),
        ({"type": "string", "pattern": "[A-Z]+"}, "ABC", "ABc"),
        ({"type": "string", "enum": ["a"]}, "a", "b"),
        ({"type": "text", "max_length": 3}, "abc", "abcd"),
        ({"type": "int"}, 3, 3.5),
        ({"type": "int"}, 3, True),
        ({"type": "int", "min": 1, "max": 3}, 2, 4),
        ({"type": "number"}, 1.5, float("nan")),
        ({"type": "bool"}, False, 0),
        ({"type": "timestamp"}, "2026-11-22T00:00:00Z", "2026-11-22T00:00:00"),
        ({"type": "timestamp"}, "2026-11-22T00:00:00+01:00", 5),
        ({"type": "url"}, "https://example.test/v/1", "javascript:alert(1)"),
        ({"type": "url"}, "http://example.test", "https://[broken"),
        ({"type": "list"}, [1], {}),
        ({"type": "list", "of": {"type": "int"}, "max_items": 2}, [1, 2], [1, 2, 3]),
        ({"type": "list", "of": {"type": "int"}}, [], ["x"]),
        ({"type": "map"}, {"a": 1}, []),
    ],
)
def test_a_value_fits_its_type_or_the_fault_is_said(spec: dict, good: object, bad: object) -> None:
    assert find_fault(spec, good) == ""
    assert find_fault(spec, bad) != ""


def test_a_form_names_the_field_that_is_wrong() -> None:
    form = {
        "count": {"type": "int"},
        "note": {"type": "ref", "optional": True},
        "kind": {"type": "string", "default": "a"},
    }
    assert find_form_fault(form, {"count": 1}) == ""
    assert "`count`" in find_form_fault(form, {})
    assert "`count`" in find_form_fault(form, {"count": "1"})
    assert "`other`" in find_form_fault(form, {"count": 1, "other": 2})
