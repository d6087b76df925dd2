"""A fresh time-skipping server for each test: shared ones hang on abandoned children. And one real one for all.

What continues as new while somebody speaks to it is tested on the real one: the other refuses a workflow task in which
an update is accepted behind the command to continue ("must be the last command"), again and again.
"""

from collections.abc import AsyncIterator, Iterator

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from tests.servers import dev_server
from tests.workflows.bench import Bench, bench_at_work


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A bench on the time-skipping server; at the end every run's history is replayed in the sandbox."""
    async with bench_at_work() as one:
        yield one


@pytest.fixture(scope="session")
def real_server() -> Iterator[str]:
    with dev_server() as address:
        yield address


@pytest.fixture
async def lasting(real_server: str) -> AsyncIterator[Bench]:
    """A bench on a real server, where time passes as it does; at the end every run's history is replayed."""
    client = await Client.connect(real_server, data_converter=pydantic_data_converter)
    one = Bench(client, None)
    async with one.worker():
        yield one
        await one.replay()
