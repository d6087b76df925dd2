"""Expressions are evaluated inside the workflow sandbox, as a passed-through module."""

import sys
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

with workflow.unsafe.imports_passed_through():
    from watchfloor.expressions import MISSING, compile, evaluate


@workflow.defn(name="Evaluates")
class Evaluates:
    @workflow.run
    async def run(self, expr: dict[str, Any]) -> Any:
        now = workflow.now().isoformat()
        return evaluate(expr, lambda name: now if name == "now" else MISSING)  # type: ignore[arg-type]


def test_the_module_reads_no_clock_and_opens_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("expressions did I/O")

    expr = compile("now > now - days(1)", {"now": "timestamp"})
    monkeypatch.setattr(builtins, "open", refuse)
    assert evaluate(expr, lambda name: "2026-11-22T03:10:00Z") is True


async def test_an_expression_evaluates_inside_the_sandbox() -> None:
    server = Path(sys.executable).parent / "temporal-test-server"
    async with await WorkflowEnvironment.start_time_skipping(test_server_existing_path=str(server)) as env:
        queue = f"q-{uuid.uuid4()}"
        runner = SandboxedWorkflowRunner(
            SandboxRestrictions.default.with_passthrough_modules("watchfloor", "schemas", "cel_expr_python")
        )
        async with Worker(env.client, task_queue=queue, workflows=[Evaluates], workflow_runner=runner):
            expr = compile("now > now - days(1)", {"now": "timestamp"})
            result = await env.client.execute_workflow(
                "Evaluates", expr, id=f"w-{uuid.uuid4()}", task_queue=queue, run_timeout=timedelta(minutes=1)
            )
    assert result is True
