"""The control plane under `/_sandbox`: seeds, faults, and what a test may read. Never journalled, never faulty."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from watchfloor.sandbox.deletion import Source
from watchfloor.sandbox.effects import Body, find_store
from watchfloor.sandbox.faults import Fault
from watchfloor.sandbox.items import Ref, Url, find_item, synthetic_item
from watchfloor.sandbox.store import Document, now_text

router = APIRouter(prefix="/_sandbox")


class SeedItem(Body):
    """An item in its first state, whatever happened to it; `imminent` lets the screening service see a threat in it."""

    url: Url
    account: Ref | None = None
    imminent: bool = False


class SeedOrder(Body):
    """What the register of orders says about an order. Orders that were not seeded are in order."""

    order_id: str
    authentic: bool = True
    failures: list[str] = Field(default_factory=list)


class SeedCustodian(Body):
    """A custodian that acknowledges freezes and deletes all the same, or keeps them again."""

    source: Source
    ignores_freezes: bool


@router.post("/items")
async def seed_items(request: Request, body: Annotated[list[SeedItem], Field(max_length=10_000)]) -> Document:
    store = find_store(request)
    with store.transaction():
        for seed in body:
            item = synthetic_item(seed.url)
            if seed.account is not None:
                item["account"] = seed.account
            item["imminent_since"] = now_text() if seed.imminent else None
            store.put("item", seed.url, item)
    return {"seeded": len(body)}


@router.get("/items")
async def read_item(request: Request, url: Annotated[str, Query()]) -> Document:
    """An item without a call in the journal."""
    return find_item(find_store(request), url)


@router.post("/orders")
async def seed_orders(request: Request, body: list[SeedOrder]) -> Document:
    store = find_store(request)
    with store.transaction():
        for order in body:
            store.put("order", order.order_id, order.model_dump())
    return {"seeded": len(body)}


@router.post("/custodians")
async def seed_custodians(request: Request, body: list[SeedCustodian]) -> Document:
    store = find_store(request)
    with store.transaction():
        for custodian in body:
            store.put("custodian", custodian.source, custodian.model_dump())
    return {"seeded": len(body)}


@router.post("/faults")
async def add_faults(request: Request, body: list[Fault]) -> Document:
    """Add rules; they apply in the order they were added, one rule to one call."""
    store = find_store(request)
    with store.transaction():
        added = [store.add_fault(fault.model_dump(exclude={"times"}), fault.times) for fault in body]
    return {"faults": added}


@router.get("/faults")
async def list_faults(request: Request) -> Document:
    return {"faults": [{"n": n, **rule, "times_left": left} for n, rule, left in find_store(request).faults()]}


@router.delete("/faults")
async def clear_faults(request: Request) -> Document:
    find_store(request).clear_faults()
    return {"faults": []}


@router.get("/journal")
async def read_journal(request: Request, after: Annotated[int, Query(ge=0)] = 0) -> Document:
    """Every call the platform received, oldest first. Status null: it crashed while carrying the call out."""
    return {"calls": find_store(request).journal(after)}


@router.get("/effects")
async def count_effects(request: Request) -> Document:
    """Every effect that really happened, and how often each subject suffered each action."""
    effects = find_store(request).effects()
    counts: dict[str, Counter[str]] = {}
    for effect in effects:
        counts.setdefault(effect["subject"], Counter())[effect["action"]] += 1
    return {"effects": effects, "counts": counts, "total": len(effects)}
