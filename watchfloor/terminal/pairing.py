"""Signing in at a terminal: it shows a code, the person types it where they are signed in already.

This program asks for no name and no password, and gives nobody the code but the person in front of it.
"""

import asyncio
from collections.abc import Awaitable, Callable

from schemas.terminal import Claim, Claimed, Offer, SignedIn, Wish
from watchfloor.client.errors import EngineUnavailable, Refused
from watchfloor.terminal.gateway import AddressRefused, Gateway, read_address

Say = Callable[[str], None]


async def sign_in(gateway: Gateway, say: Say, *, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> SignedIn:
    """Pair this terminal with a person; the gateway keeps the token from then on.

    Args:
        say: where lines for the person go.
        pause: stands for waiting.

    Raises:
        Refused: it was turned away, or nobody confirmed it in time.
        EngineUnavailable: the gateway does not answer.
    """
    offer = await gateway.post("/pairings", Wish(v=1), Offer)
    say(f"Sign in at {gateway.host}")
    say("")
    say(f"  1. in your browser, open  {_page(gateway, offer)}")
    say(f"  2. type this code there   {offer.code}")
    say("")
    say(f"It is good for {offer.seconds // 60} minutes and for this terminal. Give it to nobody. Ctrl-C gives up.")
    left = float(offer.seconds)
    while left > 0:
        await pause(offer.every)
        left -= offer.every
        try:
            claimed = await gateway.post("/pairings/claim", Claim(v=1, secret=offer.secret), Claimed)
        except EngineUnavailable:
            continue  # the code is good for as long as it was; perhaps the next answer comes
        if claimed.state == "confirmed" and claimed.signed_in is not None:
            gateway.token = claimed.token
            return claimed.signed_in
    raise Refused("gone", "nobody confirmed this terminal in time; start it again for a new code")


def _page(gateway: Gateway, offer: Offer) -> str:
    """Where the code is typed: at the gateway's own name for its console, or where this terminal reached it."""
    if offer.address.startswith("/"):
        return f"{gateway.origin}{offer.address}"
    origin, slash, path = offer.address.partition("/console/")
    try:
        return f"{read_address(origin)}{slash}{path}"
    except AddressRefused as error:
        raise EngineUnavailable(f"{gateway.host} names an address that is not one of a console") from error
