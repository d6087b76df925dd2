"""Chains of the ledger that no run wrote: what people did about a delivery of another system, or who else is told.

Who may see one is judged from what it says itself, as the command line judges it, and by the walls that the delivery
stands behind today: behind each of them only who is cleared for it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from watchfloor.authorisation import Resource
from watchfloor.client.deliveries import about_delivery
from watchfloor.client.permission import ask_question
from watchfloor.gateway.console.gate import Visitor
from watchfloor.gateway.console.pages import ROOT, Pages
from watchfloor.gateway.console.records import Outside, Records
from watchfloor.intake.deliveries import DeliveriesUnavailable

DELIVERY, DESK = "del-", "desk-"
PREFIXES = (DELIVERY, DESK)
MOST = 300
"""Chains that are judged for one list, those written to last; any other is found by its id."""


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain for its page. `url` leads to what it is about, empty where that is nowhere; `about` as policies see it,
    once for each wall."""

    id: str
    name: str
    title: str
    kind: str
    url: str
    about: tuple[Resource, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """One chain on the list, with how far it goes."""

    chain: Chain
    entries: int
    last_at: str


async def list_chains(pages: Pages, visitor: Visitor, records: Records) -> list[Listed]:
    """Those that this visitor may see, what was written last first.

    Raises:
        Problem: 503 the ledger does not answer.
    """
    found = await records.outside(PREFIXES, MOST)
    chains = await asyncio.gather(*(_show(pages, visitor, one) for one in found))
    return [
        Listed(chain, one.entries, one.last_at) for one, chain in zip(found, chains, strict=True) if chain is not None
    ]


async def find_chain(pages: Pages, visitor: Visitor, records: Records, chain: str) -> Chain | None:
    """One of them; None where there is none, and where this visitor may not see it.

    Raises:
        Problem: 503 the ledger does not answer.
    """
    if not chain.startswith(PREFIXES):
        return None
    found = [one for one in await records.outside((chain,), MOST) if one.chain == chain]
    return await _show(pages, visitor, found[0]) if found else None


def is_for(pages: Pages, visitor: Visitor, verb: str, about: Sequence[Resource], role: str = "") -> bool:
    """Whether the policies let a visitor do this with all of it."""
    return all(
        pages.allows(ask_question(pages.desk.face, visitor.person, verb, of, role, "", visitor.signed_in))
        for of in about
    )


async def _show(pages: Pages, visitor: Visitor, one: Outside) -> Chain | None:
    try:
        today = await asyncio.to_thread(_judge_today, pages, one.chain)
    except DeliveriesUnavailable:
        return None  # nobody can say behind which walls it stands
    about = (*one.about, *today)
    if not is_for(pages, visitor, "view", about):
        return None
    if one.chain.startswith(DESK):
        return Chain(one.chain, one.chain, "who else is told", "desk", f"{ROOT}/outgoing", about)
    url = f"{ROOT}/deliveries/{one.chain}" if today else ""
    name = f"DEL-{one.chain.removeprefix(DELIVERY)[:8].upper()}"
    return Chain(one.chain, name, "a delivery of another system", "delivery", url, about)


def _judge_today(pages: Pages, chain: str) -> list[Resource]:
    """A delivery by the walls that it stands behind now; nothing once it is forgotten."""
    driver = pages.desk.driver
    one = driver.deliveries.get(chain) if driver is not None and chain.startswith(DELIVERY) else None
    return about_delivery(one, pages.desk.face.region) if one is not None else []
