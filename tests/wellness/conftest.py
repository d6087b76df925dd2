"""A face over the real incident workflow, with a wellness store beside it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.workflows.bench import Bench, bench_at_work, face_over
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
    async with bench_at_work() as one:
        yield one


@pytest.fixture
def face(bench: Bench, tmp_path: Path) -> Face:
    return face_over(
        bench,
        people=Directory({name: Person(name, roles, "example", "us", ()) for name, roles in PEOPLE.items()}),
        reasons=EvidenceStore(tmp_path / "evidence"),
        loopback=True,
        answer_within=timedelta(seconds=5),
        wellness=Wellness(tmp_path / "hr" / "wellness.sqlite"),
    )
