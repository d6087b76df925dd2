"""How every change is made: under an idempotency key, once, with the answer remembered."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from pydantic import BaseModel, ConfigDict

from watchfloor.sandbox.problems import Refusal
from watchfloor.sandbox.store import Document, KeyConflict, Store, body_digest


class Body(BaseModel):
    """A request body: unknown keys are refused, as a careful platform would."""

    model_config = ConfigDict(extra="forbid")


def find_store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


async def require_key(idempotency_key: Annotated[str | None, Header()] = None) -> str:
    if idempotency_key is None or not 8 <= len(idempotency_key) <= 200:
        raise Refusal(400, "key_missing", "a change needs the header `Idempotency-Key`, 8 to 200 characters")
    return idempotency_key


Key = Annotated[str, Depends(require_key)]


def carry_out(
    request: Request, key: str, action: str, subject: str, body: Any, change: Callable[[Store], Document]
) -> Document:
    """Make a change once under its key; a repeat gets the first answer and changes nothing.

    The change and the memory of it are one transaction: after a crash either both are there or neither.

    Raises:
        Refusal: 409 when the key belongs to another request, or whatever `change` refuses.
    """
    store = find_store(request)
    digest = body_digest(body)
    with store.transaction():
        try:
            before = store.recall(key, action, digest)
        except KeyConflict as error:
            raise Refusal(409, "key_reused", str(error)) from error
        if before is not None:
            request.state.effect = "repeat"
            return before
        response = change(store)
        store.remember(key, action, subject, digest, response)
    request.state.effect = "new"
    return response
