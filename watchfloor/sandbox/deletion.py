"""The deletion service: freezes that it keeps, and the canary by which anybody can see that it keeps them.

A freeze is placed for one hold at one source (custodian). While it stands, everything in its scope, and the canary
object that the service puts beside it, is refused for deletion at that source. `POST /deletion/canary` asks the very
same check for the canary and *deletes it* when nothing refuses: a custodian that forgot a freeze is found out.
"""

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field

from watchfloor.sandbox.effects import Body, Key, carry_out, find_store
from watchfloor.sandbox.problems import Refusal
from watchfloor.sandbox.store import Document, Store, now_text

SOURCES = ("content_store", "live_store", "account_store", "message_store", "log_store")

Source = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,40}$")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
router = APIRouter(prefix="/deletion")


class Freeze(Body):
    source: Source
    hold: Name
    basis: Name
    scope: dict[str, Any]


class Canary(Body):
    source: Source
    hold: Name


class Unfreeze(Body):
    source: Source
    reference: Name
    hold: Name


def canary_of(source: str, hold: str) -> str:
    return f"canary:{source}:{hold}"


def refuse_frozen(store: Store, source: str, subject: str) -> None:
    """Let a deletion pass, or not.

    Raises:
        Refusal: 423, a freeze at this source covers the object.
    """
    custodian = store.get("custodian", source)
    if custodian is not None and custodian["ignores_freezes"]:
        return
    for freeze in store.all("freeze"):
        if freeze["source"] == source and freeze["released_at"] is None and subject in freeze["objects"]:
            raise Refusal(423, "held", f"deletion is frozen here by {freeze['reference']}")


def _require_source(source: str) -> None:
    if source not in SOURCES:
        raise Refusal(404, "no_such_source", f"no source `{source}`; there are {', '.join(SOURCES)}")


def _objects_in(scope: object) -> list[str]:
    """Every string in the scope names an object."""
    if isinstance(scope, str):
        return [scope]
    inner = scope.values() if isinstance(scope, dict) else scope if isinstance(scope, list) else ()
    return [name for part in inner for name in _objects_in(part)]


@router.post("/freeze")
async def freeze_scope(request: Request, body: Freeze, key: Key) -> Document:
    """Freeze deletion of everything in a scope at one source, for one hold."""

    def change(store: Store) -> Document:
        _require_source(body.source)
        mark = hashlib.sha256(f"{body.source}\n{body.hold}".encode()).hexdigest()
        reference = f"frz-{mark[:12]}"
        canary = canary_of(body.source, body.hold)
        objects = [*dict.fromkeys(_objects_in(body.scope)), canary]
        standing = store.get("freeze", reference)
        if standing is not None and standing["released_at"] is None:
            objects = list(dict.fromkeys([*standing["objects"], *objects]))
        frozen_at = now_text()
        store.put(
            "freeze",
            reference,
            {
                "reference": reference,
                "source": body.source,
                "hold": body.hold,
                "basis": body.basis,
                "objects": objects,
                "frozen_at": frozen_at,
                "released_at": None,
            },
        )
        store.put("canary", canary, {"canary": canary, "deleted_at": None})
        return {"ok": True, "state": "frozen", "reference": reference, "at": frozen_at, "objects": len(objects) - 1}

    return carry_out(request, key, "deletion/freeze", f"{body.source}/{body.hold}", body.model_dump(), change)


@router.post("/canary")
async def try_canary(request: Request, body: Canary) -> Document:
    """Try to delete the canary of a hold. `refused: true` proves the freeze; otherwise the canary is now gone."""
    store = find_store(request)
    _require_source(body.source)
    canary = canary_of(body.source, body.hold)
    with store.transaction():
        try:
            refuse_frozen(store, body.source, canary)
        except Refusal as refusal:
            return {"refused": True, "detail": refusal.detail, "at": now_text()}
        store.put("canary", canary, {"canary": canary, "deleted_at": now_text()})
    return {"refused": False, "detail": "nothing refused the deletion", "at": now_text()}


@router.post("/unfreeze")
async def unfreeze_scope(request: Request, body: Unfreeze, key: Key) -> Document:
    """Lift one freeze. Other freezes over the same objects stand."""

    def change(store: Store) -> Document:
        freeze = store.get("freeze", body.reference)
        if freeze is None or (freeze["source"], freeze["hold"]) != (body.source, body.hold):
            raise Refusal(404, "no_such_freeze", f"no freeze `{body.reference}` of this hold at `{body.source}`")
        freeze["released_at"] = freeze["released_at"] or now_text()
        store.put("freeze", body.reference, freeze)
        return {"ok": True, "state": "released", "at": freeze["released_at"]}

    return carry_out(request, key, "deletion/unfreeze", f"{body.source}/{body.hold}", body.model_dump(), change)


@router.get("/freezes")
async def list_freezes(request: Request) -> Document:
    """Every freeze there ever was, without its objects."""
    freezes = find_store(request).all("freeze")
    return {"freezes": [{**freeze, "objects": len(freeze["objects"])} for freeze in freezes]}
