"""Evaluate and render: values in, values out, absence, bounds."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from watchfloor.expressions import MISSING, EvaluationFailed, Lookup, as_text, compile, evaluate, render

TYPES = {
    "inputs.urls": "list<string>",
    "inputs.details": "map<string,dyn>",
    "inputs.count": "int",
    "inputs.weight": "double",
    "inputs.patience": "duration",
    "inputs.days": "list<timestamp>",
    "facts.seen": "timestamp",
    "facts.later": "timestamp",
    "facts.odd": "bool",
}
VALUES: dict[str, Any] = {
    "inputs.urls": ["https://example.test/1", "https://example.test/2"],
    "inputs.details": {"owner": "desk", "n": [1, {"x": None}]},
    "inputs.count": 3,
    "inputs.weight": 2,
    "inputs.patience": 5400,
    "inputs.days": ["2026-11-22T00:00:00Z"],
    "facts.seen": "2026-11-22T04:10:00+01:00",
}


def known(name: str) -> Any:
    return VALUES.get(name, MISSING)


def value_of(src: str, lookup: Lookup = known) -> Any:
    return evaluate(compile(src, TYPES), lookup)


@pytest.mark.parametrize(
    ("src", "value"),
    [
        ("facts.seen", "2026-11-22T03:10:00Z"),
        ("facts.seen + days(1)", "2026-11-23T03:10:00Z"),
        ('facts.seen - duration("90m")', "2026-11-22T01:40:00Z"),
        ("inputs.patience", 5400),
        ("facts.seen + inputs.patience", "2026-11-22T04:40:00Z"),
        ("inputs.weight", 2.0),
        ("inputs.details.n", [1, {"x": None}]),
        ('{"b": 1, "a": facts.seen}', {"a": "2026-11-22T03:10:00Z", "b": 1}),
        ("inputs.days", ["2026-11-22T00:00:00Z"]),
        ("inputs.urls.map(each, size(each))", [22, 22]),
        ("null", None),
    ],
)
def test_results_are_json_with_instants_as_text_and_durations_as_seconds(src: str, value: Any) -> None:
    assert value_of(src) == value


def test_map_keys_come_back_in_a_fixed_order() -> None:
    assert list(value_of('{"z": 1, "m": 2, "a": 3}')) == ["a", "m", "z"]


@pytest.mark.parametrize("src", ["has(facts.later) && facts.later > facts.seen", "facts.later > facts.seen && false"])
def test_a_side_that_does_not_matter_may_be_absent(src: str) -> None:
    assert value_of(src) is False


def test_absence_is_named_and_not_only_told() -> None:
    with pytest.raises(EvaluationFailed) as caught:
        value_of("facts.later > facts.seen")
    assert caught.value.absent == ("facts.later",)
    assert str(caught.value) == "`facts.later > facts.seen` needs `facts.later`, which has no value yet"


def test_null_counts_as_absent() -> None:
    assert value_of("has(facts.seen)", lambda name: None) is False


@pytest.mark.parametrize("src", ["inputs.count / 0", "inputs.urls[7]", "inputs.details.nothing", "int('x')"])
def test_what_has_no_value_fails_without_claiming_absence(src: str) -> None:
    with pytest.raises(EvaluationFailed) as caught:
        value_of(src)
    assert caught.value.absent == ()


@pytest.mark.parametrize(
    ("src", "name", "value"),
    [
        ("facts.seen", "facts.seen", "yesterday"),
        ("facts.seen", "facts.seen", "2026-11-22T03:10:00"),
        ("inputs.count > 1", "inputs.count", "three"),
        ("inputs.patience", "inputs.patience", "soon"),
        ("size(inputs.urls)", "inputs.urls", ["x"] * 2001),
    ],
)
def test_a_value_of_another_type_or_size_fails_as_an_evaluation(src: str, name: str, value: Any) -> None:
    with pytest.raises(EvaluationFailed):
        value_of(src, lambda asked: value if asked == name else MISSING)


def test_only_names_in_the_expression_are_looked_up() -> None:
    asked: list[str] = []

    def lookup(name: str) -> Any:
        asked.append(name)
        return known(name)

    value_of("has(facts.seen) && inputs.count > 1", lookup)
    assert sorted(asked) == ["facts.seen", "inputs.count"]


@pytest.mark.parametrize(
    "src",
    [
        "inputs.urls.map(a, inputs.urls.map(b, a + b)).size() > 0",
        "inputs.urls.all(a, inputs.urls.all(b, inputs.urls.all(c, a != b + c)))",
    ],
)
def test_nested_loops_over_long_lists_end_by_budget_and_not_by_patience(src: str) -> None:
    long = [f"https://example.test/{number}" for number in range(500)]
    started = time.perf_counter()
    with pytest.raises(EvaluationFailed):
        value_of(src, lambda name: long)
    assert time.perf_counter() - started < 2


def test_a_pattern_that_backtracks_elsewhere_is_linear_here() -> None:
    started = time.perf_counter()
    assert value_of('inputs.urls[0].matches("(a+)+$")', lambda name: ["a" * 20_000 + "b"]) is False
    assert time.perf_counter() - started < 1


def test_the_same_expression_is_compiled_once() -> None:
    from watchfloor.expressions.engine import program

    expr = compile("inputs.count > 41", TYPES)
    before = program.cache_info().misses
    for _ in range(50):
        evaluate(expr, known)
    assert program.cache_info().misses == before


def text(*parts: str | tuple[str]) -> Any:
    return {"text": [part if isinstance(part, str) else compile(part[0], TYPES) for part in parts]}


@pytest.mark.parametrize(
    ("value", "rendered"),
    [
        ({"lit": {"a": [1]}}, {"a": [1]}),
        ({"expr": compile("inputs.count", TYPES)}, 3),
        (text("found ", ("inputs.count",), " items"), "found 3 items"),
        (text(("inputs.urls",)), "https://example.test/1, https://example.test/2"),
        ({"list": [{"lit": 1}, {"expr": compile("inputs.count", TYPES)}]}, [1, 3]),
        ({"map": {"a": {"lit": 1}, "b": text("x", ("inputs.count > 1",))}}, {"a": 1, "b": "xyes"}),
    ],
)
def test_values_of_a_plan_render(value: Any, rendered: Any) -> None:
    assert render(value, known) == rendered


def test_a_rendered_text_has_a_limit() -> None:
    with pytest.raises(EvaluationFailed, match="over 65536"):
        render(text(("inputs.urls",)), lambda name: ["x" * 70_000])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing"),
        (True, "yes"),
        (2.0, "2"),
        (2.5, "2.5"),
        ([1, "a"], "1, a"),
        ({"b": 1, "a": [2]}, "a: 2, b: 1"),
    ],
)
def test_values_read_as_words(value: Any, words: str) -> None:
    assert as_text(value) == words


def test_evaluation_needs_nothing_but_its_arguments() -> None:
    check: Callable[[], Any] = lambda: value_of("facts.seen")  # noqa: E731
    assert check() == check()
