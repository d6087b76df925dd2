"""Taking a task and giving it back, in a person's name: who has it is known to all, and one person has it at a time."""

from dataclasses import replace
from datetime import UTC, datetime

from schemas.decision import OpenAsk, RefusalType
from schemas.json_value import Json
from watchfloor.client.asks import AskAt, family, pick_ask
from watchfloor.client.errors import Refused
from watchfloor.client.exposure import end_exposure, exposed, require_claimed
from watchfloor.client.face import Face
from watchfloor.client.statements import DEV, Sent, SignIn, admit_person, send_control
from watchfloor.signing.tasks import COMMANDER

OVERRULING = (COMMANDER, "wellness_officer")
"""Roles that may take a task from whoever has it."""


async def claim_task(
    face: Face,
    run: str,
    step: str,
    *,
    person: str,
    role: str | None = None,
    signed_in: SignIn = DEV,
    now: datetime | None = None,
) -> Sent:
    """Take a task for as long as it says; claiming it again begins that time anew.

    Raises:
        Refused: it is no task, somebody else has it, this person has no seat there, or is not to be exposed now.
        Ambiguous, NotFound, EngineUnavailable: nothing was sent.
    """
    now = now or datetime.now(UTC)
    someone = admit_person(face, person, signed_in)
    at = await find_task(face, run, step)
    async with exposed(face, at, someone.id, now) as words:
        sent = await _send(face, at, "claim", someone.id, role, seats_of_task(at.ask), signed_in, now)
    return replace(sent, note=words)


async def hand_back_task(
    face: Face,
    run: str,
    step: str,
    *,
    person: str,
    role: str | None = None,
    signed_in: SignIn = DEV,
    now: datetime | None = None,
) -> Sent:
    """Give a task back. Nobody asks why; the others are asked at once, and nothing but that is recorded.

    Raises:
        Refused, Ambiguous, NotFound, EngineUnavailable: as in `claim_task`.
    """
    now = now or datetime.now(UTC)
    admit_person(face, person, signed_in)
    at = await find_task(face, run, step)
    claim = at.ask.get("claim")
    own = claim is not None and claim["person"] == person
    wanted = (*((claim["role"],) if own and claim else OVERRULING), *seats_of_task(at.ask))
    sent = await _send(face, at, "hand_back", person, role, wanted, signed_in, now)
    await end_exposure(face, at, claim["person"] if claim is not None else person, now)
    return sent


async def tick_item(
    face: Face,
    run: str,
    step: str,
    item: str,
    *,
    person: str,
    role: str | None = None,
    signed_in: SignIn = DEV,
    now: datetime | None = None,
) -> Sent:
    """Tick an item of a task's checklist; what is ticked stays so.

    Raises:
        Refused: as in `claim_task`; there is no such item, or it is ticked already.
        Ambiguous, NotFound, EngineUnavailable: nothing was sent.
    """
    now = now or datetime.now(UTC)
    someone = admit_person(face, person, signed_in)
    at = await find_task(face, run, step)
    wanted = (*seats_of_task(at.ask), COMMANDER)
    await require_claimed(face, at, someone.id, role or "", now)
    return await _send(face, at, "tick", someone.id, role, wanted, signed_in, now, item=item)


async def say_to_task(
    face: Face, run: str, step: str, verb: str, *, person: str, role: str | None, item: str, now: datetime
) -> Sent:
    """Say one of the words to a task by its name.

    Raises:
        Refused, Ambiguous, NotFound, EngineUnavailable: as the word's own function.
    """
    if verb == "claim":
        return await claim_task(face, run, step, person=person, role=role, now=now)
    if verb == "hand_back":
        return await hand_back_task(face, run, step, person=person, role=role, now=now)
    return await tick_item(face, run, step, item, person=person, role=role, now=now)


async def find_task(face: Face, run: str, step: str) -> AskAt:
    """The open task that a person means.

    Raises:
        Refused: nothing of that name waits, or it is no task.
        Ambiguous, NotFound, EngineUnavailable: as in `pick_ask` and `family`.
    """
    at = pick_ask(await family(face, run), step)
    if at.ask["kind"] != "task":
        raise Refused(RefusalType.NOT_WAITING, f"`{at.ask['path']}` is a {at.ask['kind']}, not a task; use `decide`")
    return at


def seats_of_task(ask: OpenAsk) -> tuple[str, ...]:
    """The roles that may do a task."""
    return tuple(dict.fromkeys(role for slots in ask["options"].values() for slot in slots for role in slot["any_of"]))


async def _send(
    face: Face,
    at: AskAt,
    verb: str,
    person: str,
    role: str | None,
    speaks_as: tuple[str, ...],
    signed_in: SignIn,
    now: datetime,
    **more: Json,
) -> Sent:
    sent = await send_control(
        face,
        at.workflow,
        verb,
        person=person,
        role=role,
        about={"path": at.ask["path"], "ask": at.ask["ask"], **more},
        speaks_as=speaks_as,
        signed_in=signed_in,
        now=now,
    )
    return replace(sent, path=at.ask["path"])
