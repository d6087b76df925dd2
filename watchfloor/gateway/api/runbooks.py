"""The library over HTTP: which runbooks there are, what each takes, what its compiler finds."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI, Path

from schemas.plan import Plan
from watchfloor.client.library import compile_runbook, find_runbook, library_ids
from watchfloor.gateway.api.shapes import RunbookLine, RunbookPage
from watchfloor.gateway.refusals import as_problems
from watchfloor.identity.machines import Machine

if TYPE_CHECKING:
    from watchfloor.gateway.api.app import ApiDesk

MISSING = "no runbook of this id in the library"


def add_runbooks(app: FastAPI, desk: "ApiDesk") -> None:
    """Offer the routes."""
    reading = desk.doors.asking("incidents:read")

    @app.get("/runbooks")
    async def runbooks(machine: Annotated[Machine, Depends(reading)]) -> list[RunbookLine]:
        """Every runbook that compiles."""
        lines: list[RunbookLine] = []
        for id_ in library_ids():
            with as_problems(MISSING):
                plan, digest = await asyncio.to_thread(desk.plans.find, id_)
            lines.append(RunbookLine(**_line(plan, digest)))
        return lines

    @app.get("/runbooks/{runbook}", responses={404: {}})
    async def one(
        runbook: Annotated[str, Path(max_length=80)], machine: Annotated[Machine, Depends(reading)]
    ) -> RunbookPage:
        """What a runbook takes, which facts it knows, and what lint says about it."""
        with as_problems(MISSING):
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
