"""A fresh time-skipping server for each test: shared ones hang on abandoned children."""

from collections.abc import AsyncIterator

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from tests.workflows.bench import Bench, find_binary


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A bench on the time-skipping server; at the end every run's history is replayed in the sandbox."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=find_binary("temporal-test-server"), data_converter=pydantic_data_converter
    ) as env:
        one = Bench(env.client, env)
        async with one.worker():
            yield one
            await one.replay()
