"""The library over HTTP: which runbooks there are, what each takes, what its compiler finds."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI, Path, Query, Request, Response

from schemas.plan import Plan
from watchfloor.client.errors import RunbookRefused
from watchfloor.client.library import compile_runbook, find_runbook, library_ids
from watchfloor.gateway.api.mistakes import name_missing
from watchfloor.gateway.api.paging import KNOWN, answer_known
from watchfloor.gateway.api.shapes import FindingLine, Findings, RunbookLine, RunbookPage
from watchfloor.gateway.api.sight import Sight
from watchfloor.gateway.refusals import as_problems
from watchfloor.identity.machines import Machine
from watchfloor.language import Compiled
from watchfloor.language.codes import Severity

if TYPE_CHECKING:
    from watchfloor.gateway.api.app import ApiDesk

Runbook = Annotated[str, Path(max_length=80, description="Id of a runbook of the library.")]


def add_runbooks(app: FastAPI, desk: "ApiDesk") -> None:
    """Offer the routes."""
    reading = desk.doors.asking("incidents:read", "runbooks:read")

    @app.get("/runbooks")
    async def runbooks(machine: Annotated[Machine, Depends(reading)]) -> list[RunbookLine]:
        """Every runbook of the library, those with mistakes too: one that does not compile hides no other."""
        return [RunbookLine(**_line(id_, await _plan(desk, id_))) for id_ in library_ids()]

    @app.get("/runbooks/{runbook}", responses={404: {}})
    async def one(runbook: Runbook, machine: Annotated[Machine, Depends(reading)]) -> RunbookPage:
        """What a runbook takes, which facts it knows, and what lint says about it."""
        found, compiled = await _plan(desk, runbook), await _compiled(runbook)
        findings = [
            {"code": found.code, "severity": found.severity, "message": found.message, "line": found.line}
            for found in compiled.findings
        ]
        facts: dict[str, Any] = {
            name: {"type": spec["type"]["type"], "from": spec["sources"]}
            for name, spec in (found[0]["facts"].items() if found else ())
        }
        inputs = dict(found[0]["inputs"]) if found else {}
        return RunbookPage(**_line(runbook, found), inputs=inputs, facts=facts, findings=findings)

    @app.get("/runbooks/{runbook}/findings", response_model=Findings, responses={**KNOWN, 404: {}})
    async def findings(
        runbook: Runbook,
        request: Request,
        machine: Annotated[Machine, Depends(reading)],
        severity: Annotated[Severity | None, Query(description="Only those of this severity.")] = None,
    ) -> Response:
        """What `watchfloor lint` finds in a runbook: where, what was expected, how to fix it; most of all in one that
        does not compile."""
        known, compiled = await _plan(desk, runbook), await _compiled(runbook)
        found = [
            FindingLine(**{name: getattr(one, name) for name in FindingLine.model_fields})
            for one in sorted(compiled.findings)
            if severity is None or one.severity == severity
        ]
        page = Findings(
            runbook=runbook,
            compiles=known is not None,
            version=known[0]["version"] if known else None,
            digest=known[1] if known else "",
            findings=found,
        )
        return answer_known(desk, request, Sight(desk, machine), page)


async def _plan(desk: "ApiDesk", runbook: str) -> tuple[Plan, str] | None:
    """The plan and its digest; None while the runbook does not compile.

    Raises:
        Problem: 404, the library has no such runbook.
    """
    with as_problems(name_missing(runbook)):
        try:
            return await asyncio.to_thread(desk.plans.find, runbook)
        except RunbookRefused:
            return None


async def _compiled(runbook: str) -> Compiled:
    with as_problems(name_missing(runbook)):
        return await asyncio.to_thread(compile_runbook, find_runbook(runbook))


def _line(runbook: str, found: tuple[Plan, str] | None) -> dict[str, Any]:
    if found is None:
        unknown = dict.fromkeys(("title", "harm", "command", "digest"), "")
        return {"id": runbook, "compiles": False, "version": None, **unknown, "triggers": []}
    plan, digest = found
    return {
        "id": plan["id"],
        "compiles": True,
        "version": plan["version"],
        "title": plan["title"],
        "harm": plan["harm"],
        "command": plan["command"],
        "digest": digest,
        "triggers": [trigger["source"] for trigger in plan.get("triggers", [])],
    }
