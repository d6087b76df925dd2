"""A face over the real incident workflow, with a wellness store beside it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from tests.workflows.bench import FACE, Bench, find_binary
from watchfloor.client import Face
from watchfloor.evidence import EvidenceStore
from watchfloor.identity.people import Directory, Person
from watchfloor.wellness import Wellness

PEOPLE = {
    "ops-1": ("ops_lead",),
    "ops-2": ("ops_lead",),
    "carl": ("incident_commander",),
    "wanda": ("wellness_officer",),
}


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=find_binary("temporal-test-server"), data_converter=pydantic_data_converter
    ) as env:
        one = Bench(env.client, env)
        async with one.worker():
            yield one
            await one.replay()


@pytest.fixture
def face(bench: Bench, tmp_path: Path) -> Face:
    return Face(
        client=bench.client,
        region="us",
        namespace=bench.client.namespace,
        task_queue=bench.queue,
        key=FACE,
        secret=b"s" * 32,
        decision_keys={FACE.kid: FACE.public},
        people=Directory({name: Person(name, roles, "example", "us", ()) for name, roles in PEOPLE.items()}),
        reasons=EvidenceStore(tmp_path / "evidence"),
        loopback=True,
        answer_within=timedelta(seconds=5),
        wellness=Wellness(tmp_path / "hr" / "wellness.sqlite"),
    )
