"""Stating that a hold was renewed, in a person's name."""

from datetime import datetime

from watchfloor.client.errors import Refused
from watchfloor.client.face import Face
from watchfloor.client.runs import board
from watchfloor.client.statements import DEV, Sent, SignIn, send_control
from watchfloor.signing import render_instant

RENEWING = ("legal_counsel", "records_custodian", "le_liaison")
"""Roles that state renewals; the hold knows the same."""


async def renew_hold(
    face: Face,
    hold: str,
    *,
    received_at: datetime,
    person: str,
    reason: str,
    role: str | None = None,
    signed_in: SignIn = DEV,
    now: datetime | None = None,
) -> Sent:
    """Tell a hold that a renewal was received, whenever that is found out.

    Args:
        received_at: aware; when the renewal was received, which is what counts.
        reason: whose renewal it is, and its reference.

    Raises:
        Refused: it is no hold, or the renewal does not count.
        NotFound, EngineUnavailable: nothing was sent.
    """
    kind = (await board(face, hold))["kind"]
    if kind != "hold":
        raise Refused("bad_value", f"`{hold}` is of kind {kind}; only a hold is renewed")
    return await send_control(
        face,
        hold,
        "renew",
        person=person,
        role=role,
        reason=reason,
        about={"received_at": render_instant(received_at)},
        speaks_as=RENEWING,
        signed_in=signed_in,
        now=now,
    )
