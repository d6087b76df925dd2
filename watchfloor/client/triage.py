"""What people say of severity and of the incident itself: raise, propose to lower, propose to dismiss, declare."""

from dataclasses import dataclass

from schemas.decision import RefusalType
from watchfloor.client.errors import Refused
from watchfloor.client.face import Face
from watchfloor.client.runs import board
from watchfloor.client.statements import COMMANDING, DEV, Sent, SignIn, send_control
from watchfloor.identity.roles import ROLES

SEVERITIES = ("S0", "S1", "S2", "S3", "S4")
SPEAKING = (*COMMANDING, *(role for role in ROLES if role not in COMMANDING))
"""Roles a person speaks as here, those that command first: anybody who has one may say it."""


@dataclass(frozen=True, slots=True)
class Said:
    """What became of it. `proposed`: others are asked now; `before` is the level the run showed."""

    sent: Sent
    before: str
    proposed: bool


async def set_severity(
    face: Face, run: str, level: str, *, person: str, role: str | None = None, reason: str, signed_in: SignIn = DEV
) -> Said:
    """Raise severity, or propose to lower it, whichever the level asks for.

    Raises:
        Refused: the level is none or is what it is already, or the run refuses.
        NotFound, EngineUnavailable: nothing was sent.
    """
    if level not in SEVERITIES:
        raise Refused(RefusalType.BAD_VALUE, f"`{level[:20]}` is no severity; expected one of {', '.join(SEVERITIES)}")
    before = (await board(face, run))["severity"]
    if level == before:
        raise Refused(RefusalType.BAD_VALUE, f"severity is {before} already")
    verb = "raise_severity" if level < before else "propose_severity"
    sent = await send_control(
        face,
        run,
        verb,
        person=person,
        role=role,
        reason=reason,
        about={"level": level},
        speaks_as=SPEAKING,
        signed_in=signed_in,
    )
    return Said(sent, before, verb == "propose_severity")


async def propose_dismissal(
    face: Face, run: str, *, person: str, role: str | None = None, reason: str, signed_in: SignIn = DEV
) -> Said:
    """Dismiss an incident, or propose it where two people must agree.

    Raises:
        Refused, NotFound, EngineUnavailable: nothing was changed.
    """
    before = (await board(face, run))["severity"]
    sent = await send_control(
        face, run, "propose_dismissal", person=person, role=role, reason=reason, speaks_as=SPEAKING, signed_in=signed_in
    )
    after = await board(face, run)
    return Said(sent, before, any(ask["kind"] == "dismissal" for ask in after["asks"]))


async def declare_incident(
    face: Face, run: str, *, person: str, role: str | None = None, reason: str, signed_in: SignIn = DEV
) -> Said:
    """Make an incident of a case, for good.

    Raises:
        Refused, NotFound, EngineUnavailable: nothing was changed.
    """
    before = (await board(face, run))["severity"]
    sent = await send_control(
        face, run, "declare_incident", person=person, role=role, reason=reason, speaks_as=SPEAKING, signed_in=signed_in
    )
    return Said(sent, before, proposed=False)
