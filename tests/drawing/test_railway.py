"""The drawn way through a runbook."""

import re
from xml.etree import ElementTree

import pytest

from watchfloor.drawing.railway import WORDS, Mark, Stop, draw_railway


def draw(*stops: Stop) -> str:
    return draw_railway(stops, title="Where", desc="what")


def test_the_same_stops_give_the_same_bytes() -> None:
    stops = (Stop("1 · triage", "line"), Stop("screen", "done", 1), Stop("decide", "waiting", 1, "until 03:20 UTC"))
    assert draw(*stops) == draw(*stops)


@pytest.mark.parametrize("mark", [one for one in WORDS if WORDS[one]])
def test_what_became_of_a_stop_is_told_by_a_word_and_a_shape_of_its_own(mark: Mark) -> None:
    shown = draw(Stop("here", mark))
    assert f">{WORDS[mark]}</text>" in shown
    others = [draw(Stop("here", one)) for one in WORDS if one != mark]
    assert _shapes(shown) not in [_shapes(one) for one in others]


def _shapes(svg: str) -> list[str]:
    """The kinds of shapes, whatever their colours."""
    group = svg[svg.index("<g>") :]
    return list(re.findall(r"<(circle|rect|path|line)\b", group)) + re.findall(r" d=\"([^\"]*)\"", group)


def test_nothing_that_a_title_says_becomes_markup_or_hides() -> None:
    shown = draw(Stop('<script>alert(1)</script>"\u202e', "done", 0, "<b>&"))
    ElementTree.fromstring(shown)
    assert "<script" not in shown
    assert "\u202e" not in shown
    assert "style" not in shown
    assert not re.search(r" (on\w+|href|id)=", shown)


def test_long_names_are_cut_and_deep_ones_stay_inside() -> None:
    shown = draw(*(Stop("a very long name of a step " * 8, "running", depth, "note " * 60) for depth in range(12)))
    widths = [float(found) for found in re.findall(r'<text class="name[^"]*" x="([0-9.]+)"', shown)]
    assert max(widths) < 200
    assert "…" in shown
