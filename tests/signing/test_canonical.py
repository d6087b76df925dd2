"""Canonical bytes are those of the reference implementation, whichever encoder writes them."""

from typing import Any

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from watchfloor.signing import canonical

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-1000, 1000).map(float),
    st.text(st.characters(exclude_categories=["Cs"])),
)
KEYS = st.one_of(st.text(st.characters(max_codepoint=127)), st.text(st.characters(exclude_categories=["Cs"])))
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=30,
)


@settings(max_examples=400, deadline=None)
@given(VALUES)
@example({"\U0001f600": 1, "\ufb33": 2})
@example({"b": -0.0, "a": 1e21, "c": [60.0, 0.1, 2**53 - 1.0]})
@example('\x00\x08\x0b\x1f\x7f\u2028"\\/')
def test_the_bytes_are_those_of_the_reference(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, -(2**53), {1: 2}, {"a": {True: 1}}, "\ud800"])
def test_what_json_cannot_carry_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical({"deep": [value]})
