"""Boards in bulk, for dashboards: those named, or all that changed since, as one JSON page or as lines without end."""

import asyncio
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from watchfloor.gateway.api.paging import KNOWN, answer_known
from watchfloor.gateway.api.shapes import Given
from watchfloor.gateway.api.sight import INCIDENT, Sight
from watchfloor.gateway.refusals import as_problems
from watchfloor.identity.machines import Machine

if TYPE_CHECKING:
    from watchfloor.gateway.api.app import ApiDesk

PAGE = 20
"""Boards read at once."""
MOST_IDS = 100
MOST_BYTES = 2 * 1024 * 1024
"""Bytes of boards in one page; a page that would be larger ends early and says where to go on."""

Since = Annotated[
    str, Query(max_length=400, description="`revision` of an answer before; what changed after it. All without it.")
]


class Boards(Given):
    """Boards in the order in which they changed last."""

    boards: list[dict[str, Any]]
    revision: str = Field(description="Give it as `since` to be told what changes from here on.")
    more: bool = Field(description="There is more now: ask again with `since`.")


def add_boards(app: FastAPI, desk: "ApiDesk") -> None:
    """Offer the routes."""
    reading = desk.doors.asking("incidents:read")

    @app.get("/boards", response_model=Boards, responses=KNOWN)
    async def boards(
        request: Request,
        machine: Annotated[Machine, Depends(reading)],
        ids: Annotated[list[str] | None, Query(max_length=MOST_IDS, description="Only these; all without it.")] = None,
        since: Since = "",
        limit: Annotated[int, Query(ge=1, le=MOST_IDS, description="How many at most.")] = 50,
    ) -> Response:
        """Boards of incidents, complete in themselves. An id that is not there for this key is left out."""
        sight = Sight(desk, machine)
        after = sight.read_revision(since) if since else 0

        def read() -> Boards:
            found: list[dict[str, Any]] = []
            size, at = 0, after
            for case, board, bytes_ in _each(
                desk, sight, after, [one[:40] for one in ids] if ids is not None else None
            ):
                if len(found) == limit or (found and size + bytes_ > MOST_BYTES):
                    return Boards(boards=found, revision=sight.seal(at), more=True)
                found.append(board)
                size, at = size + bytes_, case
            return Boards(boards=found, revision=sight.seal(at), more=False)

        with as_problems("nothing"):
            page = await asyncio.to_thread(read)
        return answer_known(desk, request, sight, page)

    @app.get(
        "/boards/lines",
        responses={200: {"content": {"application/x-ndjson": {}}}, **KNOWN},
        response_class=StreamingResponse,
    )
    async def lines(request: Request, machine: Annotated[Machine, Depends(reading)], since: Since = "") -> Response:
        """The same as JSON lines, however many there are: one board on each, and `{"revision"}` on the last."""
        sight = Sight(desk, machine)
        after = sight.read_revision(since) if since else 0
        now = await sight.revision()
        tag = desk.seals.tag(machine.id, f"{since}\n{now}".encode())
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"etag": tag})

        def write() -> Iterator[bytes]:
            at = after
            for revision, board, _ in _each(desk, sight, after, None):
                at = revision
                yield json.dumps(board, separators=(",", ":")).encode() + b"\n"
            yield json.dumps({"revision": sight.seal(at)}).encode() + b"\n"

        return StreamingResponse(write(), media_type="application/x-ndjson", headers={"etag": tag})


def _each(
    desk: "ApiDesk", sight: Sight, after: int, ids: list[str] | None
) -> Iterator[tuple[int, dict[str, Any], int]]:
    """Revision, board and its size of each incident that changed after a revision. One that changes while this goes on
    comes at its later place, so a reader that goes on from the last one misses nothing."""
    while page := desk.index.since(after, limit=PAGE, kinds=INCIDENT, incidents=ids, open_to=sight.open_to):
        for case in page:
            after = case.revision
            board = {**sight.board(case), "revision": sight.revision_of(case)}
            yield case.revision, board, len(json.dumps(board))
