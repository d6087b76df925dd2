"""Passing command: take, offer, accept, decline, withdraw; each under the fence that the board shows now."""

from datetime import timedelta
from typing import Literal

from schemas.decision import RefusalType
from schemas.json_value import Json
from watchfloor.client.errors import Refused
from watchfloor.client.face import Face
from watchfloor.client.runs import board
from watchfloor.client.statements import COMMANDING, DEV, Sent, SignIn, send_control

CommandVerb = Literal["take_command", "offer_command", "accept_command", "decline_command", "withdraw_offer"]


async def send_command(
    face: Face,
    run: str,
    verb: CommandVerb,
    *,
    person: str,
    role: str | None = None,
    reason: str,
    to: str = "",
    within: timedelta = timedelta(minutes=30),
    signed_in: SignIn = DEV,
) -> Sent:
    """Say who commands an incident.

    Args:
        to: for an offer: the person who is to take it, who must hold a role that commands.
        within: for an offer: how long it stands.

    Raises:
        Refused: by this face or by the run; command stays where it is.
        NotFound, EngineUnavailable: nothing was sent.
    """
    about: dict[str, Json] = {"fence": (await board(face, run))["commander"]["fence"]}
    if verb == "offer_command":
        named = face.people.find(to)
        if named is None or not set(COMMANDING) & set(named.roles):
            raise Refused(
                RefusalType.WRONG_ROLE,
                f"`{to}` is nobody in the directory who may command; expected a person who holds "
                f"{' or '.join(COMMANDING)}",
            )
        about |= {"to": to, "within": within.total_seconds()}
    return await send_control(
        face, run, verb, person=person, role=role, reason=reason, about=about, signed_in=signed_in
    )
