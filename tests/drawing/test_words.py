"""Text made safe to show, lines broken by width, spans said in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.drawing import join_words, render_span, show_controls, text_width, wrap


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words", "plain words"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("abc\u202edef", "abc‹U+202E›def"),
        ("zero\u200bwidth", "zero‹U+200B›width"),
        ("bell\x07", "bell‹U+0007›"),
        ("line\u2028separator", "line‹U+2028›separator"),
        ("tag\U000e0041", "tag‹U+E0041›"),
        ("Überprüfung 日本", "Überprüfung 日本"),
    ],
)
def test_hidden_characters_are_shown_and_plain_ones_left(text: str, shown: str) -> None:
    assert show_controls(text) == shown


@given(st.text(max_size=200), st.integers(20, 300), st.integers(1, 4), st.booleans())
def test_lines_fit_and_lose_nothing_unless_cut(text: str, width: int, lines: int, bold: bool) -> None:
    rows = wrap(text, width, 11, lines=lines, bold=bold)
    assert len(rows) <= lines
    assert all(text_width(row, 11, bold=bold) <= width + 22 for row in rows)
    if not rows or not rows[-1].endswith("…"):
        assert "".join(rows).replace(" ", "") == "".join(show_controls(text).split())


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0s"),
        (0.012, "12ms"),
        (45, "45s"),
        (750, "12m 30s"),
        (5400, "1h 30m"),
        (3600, "1h"),
        (3605, "1h"),
        (604800, "7d"),
        (90061, "1d 1h"),
        (-180, "-3m"),
    ],
)
def test_a_span_is_said_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert render_span(seconds) == words


def test_words_are_joined_as_people_do() -> None:
    assert join_words([]) == ""
    assert join_words(["a"]) == "a"
    assert join_words(["a", "b", "c"]) == "a, b and c"
    assert join_words(["a", "b"], "or") == "a or b"
