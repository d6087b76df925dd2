"""The authority card of an incident: whom its liaison calls, at which number, with which words, and what not to do."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse

from schemas.plan import Plan
from watchfloor.client.library import library_folder
from watchfloor.gateway.console.gate import Visitor
from watchfloor.gateway.console.pages import Pages
from watchfloor.gateway.console.views import draw_case, list_asks
from watchfloor.gateway.problems import Problem
from watchfloor.identity.authorities import FILE, AuthoritiesRefused, Authority, load_authorities
from watchfloor.identity.contact_list import ContactList, load_contacts
from watchfloor.identity.located import PeopleRefused
from watchfloor.paper.authority import contacts_authorities, list_cards
from watchfloor.signing import neutral_name

LIAISON = "le_liaison"


def offer_authorities(app: FastAPI, pages: Pages) -> None:
    """The card of each incident whose runbook speaks with an authority."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]

    @app.get("/incidents/{incident}/authority")
    async def card(incident: str, visitor: admitted) -> HTMLResponse:
        now = datetime.now(UTC)
        case = await pages.case(visitor, incident)
        plan = await pages.plan(incident)
        if plan is None:
            raise Problem(503, "unavailable", "the plan of this run cannot be read at the moment", retry_after=5)
        try:
            register = await asyncio.to_thread(load_register)
        except AuthoritiesRefused as error:
            raise Problem(503, "unavailable", "the register of authorities cannot be read; ask Legal") from error
        known, fault = await asyncio.to_thread(_read_contacts, pages.desk.contacts_path)
        asks = [one for one in list_asks([case.board], visitor.person, now, all_of_them=True) if LIAISON in one.roles]
        return pages.show(
            "authority.html",
            visitor,
            board=case.board,
            line=draw_case(case, now),
            name=neutral_name(incident),
            cards=list_cards(plan, register, known, now),
            fault=fault,
            asks=asks,
            liaisons=[
                one.id for one in pages.desk.face.people if LIAISON in one.roles and one.region == case.board["region"]
            ],
        )


def load_register() -> tuple[Authority, ...]:
    """The register as it ships.

    Raises:
        AuthoritiesRefused: it cannot be used.
    """
    return load_authorities(library_folder() / FILE)


def has_card(plan: Plan | None) -> bool:
    """Whether an incident of this plan has an authority card; not where the register cannot be read."""
    try:
        return plan is not None and contacts_authorities(plan, load_register())
    except AuthoritiesRefused:
        return False


def _read_contacts(path: Path | None) -> tuple[ContactList | None, str]:
    """The company's own numbers, and what is wrong with their file; nothing at all where there is none."""
    if path is None or not path.exists():
        return None, ""
    try:
        return load_contacts(path), ""
    except PeopleRefused:
        return None, "The company's own list (contacts.yaml) cannot be read; its numbers are not below. Tell Legal."
