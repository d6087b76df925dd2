"""The library in the browser: each runbook in words and as a picture, its findings, its versions, and rehearsing it."""

import asyncio
import re
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from watchfloor.authorisation.questions import Resource
from watchfloor.client.permission import about_plan, ask_question
from watchfloor.gateway.console.fields import read_fields
from watchfloor.gateway.console.gate import HEADERS, Visitor
from watchfloor.gateway.console.library import Library, Volume, list_versions
from watchfloor.gateway.console.pages import OPEN, ROOT, Pages
from watchfloor.gateway.console.prose import render_prose
from watchfloor.gateway.console.rehearsals import Rehearsals
from watchfloor.gateway.problems import Problem
from watchfloor.language.diff import compare, weakens
from watchfloor.language.diff_model import WORDS, Danger
from watchfloor.language.findings import explain
from watchfloor.language.graph_svg import render_svg
from watchfloor.scenarios.model import FAILURES

MISSING = "there is no runbook of this id in the library"
PICTURE = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
"""Of a drawing that is opened by itself: its style stands in it, and nothing of it runs."""
_ITERATION = re.compile(r"\[\d+\]")
_QUIET = frozenset({"effect.announced", "effect.done", "read.done"})
MOST_EVENTS = 400


def offer_runbooks(app: FastAPI, pages: Pages) -> None:
    """The library's pages."""
    admitted = Annotated[Visitor, Depends(pages.desk.gate.admit)]
    library, rehearsals = Library(), Rehearsals()

    async def find(visitor: Visitor, runbook: str) -> Volume:
        volume = await asyncio.to_thread(library.find, runbook[:80])
        if volume is None or not may_read(pages, visitor, volume):
            raise Problem(404, "not_found", MISSING)
        return volume

    @app.get("/runbooks")
    async def shelf(visitor: admitted) -> HTMLResponse:
        volumes = [one for one in await asyncio.to_thread(library.all) if may_read(pages, visitor, one)]
        running: dict[str, int] = {}
        for case in await pages.cases(visitor, kinds=("incident",), states=OPEN):
            running[case.runbook] = running.get(case.runbook, 0) + 1
        covered = {one.id: rehearsals.covered(one.id) for one in volumes}
        return pages.show("runbooks.html", visitor, volumes=volumes, running=running, covered=covered)

    @app.get("/runbooks/{runbook}")
    async def one(runbook: str, visitor: admitted) -> HTMLResponse:
        volume = await find(visitor, runbook)
        cases = await pages.cases(visitor, kinds=("incident",), runbook=volume.id)
        return pages.show(
            "runbook.html",
            visitor,
            volume=volume,
            versions=list_versions(volume, cases),
            covered=rehearsals.covered(volume.id),
        )

    @app.get("/runbooks/{runbook}/graph.svg")
    async def graph(runbook: str, visitor: admitted) -> Response:
        volume = await find(visitor, runbook)
        if volume.plan is None:
            raise Problem(404, "not_found", "it does not compile, so there is no picture of it")
        drawn = await asyncio.to_thread(render_svg, volume.plan)
        return Response(drawn, media_type="image/svg+xml", headers={**HEADERS, "content-security-policy": PICTURE})

    @app.get("/runbooks/{runbook}/versions/{digest}")
    async def differences(runbook: str, digest: str, visitor: admitted) -> HTMLResponse:
        return await _differences(pages, visitor, await find(visitor, runbook), digest)

    @app.get("/runbooks/{runbook}/rehearse")
    async def stage(runbook: str, visitor: admitted) -> HTMLResponse:
        volume = await find(visitor, runbook)
        return pages.show("rehearse.html", visitor, volume=volume, failures=tuple(FAILURES))

    @app.post("/runbooks/{runbook}/rehearse")
    async def begin(runbook: str, request: Request, visitor: admitted) -> Response:
        said = await read_fields(request, visitor)
        volume = await find(visitor, runbook)
        job = rehearsals.begin(visitor.person.id, _read_request(volume, said), volume.digest)
        return RedirectResponse(f"{ROOT}/rehearsals/{job.id}", 303)

    @app.get("/rehearsals/{rehearsal}")
    async def result(rehearsal: str, visitor: admitted) -> HTMLResponse:
        job = rehearsals.find(rehearsal, visitor.person.id)
        if job is None:
            raise Problem(404, "not_found", "there is no rehearsal of this id; they are kept for a while only")
        timeline = _fold(job.document.get("timeline", []))
        return pages.show("rehearsal.html", visitor, job=job, said=job.document, timeline=timeline, most=MOST_EVENTS)

    @app.get("/findings/{code}")
    async def finding(code: str, visitor: admitted) -> HTMLResponse:
        try:
            text = await asyncio.to_thread(explain, code[:20])
        except KeyError as error:
            raise Problem(404, "not_found", "there is no finding of this code; codes look like WF204") from error
        title = text.splitlines()[0].lstrip("# ")
        return pages.show("finding.html", visitor, heading=title, text=render_prose(text))


