"""The time axis: to scale where something happens, folded where nothing does, never out of order."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from watchfloor.postmortem.axis import TICK_ROOM, lay_axis

START = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@given(st.lists(st.integers(0, 10_000_000), min_size=1, max_size=60))
def test_the_axis_keeps_order_and_stays_within_its_edges(seconds: list[int]) -> None:
    axis = lay_axis([at(one) for one in seconds], 100, 1000)
    places = [axis.x(at(one)) for one in sorted(seconds)]
    assert places == sorted(places)
    assert all(100 <= place <= 1000.001 for place in places)
    ticks = [x for x, _ in axis.ticks()]
    assert all(later - earlier >= TICK_ROOM for earlier, later in pairwise(ticks))


def test_a_long_empty_stretch_is_folded_and_says_how_long_it_was() -> None:
    axis = lay_axis([at(one) for one in (0, 1, 2, 3, 4, 7204, 7205, 7206)], 0, 1000)
    assert [words for _, _, words in axis.folds()] == ["2h"]
    assert axis.x(at(4)) - axis.x(at(3)) > 100, "what happened keeps its room"


def test_two_instants_are_never_folded_away() -> None:
    assert lay_axis([at(0), at(86_400)], 0, 1000).folds() == []


def test_what_lies_outside_is_drawn_at_the_edge() -> None:
    axis = lay_axis([at(0), at(10)], 0, 1000)
    assert axis.x(at(-5)) == 0
    assert axis.x(at(99)) == 1000


def test_the_date_is_said_where_the_day_changes() -> None:
    labels = [label for _, label in lay_axis([at(0), at(43_200), at(86_400)], 0, 1000).ticks()]
    assert labels[0].startswith("22 Nov ")
    assert sum(1 for label in labels if "Nov" in label) == 2
