"""Sees to what is owed to people after a panic or an S0: beside the gateway, until it stops.

Hands back what a face could not, and pages the wellness officer when a call or a check-in is due. The page names
nobody: the officer looks at `watchfloor wellness checkins`.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

import structlog

from watchfloor.client.errors import ClientError
from watchfloor.client.face import Face
from watchfloor.client.relief import read_who, relieve
from watchfloor.client.sign_in import SignIn, Way
from watchfloor.connections.port import CallFailed, Notice, Notifier
from watchfloor.signing import render_instant
from watchfloor.wellness import WellnessUnavailable
from watchfloor.wellness.sight import OFFICER

EVERY = 10.0
"""Seconds between two looks; far less than the five minutes within which a task is handed on."""
AT_ONCE = "call"
"""The kind about which the officer is paged before it is due."""

log = structlog.get_logger(__name__)


async def keep_looking_in(face: Face, notifier: Notifier) -> None:
    """Look for ever. A store, an engine or a channel that does not answer is only waited for."""
    said = set[str]()
    while True:
        try:
            await look_in(face, notifier, now=datetime.now(UTC), said=said)
        except (WellnessUnavailable, ClientError) as error:
            log.warning("follow-ups wait", error=type(error).__name__)
        await asyncio.sleep(EVERY)


async def look_in(face: Face, notifier: Notifier, *, now: datetime, said: set[str] | None = None) -> int:
    """Hand back what is owed to be, and page the officer about calls at once and check-ins when they are due.

    Gives how many pages were sent.

    Args:
        said: what has been said in the log already and need not be again.

    Raises:
        WellnessUnavailable, ClientError: nothing more can be done now.
    """
    if face.wellness is None:
        return 0
    care, sent = face.wellness.care, 0
    for one in await asyncio.to_thread(care.open_ones):
        if one.kind == "reassign":
            # said with the sign-in of the moment in which they pressed: nobody is at a face now
            way, methods = await asyncio.to_thread(care.pressed_as, one.person)
            someone = read_who(face, one.person, await asyncio.to_thread(care.pressed_by, one.person))
            if someone is None and face.people.find(one.person) is None:
                _say_unknown(one.id, said)
                continue
            await relieve(face, one.person, signed_in=SignIn(cast(Way, way), methods, someone), now=now)
            continue
        due = not one.told and (one.kind == AT_ONCE or one.due_at <= now)
        if due and await _page(face, notifier, one.id, render_instant(one.due_at), now):
            await asyncio.to_thread(care.told, one.id, now=now)
            sent += 1
    return sent


def _say_unknown(id_: str, said: set[str] | None) -> None:
    """Once for each: whoever it is, nobody can speak for them, and the log does not name them."""
    if said is None or id_ not in said:
        log.error("after a panic nothing can be handed back: neither the directory nor a sign-in knows them", owed=id_)
    if said is not None:
        said.add(id_)


async def _page(face: Face, notifier: Notifier, id_: str, due_at: str, now: datetime) -> bool:
    """Whether a channel of the wellness officer took it."""
    names: Sequence[str] = face.people.contacts(OFFICER, face.region)
    took = False
    for name in names:
        notice = Notice(f"wellness-{id_}", "wellness", face.region, "", "", "", "", now, due_at, (OFFICER,))
        try:
            await notifier.deliver(name, notice)
            took = True
        except CallFailed as error:
            log.warning("notice not delivered", channel=name, error=error.type)
    return took
