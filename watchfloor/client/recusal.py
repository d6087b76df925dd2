"""Saying that a person stands aside from a run, or need not any more."""

from typing import Literal

from watchfloor.client.errors import Refused
from watchfloor.client.face import Face
from watchfloor.client.statements import COMMANDING, DEV, Sent, SignIn, send_control

COUNSEL = "legal_counsel"


async def send_recusal(
    face: Face,
    run: str,
    verb: Literal["recuse", "unrecuse"],
    about: str,
    *,
    person: str,
    role: str | None = None,
    reason: str,
    signed_in: SignIn = DEV,
) -> Sent:
    """Have a person stand aside from an incident, or take that back.

    Args:
        about: who stands aside; for `recuse` an id of the directory of people.
        person: who says so: the commander or counsel; for `unrecuse` counsel, or two who command, one after the other.

    Raises:
        Refused: by this face or by the run; nothing has changed.
        NotFound, EngineUnavailable: nothing was sent.
    """
    if verb == "recuse" and face.people.find(about) is None:
        raise Refused(Refused.UNKNOWN_PERSON, f"`{about[:64]}` is not in the directory of people of `{face.region}`")
    speaks_as = (COUNSEL, *COMMANDING) if verb == "unrecuse" else ("incident_commander", COUNSEL)
    return await send_control(
        face,
        run,
        verb,
        person=person,
        role=role,
        reason=reason,
        about={"person": about},
        speaks_as=speaks_as,
        signed_in=signed_in,
    )
