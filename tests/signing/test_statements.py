"""Signed statements: what verifies, and the kinds of forgery that do not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decision import DECISION, FACT, Envelope
from watchfloor.signing import SignatureRefused, SigningKey, canonical, envelope_digest, opaque_id, sign, verify

KEY = SigningKey.from_bytes(bytes(range(32)))
OTHER = SigningKey.from_bytes(bytes(range(1, 33)))
KEYS = {KEY.kid: KEY.public}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(body=st.dictionaries(st.text(max_size=6), JSON, max_size=4))
def test_what_was_signed_verifies_and_comes_back_as_it_was(body: dict[str, Any]) -> None:
    assert verify(sign(DECISION, body, KEY), DECISION, KEYS) == body


def forged(change: Any) -> Envelope:
    envelope = sign(DECISION, {"person": "counsel-1", "option": "approve"}, KEY)
    change(envelope)
    return envelope


@pytest.mark.parametrize(
    "change",
    [
        lambda e: e.update(domain=FACT),
        lambda e: e.update(kid=OTHER.kid),
        lambda e: e["body"].update(option="deny"),
        lambda e: e["body"].update(extra=1),
        lambda e: e["body"].pop("option"),
        lambda e: e.update(sig=e["sig"][:-2] + "AA"),
        lambda e: e.update(sig="not base64 !"),
        lambda e: e.update(sig=e["sig"] + "=="),
        lambda e: e.update(sig=""),
        lambda e: e.update(body=["approve"]),
        lambda e: e.update(body={"n": float("nan")}),
        lambda e: e.pop("sig"),
        lambda e: e.pop("body"),
    ],
)
def test_a_changed_envelope_is_refused(change: Any) -> None:
    with pytest.raises(SignatureRefused):
        verify(forged(change), DECISION, KEYS)


def test_a_statement_of_another_kind_is_refused_even_with_a_good_signature() -> None:
    with pytest.raises(SignatureRefused, match=r"signed for"):
        verify(sign(FACT, {"fact": "x"}, KEY), DECISION, KEYS)


def test_a_key_under_another_keys_id_is_refused() -> None:
    with pytest.raises(SignatureRefused, match="does not match its id"):
        verify(sign(DECISION, {}, KEY), DECISION, {KEY.kid: OTHER.public})


def test_an_oversize_statement_is_refused() -> None:
    with pytest.raises(SignatureRefused, match="larger than"):
        verify(sign(DECISION, {"x": "a" * 70_000}, KEY), DECISION, KEYS)


def test_the_digest_of_a_statement_ignores_who_signed_it_twice() -> None:
    envelope = sign(DECISION, {"n": 1}, KEY)
    again: Envelope = {**envelope, "sig": "x"}
    assert envelope_digest(envelope) == envelope_digest(again)
    assert envelope_digest(envelope) != envelope_digest(sign(DECISION, {"n": 2}, KEY))


def test_ids_reveal_nothing_and_depend_on_the_secret() -> None:
    first = opaque_id("inc", b"secret-a", "runbook", "mailbox", "order-17")
    assert first.startswith("inc-")
    assert len(first) == 24
    assert first != opaque_id("inc", b"secret-b", "runbook", "mailbox", "order-17")
    assert opaque_id("inc", b"s", "a", "bc") != opaque_id("inc", b"s", "ab", "c")


def test_numbers_json_cannot_carry_are_refused() -> None:
    for value in (float("nan"), float("inf"), 2**60):
        with pytest.raises(ValueError, match="not canonical JSON"):
            canonical({"n": value})
