"""One embedded stack for each file of the suite."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.floor import Floor, running_floor


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def floor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    async with running_floor(tmp_path_factory.mktemp("chaos") / "home") as running:
        yield running
