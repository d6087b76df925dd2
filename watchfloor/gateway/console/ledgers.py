"""The ledger in the browser: whether a chain is whole, its head and last checkpoint, its entries, its export."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from watchfloor.cases import Case
from watchfloor.client.permission import about_run, ask_question
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
            found = await _look_up(pages, visitor, chain.strip())
            return RedirectResponse(f"{ROOT}/ledger/{found.incident}", 303)
        cases = await pages.cases(visitor, kinds=KINDS)
        return pages.show(
            "ledgers.html",
            visitor,
            cases=[(neutral_name(case.incident), case) for case in cases[:LISTED]],
            more=max(0, len(cases) - LISTED),
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
        case = await pages.case(visitor, chain)
        wanted = Wanted(kind if kind in FAMILIES else "", person.strip(), step.strip(), before)
        standing = await records.standing(chain)
        return pages.show(
            "ledger.html",
            visitor,
            case=case,
            name=neutral_name(chain),
            wanted=wanted,
            families=list(FAMILIES),
            standing=standing,
            checkpoint=standing.checkpoints[-1]["body"] if standing.checkpoints else None,
            stretch=await read_stretch(pages.desk.face, chain, wanted),
            may_export=_may_export(pages, visitor, case),
            most=MOST_VERIFIED,
            now_at=datetime.now(UTC),
        )

    @app.get("/ledger/{chain}/export")
    async def export(chain: str, visitor: admitted) -> StreamingResponse:
        case = await pages.case(visitor, chain)
        if not _may_export(pages, visitor, case):
            raise Problem(403, "not_permitted", "the ledger is exported by those whom a policy permits it; ask counsel")
        headers = {**HEADERS, "content-disposition": f'attachment; filename="{case.incident}.jsonl"'}
        return StreamingResponse(records.lines(case.incident), media_type="application/x-ndjson", headers=headers)


def _may_export(pages: Pages, visitor: Visitor, case: Case) -> bool:
    about = about_run(case.board)
    return any(
        pages.allows(ask_question(pages.desk.face, visitor.person, "export", about, role, "", visitor.signed_in))
        for role in visitor.person.roles
    )


async def _look_up(pages: Pages, visitor: Visitor, wanted: str) -> Case:
    """The chain of this id, of this name, or of which this is the beginning.

    Raises:
        Problem: 404 there is none that the visitor may see, in the words for one that never was.
    """
    low = wanted.lower()
    for case in await pages.cases(visitor, kinds=KINDS):
        if case.incident.startswith(low) or neutral_name(case.incident).lower() == low:
            return case
    return await pages.case(visitor, low)
