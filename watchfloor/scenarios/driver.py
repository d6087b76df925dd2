"""The workflow that lets people and systems speak at their moment of a scenario's skipped time.

It runs on the same time-skipping server as the run it plays to, so its timers and the run's fire in one order, and no
moment is skipped past. It lives as long as the scenario does and survives nothing.
"""

import asyncio
from datetime import timedelta

from temporalio import workflow
from typing_extensions import TypedDict

DRIVER = "ScenarioDriver"
SAY = "scenario.say"
OVER = "scenario.over"
CUE = "cue"


class Cue(TypedDict):
    """Somebody is to speak. `part` and `index` name the entry of the scenario; `after` is in seconds from now."""

    part: str
    index: int
    workflow: str
    path: str
    after: float


class Script(TypedDict):
    """`cues` count from the start; `until` seconds later the scenario is over."""

    cues: list[Cue]
    until: float


@workflow.defn(name=DRIVER)
class ScenarioDriver:
    """Waits out each cue's time and speaks through the `scenario.say` activity, which is never tried twice."""

    @workflow.init
    def __init__(self, script: Script) -> None:
        self._speaking = [asyncio.create_task(self._speak(cue)) for cue in script["cues"]]

    @workflow.run
    async def run(self, script: Script) -> None:
        await workflow.sleep(timedelta(seconds=script["until"]))
        await workflow.execute_activity(OVER, start_to_close_timeout=timedelta(seconds=60))

    @workflow.signal(name=CUE)
    def cue(self, cue: Cue) -> None:
        self._speaking.append(asyncio.create_task(self._speak(cue)))

    async def _speak(self, cue: Cue) -> None:
        if cue["after"] > 0:
            await workflow.sleep(timedelta(seconds=cue["after"]))
        await workflow.execute_activity(SAY, cue, start_to_close_timeout=timedelta(seconds=60))
