"""Order files are read strictly, and the same order keeps the same key."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.client.errors import InputsRefused, NotFound
from watchfloor.client.library import find_runbook
from watchfloor.client.orders import MAX_ORDER, Order, read_order, read_order_file

NOW = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)


def test_a_wrapped_order_keeps_the_senders_key() -> None:
    text = json.dumps({"source": "perci", "key": "DE-1", "received_at": "-40m", "inputs": {"a": 1}})
    assert read_order(text.encode(), name="o", now=NOW) == Order("perci", "DE-1", "2026-11-22T02:30:00Z", "", {"a": 1})


def test_plain_inputs_are_keyed_by_their_content() -> None:
    first = read_order(b'{"a": 1}', name="o", now=NOW)
    assert first.source == "file"
    assert first.key == read_order(b'{"a": 1}', name="p", now=NOW).key
    assert first.key != read_order(b'{"a": 2}', name="o", now=NOW).key


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b"", "o"),
        (b"[1]", "o"),
        (b'{"a": 1, "a": 2}', "o"),
        (b'{"a": NaN}', "o"),
        (b"[" * 100_000, "o"),
        (b"\xff\xfe", "o"),
        (b'{"inputs": {}, "key": "k"}', "order.source"),
        (b'{"inputs": {}, "key": "", "source": "s"}', "order.key"),
        (b'{"inputs": [], "key": "k", "source": "s"}', "order.inputs"),
        (b'{"inputs": {}, "key": "k", "source": "s", "priority": 1}', "order.priority"),
        (b'{"inputs": {}, "key": "k", "source": "s", "received_at": 5}', "order.received_at"),
        (b'{"inputs": {}, "key": "k", "source": "s", "received_at": "2026-11-22"}', "order.received_at"),
        (b'{"inputs": {}, "key": "k", "source": "s", "received_at": "+2m"}', "order.received_at"),
        (b'{"inputs": {}, "key": "k", "source": "s", "known_at": "+2m"}', "order.known_at"),
        (b'{"inputs": {}, "key": "k", "source": "s", "known_at": 5}', "order.known_at"),
        (b'{"inputs": {}, "key": "k", "source": "s", "content": [1]}', "order.content[0]"),
        (b'{"inputs": {}, "key": "k", "source": "s", "content": ["a", " "]}', "order.content[1]"),
        (b'{"inputs": {}, "key": "k", "source": "s", "account": {"id": 1}}', "order.account"),
        (b'{"inputs": {}, "key": "k", "source": "s", "account": "\xe2\x80\xaeab"}', "order.account"),
    ],
)
def test_a_faulty_order_is_refused_by_the_fields_name(text: bytes, named: str) -> None:
    with pytest.raises(InputsRefused) as refused:
        read_order(text, name="o", now=NOW)
    assert [problem.field for problem in refused.value.problems] == [named]


def test_an_order_is_capped_before_it_is_parsed(tmp_path: Path) -> None:
    large = tmp_path / "large.json"
    large.write_bytes(b" " * (MAX_ORDER + 1))
    with pytest.raises(InputsRefused, match="split it"):
        read_order_file(large, now=NOW)
    with pytest.raises(InputsRefused, match="check the path"):
        read_order_file(tmp_path / "none.json", now=NOW)


@given(st.binary(max_size=200))
def test_any_bytes_are_either_an_order_or_refused(content: bytes) -> None:
    try:
        read: Order | InputsRefused = read_order(content, name="o", now=NOW)
    except InputsRefused as refused:
        read = refused
    assert isinstance(read, Order) or read.problems


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b'{"a": 1,\n  b}', "line 2, column 3"),
        (b'{"a": ' + b"9" * 6000 + b"}", "a number that cannot be carried"),
        (b'{"a": NaN}', "a number that cannot be carried"),
        (b'{"inputs": ' + b"[" * 90_000, "nested too deeply"),
    ],
    ids=["empty", "bytes", "syntax", "digits", "nan", "deep"],
)
def test_what_is_no_order_says_what_was_found(content: bytes, found: str) -> None:
    with pytest.raises(InputsRefused, match=found):
        read_order(content, name="order.json", now=datetime.now(UTC))


def test_a_runbook_by_an_endless_name_is_not_found() -> None:
    with pytest.raises(NotFound, match="no runbook `xxx"):
        find_runbook("x" * 5000)


def test_an_order_may_say_what_it_is_about_and_since_when_that_is_known() -> None:
    text = {"source": "s", "key": "k", "inputs": {}, "content": ["h1", "h2", "h1"], "account": "a1", "known_at": "-3d"}
    order = read_order(json.dumps(text).encode(), name="o", now=NOW)
    assert (order.content, order.account, order.known_at) == (("h1", "h2"), ("a1",), "2026-11-19T03:10:00Z")
    many = {**text, "content": [f"h{number}" for number in range(101)]}
    with pytest.raises(InputsRefused, match="at most 100"):
        read_order(json.dumps(many).encode(), name="o", now=NOW)
