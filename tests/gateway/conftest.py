"""One real Temporal server with a namespace for each region, and the two regions on it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.gateway.apis import api
from tests.gateway.regions_on_loopback import Region, two_regions
from tests.servers import dev_server
from tests.workflows.bench import Bench, bench_at_work

__all__ = ["api"]


@pytest.fixture(scope="session")
def temporal() -> Iterator[str]:
    with dev_server("eu", "us") as address:
        yield address


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """Runs on a server that skips time, with a worker."""
    async with bench_at_work() as one:
        yield one


@pytest.fixture
async def regions(temporal: str, tmp_path: Path) -> AsyncIterator[dict[str, Region]]:
    async with two_regions(temporal, tmp_path, working=True) as both:
        yield both


@pytest.fixture
async def gateways(temporal: str, tmp_path: Path) -> AsyncIterator[dict[str, Region]]:
    """The regions with nobody at work: what is decided by the gateway alone."""
    async with two_regions(temporal, tmp_path, working=False) as both:
        yield both


@pytest.fixture(autouse=True)
def nobody_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Boards here change when a test changes them: a page does not wait until a run that is none shows what it was
    told. Whoever tests that wait sets it again."""
    monkeypatch.setattr("watchfloor.gateway.console.pages.SETTLE", 0.01)
