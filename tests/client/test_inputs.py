"""A trigger with wrong inputs is refused with every field named."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.plan import TypeSpec
from watchfloor.client.errors import InputsRefused
from watchfloor.client.inputs import MAX_INPUTS, read_instant, validate_inputs
from watchfloor.signing import canonical, parse_instant

NOW = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)
ORDER: dict[str, TypeSpec] = {
    "order_id": {"type": "string", "pattern": "^[A-Z0-9-]{4,64}$"},
    "received_at": {"type": "timestamp"},
    "urls": {"type": "list", "of": {"type": "url"}, "min_items": 1, "max_items": 3},
    "issuing_state": {"type": "string", "enum": ["DE", "FR"]},
    "window": {"type": "duration", "default": "15m"},
    "count": {"type": "int", "optional": True, "min": 1, "max": 9},
}
GOOD = {
    "order_id": "DE-2026-17",
    "received_at": "-40m",
    "urls": ["https://video.example/v/1"],
    "issuing_state": "DE",
}
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def fields(refused: pytest.ExceptionInfo[InputsRefused]) -> list[str]:
    return [problem.field for problem in refused.value.problems]


def test_good_inputs_come_back_canonical() -> None:
    assert validate_inputs(ORDER, GOOD, now=NOW, relative=True) == {
        "order_id": "DE-2026-17",
        "received_at": "2026-11-22T02:30:00Z",
        "urls": ["https://video.example/v/1"],
        "issuing_state": "DE",
        "window": 900,
    }


def test_every_bad_field_is_named_at_once() -> None:
    bad = {
        "order_id": "de 17",
        "recieved_at": "-40m",
        "urls": ["https://video.example/1", "ftp://video.example/2", 3],
        "issuing_state": "GE",
        "count": True,
    }
    with pytest.raises(InputsRefused) as refused:
        validate_inputs(ORDER, bad, now=NOW, relative=True)
    assert fields(refused) == [
        "inputs.recieved_at",
        "inputs.order_id",
        "inputs.received_at",
        "inputs.urls[1]",
        "inputs.urls[2]",
        "inputs.issuing_state",
        "inputs.count",
    ]
    assert "did you mean `received_at`" in str(refused.value)
    assert "did you mean `DE`" in str(refused.value)


def test_relative_timestamps_are_for_files_only() -> None:
    with pytest.raises(InputsRefused) as refused:
        validate_inputs(ORDER, GOOD, now=NOW)
    assert fields(refused) == ["inputs.received_at"]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://",
        "https://user@video.example/1",
        "https://video.example/a b",
        "https://video.example:port/",
        "https://[::1/",
        "//video.example/1",
        "https://video.example/\u202e1",
        "https://v\u0456deo.example/1",
        "https://video.example/\r\nX: 1",
        "https://video.example/" + "a" * 2048,
    ],
)
def test_an_address_that_could_be_read_two_ways_is_refused(url: str) -> None:
    with pytest.raises(InputsRefused) as refused:
        validate_inputs({"u": {"type": "url"}}, {"u": url}, now=NOW)
    assert fields(refused) == ["inputs.u"]


@pytest.mark.parametrize("value", ["5", True, 1.0, 2**53, None, [1]])
def test_nothing_is_coerced_to_a_whole_number(value: object) -> None:
    with pytest.raises(InputsRefused):
        validate_inputs({"n": {"type": "int"}}, {"n": value}, now=NOW)


def test_a_pattern_does_not_forgive_a_trailing_newline() -> None:
    with pytest.raises(InputsRefused):
        validate_inputs({"t": {"type": "text", "pattern": "^[A-Z]+$"}}, {"t": "AB\n"}, now=NOW)


def test_a_pattern_that_backtracks_elsewhere_answers_at_once() -> None:
    with pytest.raises(InputsRefused):
        validate_inputs({"t": {"type": "string", "pattern": "^(a+)+$"}}, {"t": "a" * 4000 + "!"}, now=NOW)


def test_inputs_larger_than_the_engine_takes_are_refused() -> None:
    spec: dict[str, TypeSpec] = {"t": {"type": "list", "of": {"type": "text"}}}
    with pytest.raises(InputsRefused) as refused:
        validate_inputs(spec, {"t": ["x" * 60_000] * 9}, now=NOW)
    assert fields(refused) == ["inputs"]


def test_a_deep_map_is_refused_with_its_place() -> None:
    deep: object = 1
    for _ in range(12):
        deep = {"a": deep}
    with pytest.raises(InputsRefused) as refused:
        validate_inputs({"m": {"type": "map"}}, {"m": deep}, now=NOW)
    assert fields(refused)[0].startswith("inputs.m.a.a")


@given(
    st.sampled_from(["string", "text", "int", "number", "bool", "timestamp", "duration", "url", "ref", "list", "map"]),
    JSONS,
)
def test_any_json_is_either_refused_or_comes_back_as_canonical_json(kind: str, value: object) -> None:
    try:
        checked = validate_inputs({"x": {"type": kind}}, {"x": value}, now=NOW, relative=True)
    except InputsRefused as refused:
        problems = refused.problems
        checked = None
    if checked is None:
        assert problems
        assert all(problem.field.startswith("inputs") and problem.fix for problem in problems)
    else:
        assert len(canonical(checked)) <= MAX_INPUTS
        assert set(checked) == {"x"}


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9000, 1, 1), timezones=st.just(UTC)))
def test_an_instant_survives(at: datetime) -> None:
    checked = validate_inputs({"t": {"type": "timestamp"}}, {"t": at.isoformat()}, now=NOW)
    assert parse_instant(checked["t"]) == at


def test_relative_instants_count_from_now() -> None:
    assert read_instant("now", NOW) == NOW
    assert read_instant("-40m", NOW) == NOW - timedelta(minutes=40)
    assert read_instant("+2h", NOW) == NOW + timedelta(hours=2)
    with pytest.raises(ValueError):
        read_instant("40m", NOW)
