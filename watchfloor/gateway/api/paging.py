"""Answers that are lists: so many at a time, a sealed cursor for what follows, an ETag for what is known already."""

import heapq
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import Query, Request, Response
from pydantic import BaseModel

from watchfloor.gateway.api.sight import Sight

if TYPE_CHECKING:
    from watchfloor.gateway.api.app import ApiDesk

Row = TypeVar("Row")
MOST = 200
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most.")]
Cursor = Annotated[str, Query(max_length=400, description="`next` of the page before this one.")]
KNOWN: dict[int | str, dict[str, Any]] = {304: {"description": "As you know it"}}
"""What a route that answers with `answer_known` documents."""


def take_first(
    rows: Iterable[Row], key: Callable[[Row], list[str]], after: list[str] | None, limit: int
) -> tuple[list[Row], list[str] | None]:
    """The first rows by a key, and the key to go on after, None when there are no more. However many rows there are,
    `limit` are kept."""
    later = rows if after is None else (row for row in rows if key(row) > after)
    found = heapq.nsmallest(limit + 1, later, key=key)
    return found[:limit], key(found[limit - 1]) if len(found) > limit else None


def answer_known(desk: "ApiDesk", request: Request, sight: Sight, answer: BaseModel | bytes) -> Response:
    """The answer with its ETag, or 304 where the asker has just that. An ETag is over what is sent and the key that it
    is sent to, so it tells nothing else."""
    content = answer.model_dump_json().encode() if isinstance(answer, BaseModel) else answer
    tag = desk.seals.tag(sight.machine.id, content)
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag in known:
        return Response(status_code=304, headers={"etag": tag})
    return Response(content, media_type="application/json", headers={"etag": tag})
