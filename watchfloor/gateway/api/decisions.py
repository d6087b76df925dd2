"""Decisions over HTTP: who said what over which digest."""

import asyncio
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, FastAPI, Request, Response
from pydantic import Field

from schemas.ledger import EntryKind, StoredEntry
from watchfloor.gateway.api.incidents import Incident
from watchfloor.gateway.api.paging import KNOWN, Cursor, Limit, answer_known
from watchfloor.gateway.api.shapes import Given
from watchfloor.gateway.api.sight import Sight
from watchfloor.gateway.refusals import as_problems
from watchfloor.identity.machines import Machine

if TYPE_CHECKING:
    from watchfloor.gateway.api.app import ApiDesk

_TOLD = frozenset(
    {
        EntryKind.ASKED,
        EntryKind.DECIDED,
        EntryKind.REFUSED,
        EntryKind.SETTLED,
        EntryKind.SILENT,
        EntryKind.SEALED,
        EntryKind.ABSTAINED,
        EntryKind.WITHDRAWN,
        EntryKind.DELEGATED,
        EntryKind.NARROWED,
        EntryKind.QUESTIONED,
        EntryKind.ANSWERED,
        EntryKind.VOIDED,
    }
)
"""What people said at questions and what became of it; reminders and escalations are on the timeline."""


class Decision(Given):
    """One thing that was asked, said or settled, as the ledger has it."""

    run: str
    seq: int
    kind: str
    at: str
    person: str = Field(description="Who said it; `engine` for what nobody said.")
    role: str
    option: str
    step: str
    path: str
    ask: str = Field(description="Digest of what was asked and shown.")
    statement: str = Field(description="Digest of the signed statement; the ledger and its receipt have the same.")
    on_behalf_of: str
    signed_in: str
    reason_ref: str = Field(description="Refers to the reason's text, which stays in the region.")
    why: str = Field(description="Why it was refused, where it was.")
    hash: str


class Decisions(Given):
    """The incident's own, oldest first, then those of each hold, handoff and review that it started."""

    incident: str
    decisions: list[Decision]
    next: str | None


def add_decisions(app: FastAPI, desk: "ApiDesk") -> None:
    """Offer the route."""
    reading = desk.doors.asking("incidents:read")

    @app.get("/incidents/{incident}/decisions", response_model=Decisions, responses={**KNOWN, 404: {}})
    async def decisions(
        incident: Incident,
        request: Request,
        machine: Annotated[Machine, Depends(reading)],
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> Response:
        """Who said what over what: every question, answer, refusal and settlement."""
        sight = Sight(desk, machine)
        case = await sight.find(incident)
        name = f"decisions {incident}"
        after = sight.read_cursor(name, cursor)

        def read() -> tuple[list[StoredEntry], list[str] | None]:
            """Chain by chain from the cursor on: one entry more than wanted tells that there is more."""
            chains = [one.incident for one in sight.family(case)]
            if after is not None and after[0] in chains:
                chains = chains[chains.index(after[0]) :]
            found: list[StoredEntry] = []
            for chain in chains:
                seq = int(after[1]) if after is not None and chain == after[0] else 0
                for entry in sight.entries(desk.ledger.read(chain, after=seq)):
                    if entry["kind"] not in _TOLD:
                        continue
                    if len(found) == limit:
                        return found, [found[-1]["chain"], str(found[-1]["seq"])]
                    found.append(entry)
            return found, None

        with as_problems("nothing"):
            found, more = await asyncio.to_thread(read)
        page = Decisions(
            incident=incident,
            decisions=[_draw(entry) for entry in found],
            next=sight.write_cursor(name, more) if more else None,
        )
        return answer_known(desk, request, sight, page)


def _draw(entry: StoredEntry) -> Decision:
    data = {name: value if isinstance(value, str) else "" for name, value in entry["data"].items()}
    return Decision(
        run=entry["chain"],
        seq=entry["seq"],
        kind=entry["kind"],
        at=entry["at"],
        person=entry["actor"],
        role=data.get("role", ""),
        option=data.get("option", ""),
        step=entry["step"],
        path=entry["path"],
        ask=data.get("ask", ""),
        statement=data.get("statement", ""),
        on_behalf_of=data.get("on_behalf_of", ""),
        signed_in=data.get("signed_in", ""),
        reason_ref=data.get("reason_ref", ""),
        why=data.get("why", ""),
        hash=entry["hash"],
    )
