"""Content, accounts and live streams: what can be looked at, hidden, put back, deleted."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request
from pydantic import Field

from watchfloor.sandbox.deletion import refuse_frozen
from watchfloor.sandbox.effects import Body, Key, carry_out, find_store
from watchfloor.sandbox.problems import Refusal
from watchfloor.sandbox.store import Document, Store, now_text

EU = frozenset(  # ISO 3166 codes of the member states
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905
)
RESERVED = (".test", ".example", ".example.com", ".example.net", ".example.org")
"""Names that RFC 2606 and RFC 6761 set aside: the sandbox holds a synthetic item for every URL under them."""

Url = Annotated[str, Field(min_length=8, max_length=2048, pattern=r"^https?://\S+$")]
Scope = Annotated[str, Field(pattern=r"^(global|eu|[A-Za-z]{2})$")]
Ref = Annotated[str, Field(min_length=1, max_length=200)]
router = APIRouter()


class Disable(Body):
    url: Url
    scope: Scope
    ground: str | None = None


class Restore(Body):
    url: Url
    scope: Scope


class Delete(Body):
    url: Url
    snapshot: str | None = None


class Probe(Body):
    urls: Annotated[list[Url], Field(max_length=5000)]
    countries: Annotated[list[Annotated[str, Field(pattern="^[A-Za-z]{2}$")]], Field(min_length=1, max_length=300)]


class Screen(Body):
    urls: Annotated[list[Url], Field(max_length=5000)]


class Account(Body):
    account: Ref
    ground: str | None = None


class Stream(Body):
    stream: Ref


def find_item(store: Store, url: str) -> Document:
    """The item at a URL: as it was left, else the synthetic one of a reserved name.

    Raises:
        Refusal: 404, the platform has no such item.
    """
    known = store.get("item", url)
    if known is not None:
        return known
    host = "." + (urlsplit(url).hostname or "")
    if not host.endswith(RESERVED):
        names = ", ".join(name.removeprefix(".") for name in RESERVED)
        raise Refusal(404, "no_such_item", f"the sandbox holds items of {names} and what was seeded, not this one")
    return synthetic_item(url)


def synthetic_item(url: str) -> Document:
    """An item made up from its URL, the same every time."""
    mark = hashlib.sha256(url.encode()).hexdigest()
    posted_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=int(mark[:5], 16) % 400_000)
    return {
        "url": url,
        "item": f"item-{mark[:16]}",
        "account": f"acct-{mark[16:28]}",
        "kind": ("video", "image", "post")[int(mark[28], 16) % 3],
        "posted_at": posted_at.isoformat().replace("+00:00", "Z"),
        "views": int(mark[30:34], 16),
        "content_digest": f"sha256:{mark}",
        "disabled": {},
        "deleted_at": None,
        "imminent_since": None,
    }


def visible_from(item: Document, country: str) -> bool:
    """Whether somebody in a country can see the item."""
    if item["deleted_at"] is not None:
        return False
    scopes = {scope.lower() for scope in item["disabled"]}
    code = country.upper()
    return not ("global" in scopes or country.lower() in scopes or ("eu" in scopes and code in EU))


@router.get("/items")
async def show_item(request: Request, url: Annotated[str, Query(max_length=2048)]) -> Document:
    """The record of an item."""
    return find_item(find_store(request), url)


@router.post("/items/disable")
async def disable_item(request: Request, body: Disable, key: Key) -> Document:
    """Hide an item in a scope. It stays stored."""

    def change(store: Store) -> Document:
        item = find_item(store, body.url)
        if item["deleted_at"] is not None:
            raise Refusal(410, "gone", f"the item was deleted at {item['deleted_at']}")
        item["disabled"].setdefault(body.scope, now_text())
        store.put("item", body.url, item)
        return {"ok": True, "state": "disabled", "item": item["item"], "at": item["disabled"][body.scope]}

    return carry_out(request, key, "items/disable", body.url, body.model_dump(), change)


@router.post("/items/restore")
async def restore_item(request: Request, body: Restore, key: Key) -> Document:
    """Show an item again in a scope."""

    def change(store: Store) -> Document:
        item = find_item(store, body.url)
        if item["deleted_at"] is not None:
            raise Refusal(410, "gone", f"the item was deleted at {item['deleted_at']}")
        item["disabled"].pop(body.scope, None)
        store.put("item", body.url, item)
        return {"ok": True, "state": "visible", "item": item["item"], "at": now_text()}

    return carry_out(request, key, "items/restore", body.url, body.model_dump(), change)


@router.post("/items/delete")
async def delete_item(request: Request, body: Delete, key: Key) -> Document:
    """Delete an item for good; refused (423) while any hold covers it."""

    def change(store: Store) -> Document:
        item = find_item(store, body.url)
        refuse_frozen(store, "content_store", body.url)
        item["deleted_at"] = item["deleted_at"] or now_text()
        store.put("item", body.url, item)
        return {"ok": True, "state": "deleted", "item": item["item"], "at": item["deleted_at"]}

    return carry_out(request, key, "items/delete", body.url, body.model_dump(), change)


@router.post("/items/probe")
async def probe_items(request: Request, body: Probe) -> Document:
    """Look at items from countries. Changes nothing."""
    store = find_store(request)
    remaining = 0
    for url in body.urls:
        item = find_item(store, url)
        remaining += any(visible_from(item, country) for country in body.countries)
    return {"all_gone": remaining == 0, "remaining": remaining, "seen_at": now_text()}


@router.post("/screen")
async def screen_items(request: Request, body: Screen) -> Document:
    """Whether any of the items shows an imminent threat; `threat_seen_at` only when one does."""
    store = find_store(request)
    seen = [since for url in body.urls if (since := find_item(store, url)["imminent_since"]) is not None]
    return {"imminent": True, "threat_seen_at": min(seen)} if seen else {"imminent": False}


@router.post("/accounts/suspend")
async def suspend_account(request: Request, body: Account, key: Key) -> Document:
    """Suspend an account."""

    def change(store: Store) -> Document:
        account = store.get("account", body.account) or {"account": body.account, "suspended_at": None}
        account["suspended_at"] = account["suspended_at"] or now_text()
        store.put("account", body.account, account)
        return {"ok": True, "state": "suspended", "at": account["suspended_at"]}

    return carry_out(request, key, "accounts/suspend", body.account, body.model_dump(), change)


@router.post("/accounts/restore")
async def restore_account(request: Request, body: Account, key: Key) -> Document:
    """Lift a suspension."""

    def change(store: Store) -> Document:
        store.put("account", body.account, {"account": body.account, "suspended_at": None})
        return {"ok": True, "state": "active", "at": now_text()}

    return carry_out(request, key, "accounts/restore", body.account, body.model_dump(), change)


@router.post("/live/end")
async def end_stream(request: Request, body: Stream, key: Key) -> Document:
    """End a stream for its audience; the recording stays."""

    def change(store: Store) -> Document:
        stream = store.get("stream", body.stream) or {"stream": body.stream, "ended_at": None}
        stream["ended_at"] = stream["ended_at"] or now_text()
        store.put("stream", body.stream, stream)
        return {"ok": True, "state": "ended", "at": stream["ended_at"]}

    return carry_out(request, key, "live/end", body.stream, body.model_dump(), change)
