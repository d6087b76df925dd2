"""Recorded runs give the same commands and end in the same state under the code of today."""

import pytest
from temporalio.client import WorkflowHistory

from tests.replay.histories import STORIES, Recorded, recorded, replay

RECORDED = list(recorded())


def test_every_story_is_recorded() -> None:
    assert {one.name.split(".")[0] for one in RECORDED} == {story.name for story in STORIES}


@pytest.mark.parametrize("one", RECORDED, ids=lambda one: one.name)
async def test_a_recorded_run_replays_to_the_same_state(one: Recorded) -> None:
    history, state = one.read()
    assert await replay(history) == state


async def test_a_run_that_continued_is_recorded_whole() -> None:
    continued = [one for one in RECORDED if one.name.startswith("clarified-continued.")]
    assert len(continued) > 1


async def test_a_history_of_other_commands_is_noticed() -> None:
    (clean,) = [one for one in RECORDED if one.name == "clean.0"]
    history, _ = clean.read()
    text = history.to_json()
    assert text.count("order.authenticate")
    other = WorkflowHistory.from_json(history.workflow_id, text.replace('"order.authenticate"', '"order.approve"'))
    with pytest.raises(Exception, match=r"[Nn]ondeterminism"):
        await replay(other)
