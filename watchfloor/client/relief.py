"""Taking from a person, at their word, everything they have claimed; nothing but "reassigned" is left behind."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from watchfloor.client.asks import family
from watchfloor.client.errors import ClientError
from watchfloor.client.face import Face
from watchfloor.client.runs import list_incidents
from watchfloor.client.statements import DEV, SignIn
from watchfloor.client.tasks import hand_back_task
from watchfloor.identity.people import Person
from watchfloor.signing import parse_instant

MOST_RUNS = 1000
"""Incidents that are looked through, the latest first."""


def write_who(signed_in: SignIn) -> dict[str, Any] | None:
    """What has to be kept of a sign-in so that `read_who` knows the person later; None where the directory does."""
    if signed_in.person is None:
        return None
    return {**asdict(signed_in.person), "contacts": []}


def read_who(face: Face, person: str, kept: Mapping[str, Any] | None) -> Person | None:
    """Somebody whom the directory does not know, as they were when they pressed; None leaves it to the directory.

    For handing back alone, which takes a role and gives none.
    """
    if kept is None or face.people.find(person) is not None:
        return None
    lists = ("roles", "contacts", "clearances", "languages")
    said: dict[str, Any] = {name: tuple(value) if name in lists else value for name, value in kept.items()}
    found = Person(**said)
    return found if (found.id, found.region) == (person, face.region) else None


async def hand_everything_back(
    face: Face, person: str, *, signed_in: SignIn = DEV, now: datetime | None = None
) -> tuple[int, bool]:
    """Hand back every task that this person has, in their name.

    Gives how many, and whether nothing is left: False when a run did not answer, so it must be tried again.

    Raises:
        EngineUnavailable: the engine does not say which incidents are open.
    """
    now = now or datetime.now(UTC)
    given, complete = 0, True
    for run in await list_incidents(face, limit=MOST_RUNS):
        if run.closed_at is not None:
            continue
        try:
            found = await family(face, run.incident)
            for at in found.asks:
                claim = at.ask.get("claim")
                has = claim is not None and claim["person"] == person and now < parse_instant(claim["until"])
                if at.ask["kind"] == "task" and (has or at.ask.get("person") == person):
                    path = at.ask["path"]
                    await hand_back_task(face, at.workflow, path, person=person, signed_in=signed_in, now=now)
                    given += 1
        except ClientError:
            complete = False  # it is tried again; one run that does not answer holds up none of the others
    return given, complete


async def relieve(face: Face, person: str, *, signed_in: SignIn = DEV, now: datetime | None = None) -> tuple[int, bool]:
    """Hand everything back and, when nothing is left, write down that it is done."""
    now = now or datetime.now(UTC)
    given, complete = await hand_everything_back(face, person, signed_in=signed_in, now=now)
    if complete and face.wellness is not None:
        care = face.wellness.care
        for one in await asyncio.to_thread(care.open_ones, person):
            if one.kind == "reassign":
                await asyncio.to_thread(care.done, one.id, by=person, now=now)
    return given, complete
