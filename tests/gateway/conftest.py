"""One real Temporal server with a namespace for each region, and the two regions on it."""

import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.gateway.apis import api
from tests.gateway.regions_on_loopback import Region, two_regions

__all__ = ["api"]

BIN = Path(sys.executable).parent


@pytest.fixture(scope="session")
def temporal() -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    command = [BIN / "temporal", "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port)]
    command += ["--log-level", "never", "--namespace", "eu", "--namespace", "us"]
    command += ["--dynamic-config-value", 'history.timerProcessorMaxTimeShift="0s"']
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            assert process.poll() is None, "the server ended at once"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
async def regions(temporal: str, tmp_path: Path) -> AsyncIterator[dict[str, Region]]:
    async with two_regions(temporal, tmp_path, working=True) as both:
        yield both


@pytest.fixture
async def gateways(temporal: str, tmp_path: Path) -> AsyncIterator[dict[str, Region]]:
    """The regions with nobody at work: what is decided by the gateway alone."""
    async with two_regions(temporal, tmp_path, working=False) as both:
        yield both
