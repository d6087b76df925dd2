"""What an answer means, when to come again, how fast to call."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.actions import ErrorType
from watchfloor.connections.answers import LONGEST_RETRY_AFTER, Outcome, classify, read_retry_after
from watchfloor.connections.bindings import Rate, Success
from watchfloor.connections.port import CallFailed
from watchfloor.connections.rates import Bucket
from watchfloor.connections.templates import Unfillable, fill, pick

NOW = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", timedelta()),
        ("7", timedelta(seconds=7)),
        (" 7 ", timedelta(seconds=7)),
        ("999999999999", LONGEST_RETRY_AFTER),
        ("Sun, 22 Nov 2026 03:10:30 GMT", timedelta(seconds=30)),
        ("Sun, 22 Nov 2026 03:00:00 GMT", timedelta()),
        ("Mon, 22 Nov 2027 03:00:00 GMT", LONGEST_RETRY_AFTER),
        ("-5", None),
        ("soon", None),
        ("٧", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_and_bounded(text: str | None, expected: timedelta | None) -> None:
    assert read_retry_after(text, now=NOW) == expected


@given(status=st.integers(100, 599), body=st.binary(max_size=20))
def test_every_answer_has_one_meaning(status: int, body: bytes) -> None:
    clear_no = 400 <= status < 500 and status not in {408, 409, 425}
    failure = failure_of(Outcome(status, None, body))
    if failure is None:
        assert 200 <= status < 300
    else:
        assert failure.type in {ErrorType.UNAVAILABLE, ErrorType.REFUSED}
        # only a clear no of the target says that nothing happened
        assert failure.possible != clear_no


def failure_of(outcome: Outcome) -> CallFailed | None:
    try:
        classify(outcome, now=NOW)
    except CallFailed as failure:
        return failure
    return None


@pytest.mark.parametrize(
    ("found", "holds"), [(True, True), (1, False), ("true", False), (None, False), (False, False), ([], False)]
)
def test_a_predicate_does_not_take_one_type_for_another(found: object, holds: bool) -> None:
    assert Success(at="ok", equals=True).holds(found) is holds


def test_a_predicate_may_list_what_counts() -> None:
    success = Success(at="code", one_of=[0, "ok"])
    assert [success.holds(value) for value in (0, "ok", False, 1)] == [True, True, False, False]


@pytest.mark.parametrize("path", ["a.9", "a.-1", "b", "a.0.c.d", "a.x"])
def test_what_is_not_there_is_not_there(path: str) -> None:
    assert pick({"a": [{"c": 1}]}, path) == (False, None)


def test_placeholders_keep_types_and_run_no_code() -> None:
    values = {"n": 3, "flag": True, "list": [1, {"a": 2}], "text": "{n} ${n} {{n}}"}
    template = {"n": "{n}", "list": "{list}", "text": "{text}", "inside": "n={n} flag={flag}", "plain": "{N} {0} {a.b}"}
    assert fill(template, values) == {
        "n": 3,
        "list": [1, {"a": 2}],
        "text": "{n} ${n} {{n}}",
        "inside": "n=3 flag=true",
        "plain": "{N} {0} {a.b}",
    }


@pytest.mark.parametrize("template", ["{missing}", "x {missing}", "x {list}", {"a": ["{missing}"]}])
def test_a_placeholder_that_cannot_be_filled_is_refused(template: object) -> None:
    with pytest.raises(Unfillable):
        fill(template, {"list": [1]})


def test_a_bucket_gives_its_burst_then_its_rate() -> None:
    now = 0.0
    bucket = Bucket(Rate(per_second=10.0, burst=3), clock=lambda: now)
    assert [bucket.reserve(0.5) for _ in range(5)] == pytest.approx([0.0, 0.0, 0.0, 0.1, 0.2])
    assert bucket.reserve(0.25) is None
    now = 10.0
    assert [bucket.reserve(0) for _ in range(4)] == [0.0, 0.0, 0.0, None]


@given(st.lists(st.floats(0, 0.5), max_size=40))
def test_no_second_sees_more_than_burst_and_rate(pauses: list[float]) -> None:
    now = 0.0
    bucket = Bucket(Rate(per_second=5.0, burst=2), clock=lambda: now)
    starts = []
    for pause in pauses:
        now += pause
        wait = bucket.reserve(1.0)
        if wait is not None:
            starts.append(now + wait)
    assert all(sum(at <= start < at + 1 for start in starts) <= 2 + 5 + 1 for at in starts)
