"""One embedded stack for each file of the suite."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.floor import Floor, running_floor
from watchfloor.runtime.settings import SHIPPED_BINDINGS


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def floor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    home = tmp_path_factory.mktemp("chaos") / "home"
    home.mkdir(parents=True)
    # a thousand races delete more in an hour than the shipped cap lets through
    bindings = SHIPPED_BINDINGS.read_text().replace("cap: 200\n", "cap: 20000\n")
    assert bindings != SHIPPED_BINDINGS.read_text()
    (home / "bindings.yaml").write_text(bindings)
    async with running_floor(home) as running:
        yield running
