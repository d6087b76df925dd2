"""What is drawn once is drawn once, for its few seconds and for what it is made of."""

from datetime import UTC, datetime, timedelta

import pytest

from watchfloor.gateway.console.drawn import SPAN, Drawn

NOW = datetime(2026, 11, 22, 3, 10, 5, 300_000, tzinfo=UTC)


def test_within_its_span_a_thing_is_made_once_and_in_the_next_one_anew() -> None:
    drawn, made = Drawn(), list[str]()

    def make(name: str) -> str:
        made.append(name)
        return name

    for at in (NOW, NOW + timedelta(seconds=SPAN - 1), NOW + timedelta(seconds=SPAN)):
        assert drawn.once(("line", "a", 1), at, lambda: make("a")) == "a"
    assert made == ["a", "a"]
    assert drawn.once(("line", "a", 2), NOW + timedelta(seconds=SPAN), lambda: make("changed")) == "changed"


def test_what_is_kept_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchfloor.gateway.console.drawn.MOST", 3)
    drawn = Drawn()
    for nth in range(10):
        assert drawn.once(nth, NOW, lambda nth=nth: nth) == nth  # type: ignore[misc]
        assert len(drawn._made) <= 3
