"""The timeline of an incident: its ledger, the latest first, by kind, person and step."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse

from schemas.ledger import StoredEntry
from watchfloor.client.face import Face
from watchfloor.client.motions import read_text
from watchfloor.gateway.console.gate import Visitor
from watchfloor.gateway.console.pages import Pages
from watchfloor.gateway.console.views import draw_case
from watchfloor.gateway.problems import Problem
from watchfloor.ledger import LedgerError, SqliteLedger
from watchfloor.ledger.backwards import read_back
from watchfloor.ledger.wording import FAMILIES, Told, find_family, tell_entry
from watchfloor.signing import neutral_name

PAGE = 50
MOST_READ = 10_000
"""Entries looked through for one page; where more would have to be, the page says how to go on."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a timeline shows. Empty fields want everything; `before` is the place from which on it goes back."""

    kind: str = ""
    person: str = ""
    step: str = ""
    before: int = 0

    @property
    def is_filtered(self) -> bool:
        return bool(self.kind or self.person or self.step)

    def fits(self, entry: StoredEntry) -> bool:
        if self.kind and find_family(entry["kind"]) != self.kind:
            return False
        if self.person and self.person not in {entry["actor"], entry["data"].get("person"), entry["data"].get("by")}:
            return False
        return not self.step or self.step == entry["step"] or self.step in entry["path"].split("/")

    def link(self, **changes: object) -> str:
        """The same timeline at another place, as a query."""
        wanted = replace(self, **changes)  # type: ignore[arg-type]
        given = {"kind": wanted.kind, "person": wanted.person, "step": wanted.step, "before": wanted.before}
        return urlencode({name: value for name, value in given.items() if value})


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as the page shows it. `reason` is its text, where this region has it."""

    seq: int
    at: str
    step: str
    kind: str
    told: Told
    reason: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the timeline, the latest first; `before` is where the next older part begins, 0 when there is none."""

    lines: tuple[Line, ...]
    before: int


def offer_timelines(app: FastAPI, pages: Pages) -> None:
    """The timeline of each incident."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]

    @app.get("/incidents/{incident}/timeline")
    async def timeline(
        incident: str, visitor: admitted, kind: str = "", person: str = "", step: str = "", before: int = 0
    ) -> HTMLResponse:
        case = await pages.case(visitor, incident)
        wanted = Wanted(kind if kind in FAMILIES else "", person.strip()[:64], step.strip()[:128], max(0, before))
        stretch = await read_stretch(pages.desk.face, incident, wanted)
        return pages.show(
            "timeline.html",
            visitor,
            board=case.board,
            line=draw_case(case, datetime.now(UTC)),
            name=neutral_name(incident),
            wanted=wanted,
            stretch=stretch,
            families=list(FAMILIES),
            people=sorted({one.id for one in pages.desk.face.people}),
            steps=list(dict.fromkeys(one["step"] for one in case.board["steps"])),
        )


async def read_stretch(face: Face, incident: str, wanted: Wanted, *, limit: int = PAGE) -> Stretch:
    """One part of an incident's timeline.

    Raises:
        Problem: 503 the ledger does not answer.
    """
    try:
        return await asyncio.to_thread(_read, face, incident, wanted, limit)
    except LedgerError as error:
        raise Problem(
            503, "unavailable", "the ledger does not answer at the moment; try again", retry_after=2
        ) from error


def _read(face: Face, incident: str, wanted: Wanted, limit: int) -> Stretch:
    if face.ledger_path is None or not face.ledger_path.exists():
        return Stretch((), 0)
    found: list[StoredEntry] = []
    with SqliteLedger(face.ledger_path) as ledger:
        head = ledger.head(incident)
        last = head["seq"] if head is not None else 0
        top = min(last, wanted.before - 1) if wanted.before else last
        reached = top + 1
        for entry in read_back(ledger, incident, top):
            reached = entry["seq"]
            if wanted.fits(entry):
                found.append(entry)
            if len(found) >= limit or top - reached >= MOST_READ:
                break
    more = 1 < reached <= top
    return Stretch(tuple(_line(face, entry) for entry in found), reached if more else 0)


def _line(face: Face, entry: StoredEntry) -> Line:
    told = tell_entry(entry)
    reason = read_text(face, told.reason_ref) if told.reason_ref else ""
    return Line(entry["seq"], entry["at"], entry["step"] or entry["path"], entry["kind"], told, reason)
