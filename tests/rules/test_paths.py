"""The walk over all ways at once finds what trying every way, one at a time, finds."""

from typing import Any

from hypothesis import HealthCheck, assume, given, settings

from tests.rules.plans import EveryWay, TooMany, blocks, whole
from watchfloor.language.proof.paths import find_paths
from watchfloor.language.proof.walk import steps_of


@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(blocks(2))
def test_silence_reaches_exactly_the_effects_that_some_way_reaches_in_silence(phases: list[dict[str, Any]]) -> None:
    plan: Any = whole(phases)
    try:
        every = EveryWay(plan)
    except TooMany:
        assume(False)
    paths = find_paths(plan)
    found = {
        step["id"]
        for step in steps_of(plan)
        if step["kind"] == "action"
        and step["effect"] != "reads"
        and step["approval"] is None
        and (state := paths.before.get(step["path"])) is not None
        and state.silences
    }
    assert found == every.acted
