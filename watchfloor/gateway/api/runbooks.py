"""The library over HTTP: which runbooks there are, what each takes, what its compiler finds."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI, Path, Query, Request, Response

from schemas.plan import Plan
from watchfloor.client.library import compile_runbook, find_runbook, library_ids
from watchfloor.gateway.api.mistakes import name_missing
from watchfloor.gateway.api.paging import KNOWN, answer_known
from watchfloor.gateway.api.shapes import FindingLine, Findings, RunbookLine, RunbookPage
from watchfloor.gateway.api.sight import Sight
from watchfloor.gateway.refusals import as_problems
from watchfloor.identity.machines import Machine
from watchfloor.language.codes import Severity

if TYPE_CHECKING:
    from watchfloor.gateway.api.app import ApiDesk

Runbook = Annotated[str, Path(max_length=80, description="Id of a runbook of the library.")]


def add_runbooks(app: FastAPI, desk: "ApiDesk") -> None:
    """Offer the routes."""
    reading = desk.doors.asking("incidents:read", "runbooks:read")

    @app.get("/runbooks")
    async def runbooks(machine: Annotated[Machine, Depends(reading)]) -> list[RunbookLine]:
        """Every runbook that compiles."""
        lines: list[RunbookLine] = []
        for id_ in library_ids():
            with as_problems(name_missing(id_)):
                plan, digest = await asyncio.to_thread(desk.plans.find, id_)
            lines.append(RunbookLine(**_line(plan, digest)))
        return lines

    @app.get("/runbooks/{runbook}", responses={404: {}})
    async def one(runbook: Runbook, machine: Annotated[Machine, Depends(reading)]) -> RunbookPage:
        """What a runbook takes, which facts it knows, and what lint says about it."""
        with as_problems(name_missing(runbook)):
            plan, digest = await asyncio.to_thread(desk.plans.find, runbook)
            compiled = await asyncio.to_thread(compile_runbook, find_runbook(runbook))
        findings = [
            {"code": found.code, "severity": found.severity, "message": found.message, "line": found.line}
            for found in compiled.findings
        ]
        facts: dict[str, Any] = {
            name: {"type": spec["type"]["type"], "from": spec["sources"]} for name, spec in plan["facts"].items()
        }
        return RunbookPage(**_line(plan, digest), inputs=dict(plan["inputs"]), facts=facts, findings=findings)

    @app.get("/runbooks/{runbook}/findings", response_model=Findings, responses={**KNOWN, 404: {}})
    async def findings(
        runbook: Runbook,
        request: Request,
        machine: Annotated[Machine, Depends(reading)],
        severity: Annotated[Severity | None, Query(description="Only those of this severity.")] = None,
    ) -> Response:
        """What `watchfloor lint` finds in a runbook: where, what was expected, how to fix it."""
        with as_problems(name_missing(runbook)):
            plan, digest = await asyncio.to_thread(desk.plans.find, runbook)
            compiled = await asyncio.to_thread(compile_runbook, find_runbook(runbook))
        found = [
            FindingLine(**{name: getattr(one, name) for name in FindingLine.model_fields})
            for one in sorted(compiled.findings)
            if severity is None or one.severity == severity
        ]
        page = Findings(runbook=plan["id"], version=plan["version"], digest=digest, findings=found)
        return answer_known(desk, request, Sight(desk, machine), page)


def _line(plan: Plan, digest: str) -> dict[str, Any]:
    return {
        "id": plan["id"],
        "version": plan["version"],
        "title": plan["title"],
        "harm": plan["harm"],
        "command": plan["command"],
        "digest": digest,
        "triggers": [trigger["source"] for trigger in plan.get("triggers", [])],
    }
