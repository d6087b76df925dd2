"""What free text must not carry across a region, however it is spelled; what ordinary packets hold passes."""

import pytest

from watchfloor.regions.recognisers import recognise, texts_in

PASSES = [
    "https://example.test/v/1",
    "https://example.test/@channel/video/7123456789012345678",
    "2026-11-22T10:00:00Z",
    "2026-11-22T10:00:00.123456+01:00",
    "DE-2026-17",
    "sha256:" + "1" * 64,
    "EU terrorist content removal order (one hour)",
    "Regulation 2021/784, Article 3",
    "12:30:11",
    "version 1.2.3",
    "inc-abcdefghij234567klmn",
]

REFUSED = {
    "write to someone@example.test": "e-mail",
    "someone＠example.test": "e-mail",
    "someone (at) example.test": "e-mail",
    "https://example.test/?m=someone%40example.test": "e-mail",
    "https://example.test/?m=someone%2540example.test": "e-mail",
    "as @somebody says": "handle",
    "seen from 192.0.2.17": "IP",
    "seen from 2001:db8::17": "IP",
    "https://192.0.2.17/v/1": "IP",
    "https://someone:word@example.test/": "user name",
    "+44 20 7946 0000": "telephone",
    "(555) 010-9999": "telephone",
    "030 123 4567": "telephone",
    "number 123456789": "nine or more digits",
    "number １２３４５６７８９": "nine or more digits",
    "123456789": "nine or more digits",
    "some\u202etxet": "invisible",
    "so\u200bme": "invisible",
    "line\x00": "invisible",
    "https://example.test/ 123456789": "nine or more digits",
    "2026-11-22T10:00:00Z someone@example.test": "e-mail",
}


@pytest.mark.parametrize("text", PASSES)
def test_ordinary_texts_pass(text: str) -> None:
    assert recognise(text) is None


@pytest.mark.parametrize("text", REFUSED)
def test_persons_data_is_recognised(text: str) -> None:
    assert REFUSED[text] in str(recognise(text))


def test_every_text_of_a_value_is_looked_at() -> None:
    value = {"a": ["x", {"b": "y"}], "c": 7, "d": None, "e": True}
    assert {text for _, text in texts_in(value, "v")} == {"a", "x", "b", "y", "c", "7", "d", "e"}
