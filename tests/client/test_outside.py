"""Where a record of what was done outside belongs, and what it must state: read from the plan, nothing is sent."""

from datetime import UTC, datetime

import pytest

from schemas.plan import Plan
from watchfloor.client.errors import InputsRefused, Refused
from watchfloor.client.library import plan_for_start
from watchfloor.client.outside import fill_outputs, find_doable, find_paths, read_past_instant

NOW = datetime(2026, 11, 28, 5, 0, tzinfo=UTC)
THEN = "2026-11-28T04:10:00Z"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_for_start("eu-tco-removal-order")[0]


@pytest.mark.parametrize(
    ("step", "items", "paths"),
    [
        ("reply", [], ("containment/reply",)),
        ("containment/reply", [], ("containment/reply",)),
        ("disable", ["all"], ("containment/remove[*]/disable",)),
        ("disable", ["1", "3", "3"], ("containment/remove[0]/disable", "containment/remove[2]/disable")),
        ("look", ["1"], ("containment/probe[1]/look",)),
        ("by_hand", [], ("containment/probe/on_exhausted/by_hand",)),
        ("tell_authority", [], ("alongside/imminent_threat/tell_authority",)),
    ],
)
def test_a_record_names_its_step_as_the_run_does(
    plan: Plan, step: str, items: list[str], paths: tuple[str, ...]
) -> None:
    assert find_paths(plan, find_doable(plan, step), items) == paths


@pytest.mark.parametrize(
    ("step", "items"),
    [("disable", []), ("disable", ["0"]), ("disable", ["x"]), ("look", ["all"]), ("reply", ["1"]), ("disable", ["-1"])],
)
def test_items_that_fit_no_loop_are_refused(plan: Plan, step: str, items: list[str]) -> None:
    with pytest.raises(Refused):
        find_paths(plan, find_doable(plan, step), items)


def test_only_what_somebody_can_do_is_recorded(plan: Plan) -> None:
    for step in ("order_doubt", "hold", "nothing"):
        with pytest.raises(Refused, match="`screen`"):
            find_doable(plan, step)


def test_an_instant_that_is_left_out_is_when_it_was_done_and_nothing_else_is_made_up(plan: Plan) -> None:
    assert fill_outputs(find_doable(plan, "disable"), {}, THEN, NOW) == {"disabled_at": THEN}
    look = find_doable(plan, "look")
    given = {"all_gone": "true", "remaining": "0", "seen_at": "-20m"}
    assert fill_outputs(look, given, THEN, NOW) == {
        "all_gone": True,
        "remaining": 0,
        "seen_at": "2026-11-28T04:40:00Z",
    }
    with pytest.raises(InputsRefused, match=r"outputs\.all_gone"):
        fill_outputs(look, {}, THEN, NOW)
    # a threat that nobody has seen is not seen at the time of the screening
    assert "threat_seen_at" not in fill_outputs(find_doable(plan, "screen"), {"imminent": "false"}, THEN, NOW)


def test_what_is_to_come_was_not_done() -> None:
    assert read_past_instant("-10m", "at", NOW) == "2026-11-28T04:50:00Z"
    for text in ("+10m", "2026-11-28T05:00:01Z", "then", "2026-11-28T04:00"):
        with pytest.raises(InputsRefused):
            read_past_instant(text, "at", NOW)
