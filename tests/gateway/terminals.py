"""A terminal that a person lets in by the console's own forms."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2

from schemas.terminal import Claim, Claimed, Offer, Wish
from tests.gateway.consoles import token
from watchfloor.terminal.gateway import Gateway
from watchfloor.terminal.gateway_feed import GatewayFeed

TERMINALS = "/console/terminals"


@dataclass(frozen=True, slots=True)
class Let:
    """A terminal that was let in, and the token it holds."""

    gateway: Gateway
    feed: GatewayFeed
    token: str


async def offer(gateway: Gateway) -> Offer:
    return await gateway.post("/pairings", Wish(v=1), Offer)


async def claim(gateway: Gateway, secret: str) -> Claimed:
    return await gateway.post("/pairings/claim", Claim(v=1, secret=secret), Claimed)


async def send(browser: httpx2.AsyncClient, path: str, **said: str) -> httpx2.Response:
    """One of the forms of the page, with the token that it carries."""
    csrf = token((await browser.get(TERMINALS)).text)
    return await browser.post(f"{TERMINALS}{path}", data={"csrf": csrf, **said})


async def confirm(browser: httpx2.AsyncClient, code: str) -> httpx2.Response:
    """Type a code, look, let it in."""
    seen = await send(browser, "/code", code=code)
    assert seen.status_code == 200, seen.text
    return await send(browser, "/confirm", code=code, answer="confirm")


@asynccontextmanager
async def let_in(url: str, browser: httpx2.AsyncClient) -> AsyncIterator[Let]:
    """A terminal at a gateway that whoever is signed in in this browser lets in."""
    gateway = Gateway(url)
    try:
        made = await offer(gateway)
        answer = await confirm(browser, made.code)
        assert answer.status_code == 303, answer.text
        claimed = await claim(gateway, made.secret)
        assert claimed.signed_in is not None
        gateway.token = claimed.token
        yield Let(gateway, GatewayFeed(gateway, claimed.signed_in), claimed.token)
    finally:
        await gateway.close()
