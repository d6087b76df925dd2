"""A face against a rehearsed run on a time-skipping server."""

import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any, cast

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from schemas.incident import Limits
from schemas.plan import Plan
from tests.client.rehearsal import Rehearsal
from watchfloor.client import Face, Order
from watchfloor.evidence import EvidenceStore
from watchfloor.identity.people import Directory, Person
from watchfloor.signing import SigningKey

LIMITS: Limits = {"continue_after_events": 0, "failed_step_window": 60.0, "search_attributes": False}
PEOPLE = {
    "counsel-1": ("legal_counsel",),
    "exec-1": ("exec_sponsor",),
    "both-1": ("legal_counsel", "exec_sponsor"),
    "ops-1": ("ops_lead",),
    "commander-1": ("incident_commander",),
}


def people() -> Directory:
    return Directory({name: Person(name, roles, "example-ie", "eu", ()) for name, roles in PEOPLE.items()})


def order(**inputs: Any) -> Order:
    return Order("test", "key-1", "2026-11-22T03:10:00Z", "", {"order_id": "DE-1", "received_at": "-40m", **inputs})


@pytest.fixture
def plan() -> Plan:
    return cast(
        Plan,
        {
            "id": "rehearsal",
            "title": "Rehearsal",
            "command": "eu",
            "severity": "S1",
            "inputs": {
                "order_id": {"type": "string", "pattern": "^[A-Z0-9-]+$"},
                "received_at": {"type": "timestamp"},
            },
            "facts": {
                "reply_seen": {"type": {"type": "timestamp"}, "sources": ["mailbox"], "revise": None},
                "copies": {"type": {"type": "int"}, "sources": ["mailbox"], "revise": None},
            },
            "clocks": {},
        },
    )


@pytest.fixture
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    server = sys.executable.rsplit("/", 1)[0] + "/temporal-test-server"
    async with await WorkflowEnvironment.start_time_skipping(
        data_converter=pydantic_data_converter, test_server_existing_path=server
    ) as started:
        yield started


@pytest.fixture
def face(environment: WorkflowEnvironment, tmp_path: Any) -> Face:
    key = SigningKey.generate()
    return Face(
        client=environment.client,
        region="eu",
        namespace="default",
        task_queue="rehearsal",
        key=key,
        secret=b"s" * 32,
        decision_keys={key.kid: key.public},
        people=people(),
        reasons=EvidenceStore(tmp_path / "evidence"),
        loopback=True,
        answer_within=timedelta(seconds=3),
    )


@pytest.fixture
def make_worker(face: Face) -> Callable[[], Worker]:
    def make() -> Worker:
        return Worker(
            face.client,
            task_queue=face.task_queue,
            workflows=[Rehearsal],
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_cached_workflows=0,
        )

    return make


@pytest.fixture
async def worker(make_worker: Callable[[], Worker]) -> AsyncIterator[Worker]:
    async with make_worker() as started:
        yield started
