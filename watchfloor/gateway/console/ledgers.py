"""The ledger in the browser: whether a chain is whole, its head and last checkpoint, its entries, its export."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from watchfloor.client.permission import about_run
from watchfloor.gateway.console.desk_chains import Chain, find_chain, is_for, list_chains
from watchfloor.gateway.console.gate import HEADERS, Visitor
from watchfloor.gateway.console.pages import KINDS, ROOT, Pages
from watchfloor.gateway.console.records import MOST_VERIFIED, Records
from watchfloor.gateway.console.timeline import Wanted, read_stretch
from watchfloor.gateway.problems import Problem
from watchfloor.ledger.wording import FAMILIES
from watchfloor.signing import neutral_name

LISTED = 60
"""Chains on the first page, the latest opened first; any other is found by its id."""


def offer_ledgers(app: FastAPI, pages: Pages, records: Records) -> None:
    """The chains that a visitor may see, each chain, and its download."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]

    @app.get("/ledger", response_class=HTMLResponse)
    async def chains(visitor: admitted, chain: Annotated[str, Query(max_length=80)] = "") -> Response:
        if chain.strip():
            found = await _look_up(pages, visitor, records, chain.strip())
            return RedirectResponse(f"{ROOT}/ledger/{found}", 303)
        cases = await pages.cases(visitor, kinds=KINDS)
        return pages.show(
            "ledgers.html",
            visitor,
            cases=[(neutral_name(case.incident), case) for case in cases[:LISTED]],
            more=max(0, len(cases) - LISTED),
            others=await list_chains(pages, visitor, records),
        )

    @app.get("/ledger/{chain}")
    async def one(
        chain: str,
        visitor: admitted,
        kind: Annotated[str, Query(max_length=40)] = "",
        person: Annotated[str, Query(max_length=64)] = "",
        step: Annotated[str, Query(max_length=128)] = "",
        before: Annotated[int, Query(ge=0, le=2**53)] = 0,
    ) -> HTMLResponse:
        found = await _find(pages, visitor, records, chain)
        wanted = Wanted(kind if kind in FAMILIES else "", person.strip(), step.strip(), before)
        standing = await records.standing(chain)
        return pages.show(
            "ledger.html",
            visitor,
            chain=found,
            wanted=wanted,
            families=list(FAMILIES),
            standing=standing,
            checkpoint=standing.checkpoints[-1]["body"] if standing.checkpoints else None,
            stretch=await read_stretch(pages.desk.face, chain, wanted),
            may_export=_may_export(pages, visitor, found),
            most=MOST_VERIFIED,
            now_at=datetime.now(UTC),
        )

    @app.get("/ledger/{chain}/export")
    async def export(chain: str, visitor: admitted) -> StreamingResponse:
        found = await _find(pages, visitor, records, chain)
        if not _may_export(pages, visitor, found):
            raise Problem(403, "not_permitted", "the ledger is exported by those whom a policy permits it; ask counsel")
        headers = {**HEADERS, "content-disposition": f'attachment; filename="{found.id}.jsonl"'}
        return StreamingResponse(records.lines(found.id), media_type="application/x-ndjson", headers=headers)


def _may_export(pages: Pages, visitor: Visitor, chain: Chain) -> bool:
    return any(is_for(pages, visitor, "export", chain.about, role) for role in visitor.person.roles)


async def _find(pages: Pages, visitor: Visitor, records: Records, chain: str) -> Chain:
    """A chain by its id.

    Raises:
        Problem: 404 there is none that the visitor may see, in the words for one that never was.
    """
    outside = await find_chain(pages, visitor, records, chain[:80])
    if outside is not None:
        return outside
    case = await pages.case(visitor, chain)
    url = f"{ROOT}/incidents/{case.incident}" if case.kind == "incident" else ""
    return Chain(
        case.incident, neutral_name(case.incident), case.board["title"], case.kind, url, (about_run(case.board),)
    )


async def _look_up(pages: Pages, visitor: Visitor, records: Records, wanted: str) -> str:
    """The chain of this id, of this name, or of which this is the beginning.

    Raises:
        Problem: 404 there is none that the visitor may see, in the words for one that never was.
    """
    low = wanted.lower()
    for case in await pages.cases(visitor, kinds=KINDS):
        if case.incident.startswith(low) or neutral_name(case.incident).lower() == low:
            return case.incident
    for one in await list_chains(pages, visitor, records):
        if one.chain.id.startswith(low) or one.chain.name.lower() == low:
            return one.chain.id
    return (await _find(pages, visitor, records, low)).id
