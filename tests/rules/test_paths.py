"""The walk over all ways at once finds what trying every way, one at a time, finds."""

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

from tests.rules.plans import EveryWay, TooMany, blocks, common, whole
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


TASK = common("task", on_silence={"then": "fail"})
SILENT = common("wait", for_=None, until=None, fact="f", within=60.0, on_timeout="continue")
ACT = common("action", effect="restricts", approval=None)


@pytest.mark.parametrize(
    ("branches", "join", "acted"),
    [
        # somebody decided in one of the branches that all are waited for
        ([[TASK], [SILENT]], "all", True),
        ([[TASK], []], "all", False),
        ([[], []], "all", True),
        # the branch that comes first need not be the one that asks
        ([[TASK], []], "any", True),
    ],
)
def test_what_is_open_after_a_parallel_block(branches: list[list[Any]], join: str, acted: bool) -> None:
    both = common("parallel", branches={f"b{n}": steps for n, steps in enumerate(branches)}, join=join)
    plan: Any = whole([SILENT, both, ACT])
    paths = find_paths(plan)
    last = list(steps_of(plan))[-1]
    assert bool(paths.before[last["path"]].silences) is acted
    assert bool(EveryWay(plan).acted) is acted