def may_read(pages: Pages, visitor: Visitor, volume: Volume) -> bool:
    """Whether the runbook is on this visitor's shelf: one for a compartment is for those who are cleared. In which
    region it is commanded does not matter: everybody reads the same library."""
    if volume.plan is not None:
        about = replace(about_plan(volume.plan), region=visitor.person.region)
    else:
        about = Resource(volume.id, "runbook", volume.id, visitor.person.region, compartment=volume.compartment)
    return pages.allows(ask_question(pages.desk.face, visitor.person, "view", about, "", "", visitor.signed_in))


async def _differences(pages: Pages, visitor: Visitor, volume: Volume, digest: str) -> HTMLResponse:
    """What has changed from the plan of some run, that the visitor may see, to the library's."""
    cases = await pages.cases(visitor, kinds=("incident",), runbook=volume.id)
    mine = [case for case in cases if case.board["plan"] == f"sha256:{digest}"]
    if not mine or volume.plan is None:
        raise Problem(404, "not_found", "no run that you may see was started with this plan")
    old = await pages.plan(mine[0].incident)
    if old is None:
        raise Problem(503, "unavailable", "the engine does not give this run's plan at the moment", retry_after=5)
    changes = await asyncio.to_thread(compare, old, volume.plan)
    by_danger = [(WORDS[danger], [one for one in changes if one.danger == danger]) for danger in Danger]
    return pages.show(
        "versions.html",
        visitor,
        volume=volume,
        old=old,
        runs=mine,
        groups=[group for group in by_danger if group[1]],
        weaker=weakens(changes),
        count=len(changes),
    )


def _read_request(volume: Volume, said: dict[str, list[str]]) -> dict[str, Any]:
    """What a form asks to rehearse; only what the runbook has.

    Raises:
        Problem: 422.
    """

    def first(name: str) -> str:
        return (said.get(name) or [""])[0]

    what, scenario = first("what"), first("scenario")
    if what not in {"scenario", "what_if", "all"}:
        raise Problem(422, "shape", "say what is to be rehearsed: a scenario, what if, or all of them")
    if not volume.scenarios or (what != "all" and scenario not in volume.scenarios):
        raise Problem(422, "shape", "this runbook has no scenario of this name; nothing was rehearsed")
    request: dict[str, Any] = {"what": what, "runbook": volume.id}
    if what == "all":
        return request
    request["scenario"] = scenario
    if what == "what_if":
        silent, failing, how = said.get("silent", []), first("failing"), first("how")
        unknown = [one for one in silent if one not in volume.asking]
        if unknown or (failing and (failing not in volume.actions or how not in FAILURES)):
            raise Problem(422, "shape", "that is no step or action of this runbook; nothing was rehearsed")
        request |= {"silent": silent[:20], "failing": {failing: how} if failing else {}}
    return request


def _fold(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The timeline, the same thing for one item after another as one line with its count."""
    found: list[dict[str, Any]] = []
    for event in events:
        if event["kind"] in _QUIET:
            continue
        place = _ITERATION.sub("[…]", event["path"])
        last = found[-1] if found else None
        if (
            last
            and "[" in place
            and (last["kind"], last["what"], last["place"]) == (event["kind"], event["what"], place)
        ):
            last["count"] += 1
        else:
            found.append({**event, "place": place, "count": 1})
    return found
