"""One embedded stack for all tests of this folder: a real server, two regions, the sandbox platform."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.floor import Floor, running_floor


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def floor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    home: Path = tmp_path_factory.mktemp("floor") / "home"
    async with running_floor(home) as running:
        yield running
