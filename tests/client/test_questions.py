"""Which question an answer is for: by its number, or the only one that waits."""

from typing import Any, cast

import pytest

from schemas.decision import MOTION, OpenAsk
from watchfloor.client.errors import Refused
from watchfloor.client.motions import find_question
from watchfloor.signing import SigningKey, envelope_digest, sign

KEY = SigningKey.from_bytes(b"\x05" * 32)


def said(verb: str, nonce: str, **about: Any) -> Any:
    return sign(MOTION, {"verb": verb, "person": "lena", "role": "legal_counsel", "about": about, "nonce": nonce}, KEY)


def ask(*motions: Any) -> OpenAsk:
    return cast(OpenAsk, {"step": "doubt", "motions": list(motions), "answers": []})


def test_where_nothing_was_asked_the_refusal_says_so() -> None:
    with pytest.raises(Refused, match="no question waits for an answer at `doubt`"):
        find_question(ask())


def test_the_only_one_that_waits_need_not_be_named() -> None:
    first, second = said("question", "1"), said("question", "2")
    answer = said("answer", "3", question=envelope_digest(first))
    assert find_question(ask(first, second, answer)) == envelope_digest(second)


def test_of_several_that_wait_one_must_be_named_by_its_number() -> None:
    first, second = said("question", "1"), said("question", "2")
    with pytest.raises(Refused, match="2 of 2 questions"):
        find_question(ask(first, second))
    assert find_question(ask(first, second), 2) == envelope_digest(second)
    with pytest.raises(Refused, match="no 3"):
        find_question(ask(first, second), 3)
