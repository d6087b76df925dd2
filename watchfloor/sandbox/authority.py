"""An authority: its register of orders and its mailbox."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field

from watchfloor.sandbox.effects import Body, Key, carry_out, find_store
from watchfloor.sandbox.items import EU
from watchfloor.sandbox.store import Document, Store, now_text

OrderId = Annotated[str, Field(pattern="^[A-Z0-9-]{4,64}$")]
router = APIRouter()


class Order(Body):
    order_id: OrderId
    issuing_state: Annotated[str, Field(pattern="^[A-Z]{2}$")]


class Letter(Body):
    """A message to the authority. What it carries beside the order and its kind is the sender's affair."""

    model_config = ConfigDict(extra="allow")

    order_id: OrderId
    kind: Annotated[str, Field(pattern="^[a-z][a-z_]{0,40}$")]


@router.post("/orders/authenticate")
async def authenticate_order(request: Request, body: Order) -> Document:
    """Check an order: its state is a member state, its number is of that state, and it was not seeded with failures."""
    known = find_store(request).get("order", body.order_id)
    failures: list[str] = list(known["failures"]) if known else []
    authentic = known["authentic"] if known else True
    if body.issuing_state not in EU:
        authentic, failures = False, [*failures, "issuing_state_unknown"]
    elif not body.order_id.startswith(body.issuing_state):
        authentic, failures = False, [*failures, "order_number_of_another_state"]
    return {"authentic": authentic, "complete": not failures, "failures": failures, "at": now_text()}


@router.post("/authority/messages")
async def post_letter(request: Request, body: Letter, key: Key) -> Document:
    """Deliver a message. What was delivered cannot be called back."""

    def change(store: Store) -> Document:
        store.drop_message("authority", {"key": key, **body.model_dump(mode="json")})
        receipt = "rcpt-" + hashlib.sha256(f"{body.order_id}\n{key}".encode()).hexdigest()[:16]
        return {"ok": True, "state": "delivered", "receipt": receipt, "at": now_text()}

    return carry_out(request, key, f"authority/{body.kind}", body.order_id, body.model_dump(mode="json"), change)


@router.get("/authority/messages")
async def list_letters(request: Request) -> Document:
    """Everything the authority received, oldest first."""
    return {"messages": find_store(request).messages("authority")}
