"""The comparison says every weakening, calls no strengthening one, and is silent about layout."""

from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.diff.mutations import EXAMPLE, FOUR_EYES, SHIPPED, Mutation, compiled, plan_of, weakenings
from watchfloor.language.diff import Danger, compare, render_text, weakens

ALL = [SHIPPED, FOUR_EYES, EXAMPLE]
WEAKENINGS = [(path, each) for path in ALL for each in weakenings(plan_of(path))]
IDS = [f"{path.parent.name}/{each.name}" for path, each in WEAKENINGS]


@pytest.mark.parametrize("path", ALL, ids=[path.parent.name for path in ALL])
def test_a_runbook_compared_with_itself_has_no_change(path: Path) -> None:
    plan = plan_of(path)
    assert compare(plan, deepcopy(plan)) == ()  # type: ignore[arg-type]


def test_there_are_enough_mutations_to_mean_something() -> None:
    assert len(WEAKENINGS) > 150
    assert {each.area for _, each in WEAKENINGS} >= {
        *(
            "gate",
            "decision",
            "silence",
            "clock",
            "share",
            "undo",
            "hold",
            "effect",
            "step",
            "fact",
            "close",
            "severity",
        ),
    }


@pytest.mark.parametrize(("path", "mutation"), WEAKENINGS, ids=IDS)
def test_each_weakening_is_caught(path: Path, mutation: Mutation) -> None:
    changes = compare(plan_of(path), mutation.plan)  # type: ignore[arg-type]
    weaker = {change.kind.partition(".")[0] for change in changes if change.danger is Danger.WEAKER}
    assert mutation.area in weaker


STRENGTHENINGS = [(path, each) for path, each in WEAKENINGS if each.reversible]


@pytest.mark.parametrize(
    ("path", "mutation"), STRENGTHENINGS, ids=[f"{path.parent.name}/{each.name}" for path, each in STRENGTHENINGS]
)
def test_no_strengthening_is_called_a_weakening(path: Path, mutation: Mutation) -> None:
    changes = compare(mutation.plan, plan_of(path))  # type: ignore[arg-type]
    assert changes
    assert [change for change in changes if change.danger is Danger.WEAKER] == []


@given(st.lists(st.sampled_from(range(len(WEAKENINGS))), min_size=1, max_size=2, unique=True))
@settings(max_examples=60, deadline=None)
def test_the_comparison_is_total_and_sorted_whatever_is_compared(numbers: list[int]) -> None:
    """Also of plans that are weakened twice, or of two different weakenings of different runbooks."""
    plans = [WEAKENINGS[number][1].plan for number in numbers]
    changes = compare(plans[0], plans[-1])  # type: ignore[arg-type]
    assert [change.danger for change in changes] == sorted(change.danger for change in changes)
    assert (not changes) == (plans[0] == plans[-1])
    assert render_text(changes, "a", "b")


@pytest.mark.parametrize(("path", "mutation"), WEAKENINGS[::7], ids=IDS[::7])
def test_what_is_said_of_one_direction_is_said_of_the_other(path: Path, mutation: Mutation) -> None:
    forth = compare(plan_of(path), mutation.plan)  # type: ignore[arg-type]
    back = compare(mutation.plan, plan_of(path))  # type: ignore[arg-type]
    assert bool(forth) == bool(back)
    assert weakens(forth)


def test_comments_order_of_keys_and_layout_say_nothing(tmp_path: Path) -> None:
    text = SHIPPED.read_text()
    other = tmp_path / "runbook.yaml"
    other.write_text("# a comment\n" + text.replace("  - triage:", "\n  # here\n  - triage:"))
    assert compare(compiled(SHIPPED).plan, compiled(other).plan) == ()
