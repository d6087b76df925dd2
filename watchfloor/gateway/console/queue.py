"""The queue: the next task of thousands, what it exposes to before anything opens, and taking it with one touch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from schemas.plan import EXPOSURES
from watchfloor.client.errors import EngineUnavailable, Refused
from watchfloor.client.queueing import Queue, Queued, claim_next, list_queue, pick_apart
from watchfloor.gateway.console.fields import read_fields
from watchfloor.gateway.console.gate import Visitor
from watchfloor.gateway.console.pages import KINDS, OPEN, ROOT, Pages
from watchfloor.gateway.console.task_cards import draw_task

THEN = 5
"""How many of those that come after the next are listed."""
RESERVE = 10
"""How many are weighed, so that whoever loses a race has others to try."""
MOST_PASSED = 30
"""Tasks that one can leave to others by passing on; the oldest comes up again after that."""
NOTHING = "none"
"""The filter's word for tasks that are not known to expose to anything."""
GONE = "Somebody else took it first. Look at what is next before you take it."


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants to see of their queue: one class of exposure, one runbook, without what they passed."""

    exposure: str = ""
    runbook: str = ""
    passed: tuple[str, ...] = ()

    def narrow(self, waiting: Sequence[Queued]) -> list[Queued]:
        return [
            one
            for one in waiting
            if one.key not in self.passed
            and (not self.runbook or one.root["runbook"] == self.runbook)
            and (not self.exposure or (one.exposure or NOTHING) == self.exposure)
        ]


def offer_queue(app: FastAPI, pages: Pages) -> None:
    """The queue's page, and taking what is next."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]
    under_way: set[str] = set()
    """Tasks that somebody at this gateway is claiming at this moment: the next person goes on at once. The run decides
    all the same."""

    @app.get("/queue")
    async def queue(
        visitor: admitted,
        exposure: Annotated[str, Query(max_length=20)] = "",
        runbook: Annotated[str, Query(max_length=80)] = "",
        passed: Annotated[list[str] | None, Query(max_length=MOST_PASSED + 1)] = None,
    ) -> HTMLResponse:
        kept = tuple(one[:400] for one in passed or ())[-MOST_PASSED:]
        return await _show(pages, visitor, Wish(exposure, runbook, kept))

    @app.post("/queue/next")
    async def take_next(request: Request, visitor: admitted) -> Response:
        said = await read_fields(request, visitor)
        first = {name: values[0] for name, values in said.items()}
        passed = tuple(said.get("passed", ()))[-MOST_PASSED:]
        wish = Wish(first.get("exposure", ""), first.get("runbook", ""), passed)
        return await _take(pages, visitor, wish, first.get("shown", ""), first.get("task", ""), under_way)


async def find_queue(pages: Pages, visitor: Visitor, now: datetime) -> Queue:
    """What this visitor may take and what they have, of all that they may see."""
    cases = await pages.cases(visitor, kinds=KINDS, states=OPEN)
    return list_queue(
        pages.desk.face,
        visitor.person,
        [case.board for case in cases],
        allows=pages.allows,
        signed_in=visitor.signed_in,
        now=now,
    )


async def _show(pages: Pages, visitor: Visitor, wish: Wish, *, told: str = "", status: int = 200) -> HTMLResponse:
    now = datetime.now(UTC)
    found = await find_queue(pages, visitor, now)
    waiting = wish.narrow(found.waiting)
    picked = await pick_apart(pages.desk.face, visitor.person, waiting, THEN + 1, now=now)
    cards = [draw_task(one, now, weighed.why) for one, weighed in picked.tasks]
    left_out = sum(picked.left_out.values())
    return pages.show(
        "queue.html",
        visitor,
        status=status,
        mine=[draw_task(one, now) for one in found.mine],
        first=cards[0] if cards else None,
        then=cards[1:],
        more=max(0, len(waiting) - left_out - len(cards)),
        waiting=len(waiting) - left_out,
        all_waiting=len(found.waiting),
        left_out=picked.left_out,
        wish=wish,
        exposures=(NOTHING, *EXPOSURES),
        runbooks=sorted({one.root["runbook"] for one in found.waiting if one.root["runbook"]}),
        told=told,
        back=f"{ROOT}/queue",
    )


async def _take(pages: Pages, visitor: Visitor, wish: Wish, shown: str, task: str, under_way: set[str]) -> Response:
    """Take the task that was shown, or the one after it that exposes to no more than what was shown."""
    now = datetime.now(UTC)
    waiting = wish.narrow((await find_queue(pages, visitor, now)).waiting)
    begun = [one for one in waiting if one.key not in under_way]
    # what the person looked at comes first, even if something more urgent has come meanwhile
    begun.sort(key=lambda one: one.key != task)
    picked = await pick_apart(pages.desk.face, visitor.person, begun, RESERVE, now=now)
    tasks = [one for one, _ in picked.tasks]
    mine = {one.key for one in tasks[:1]}
    under_way |= mine
    try:
        claimed = await claim_next(
            pages.desk.face, visitor.person, tasks, exposure=shown, signed_in=visitor.signed_in, now=now
        )
    except Refused as error:
        return await _show(pages, visitor, wish, told=str(error), status=422)
    except EngineUnavailable as error:
        return await _show(pages, visitor, wish, told=str(error), status=503)
    finally:
        under_way -= mine
    if claimed is None:
        return await _show(pages, visitor, wish, told=GONE, status=409)
    case = await pages.case(visitor, claimed.task.at.workflow)
    if not any(
        _has(ask, visitor.person.id) for ask in case.board["asks"] if ask["path"] == claimed.task.at.ask["path"]
    ):
        await pages.settle(case)
    return RedirectResponse(f"{ROOT}/queue#mine", 303)


def _has(ask: object, person: str) -> bool:
    claim = ask.get("claim") if isinstance(ask, dict) else None
    return claim is not None and claim["person"] == person
