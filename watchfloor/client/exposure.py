"""Exposure at the face: asked of the wellness store before a task is taken, told to it when the task is done.

The run knows nothing of it: what a person has opted in to, and how much is left of a cap, travels nowhere.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from watchfloor.client.asks import AskAt
from watchfloor.client.errors import EngineUnavailable, Refused
from watchfloor.client.face import Face
from watchfloor.signing.tasks import COMMANDER, end_of_claim
from watchfloor.wellness import WellnessUnavailable
from watchfloor.wellness.desk import task_mark

EXPOSURE = "exposure"
"""Type of a refusal that speaks of what a person is exposed to; its words are for that person alone."""


def mark_of(at: AskAt) -> str:
    """The task as the wellness store knows it."""
    return task_mark(at.workflow, at.ask["path"], at.ask["asked_at"])


@asynccontextmanager
async def exposed(face: Face, at: AskAt, person: str, now: datetime) -> AsyncIterator[str]:
    """Around the claim of a task: begins the exposure if this person may have it; takes it back when the claim fails.

    Gives words for the person, mostly none.

    Raises:
        Refused: not for this person now; says why, to them alone.
        EngineUnavailable: nobody can say whether they may, so nothing was claimed.
    """
    exposure = at.ask.get("exposure", "")
    if face.wellness is None or not exposure:
        yield ""
        return
    desk, task = face.wellness, mark_of(at)
    try:
        verdict = await asyncio.to_thread(
            desk.begin, person, exposure, task, end_of_claim(at.ask, now), run=task_mark(at.workflow), now=now
        )
    except WellnessUnavailable as error:
        raise EngineUnavailable(f"{error}; nothing was claimed") from error
    if not verdict.allowed:
        raise Refused(EXPOSURE, f"`{at.ask['step']}`: {verdict.words}")
    try:
        yield verdict.words
    except Refused:
        with contextlib.suppress(WellnessUnavailable):
            await asyncio.to_thread(desk.undo, person, task, began=now)
        raise


async def require_claimed(face: Face, at: AskAt, person: str, role: str, now: datetime) -> None:
    """Before a report: what exposes is claimed first, so that it was asked about and is counted.

    Raises:
        Refused: this person has not claimed it.
        EngineUnavailable: nobody can say.
    """
    if face.wellness is None or "exposure" not in at.ask or at.ask["kind"] != "task" or role == COMMANDER:
        return
    try:
        has = await asyncio.to_thread(face.wellness.has, person, mark_of(at), now=now)
    except WellnessUnavailable as error:
        raise EngineUnavailable(f"{error}; nothing was sent") from error
    if not has:
        raise Refused(
            EXPOSURE,
            f"`{at.ask['step']}` exposes to `{at.ask['exposure']}` and is claimed before it is done; "
            f"`watchfloor claim {at.workflow} {at.ask['step']} --as {person}` first",
        )


async def end_exposure(face: Face, at: AskAt, person: str, now: datetime) -> None:
    """After somebody answered, or a task of theirs was handed back: what it exposed to is over; after an S0 they rest.

    A store that does not answer holds nobody up: the exposure then counts until
    the claim's own end, never shorter than it was."""
    if face.wellness is None:
        return
    with contextlib.suppress(WellnessUnavailable):
        if "exposure" in at.ask:
            await asyncio.to_thread(face.wellness.end, mark_of(at), now=now)
        if at.board["severity"] == "S0":
            await asyncio.to_thread(face.wellness.care.after_s0, person, task_mark(at.workflow), now=now)
