"""What a person types to approve less, made into what is left."""

from typing import Any

import pytest

from tests.signing.test_gates import make_ask
from watchfloor.client.errors import Refused
from watchfloor.client.narrowing import read_narrowing

NARROWS: Any = {
    "codes": {"by": "items"},
    "numbers": {"by": "items"},
    "scope": {"by": "scope", "inside": {"global": ["eu"], "eu": ["DE"]}},
}
ASK = make_ask(
    inputs={"codes": ["a", "b", "a"], "numbers": [1, 2, 3], "scope": "global", "order": "A-1"},
    narrows={"inputs": NARROWS, "item": None},
)


@pytest.mark.parametrize(
    ("to", "leave_out", "left"),
    [
        ({"scope": ["DE"]}, [], {"scope": "DE"}),
        ({"codes": ["b"]}, [], {"codes": ["b"]}),
        ({"codes": ["a"]}, [], {"codes": ["a", "a"]}),
        ({}, ["a"], {"codes": ["b"]}),
        ({}, ["b", "2"], {"codes": ["a", "a"], "numbers": [1, 3]}),
        ({"numbers": ["3", "1"], "scope": ["eu"]}, [], {"numbers": [1, 3], "scope": "eu"}),
        ({"numbers": ["1", "2"]}, ["2"], {"numbers": [1]}),
    ],
)
def test_what_is_typed_becomes_what_is_left_in_the_order_that_was_asked(
    to: dict[str, list[str]], leave_out: list[str], left: dict[str, Any]
) -> None:
    assert read_narrowing(ASK, to, leave_out) == left


@pytest.mark.parametrize(
    ("to", "leave_out", "says"),
    [
        ({}, [], "say what is left (--to INPUT=VALUE) or left out"),
        ({"order": ["A"]}, [], "`order` cannot be narrowed here; what can is: codes, numbers, scope"),
        ({"codes": ["c"]}, [], "has no `c`"),
        ({"codes": ["a", "b"]}, [], "expected fewer than the 3"),
        ({"scope": ["DE", "eu"]}, [], "give it once"),
        ({"scope": ["US"]}, [], "expected a scope inside `global`: eu, DE"),
        ({}, ["z"], "`z` is in none of: codes, numbers"),
        ({}, ["a", "b"], "at least one item"),
    ],
)
def test_what_would_not_be_less_is_refused_before_anything_is_signed(
    to: dict[str, list[str]], leave_out: list[str], says: str
) -> None:
    with pytest.raises(Refused, match=r".") as caught:
        read_narrowing(ASK, to, leave_out)
    assert says in str(caught.value)


def test_an_ask_that_declares_nothing_has_nothing_to_narrow() -> None:
    with pytest.raises(Refused, match="can be narrowed; approve it, or say no"):
        read_narrowing(make_ask(), {"url": ["x"]}, [])
