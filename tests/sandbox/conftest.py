"""A real sandbox platform on loopback, one for a test module."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx2
import pytest

_keys = count()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Running:
    """A sandbox process that can be killed and started again over the same state."""

    state: Path
    port: int
    smtp_port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "watchfloor.sandbox", "--port", str(self.port)),
                *("--smtp-port", str(self.smtp_port), "--state", str(self.state), "--latency-ms", "0"),
            ]
        )
        until = time.monotonic() + 20
        while True:
            try:
                httpx2.get(f"{self.url}/healthz", trust_env=False)
            except httpx2.TransportError:
                assert self.process.poll() is None, "the sandbox ended while it was starting"
                assert time.monotonic() < until, "the sandbox did not answer"
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    sandbox = Running(tmp_path_factory.mktemp("sandbox"), free_port(), free_port())
    sandbox.start()
    yield sandbox
    sandbox.kill()


@pytest.fixture
def platform(running: Running) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=running.url, trust_env=False, timeout=10) as client:
        client.delete("/_sandbox/faults")
        yield client


@pytest.fixture
def url() -> str:
    """An item of its own for each test."""
    return f"https://videos.example.test/v/{next(_keys)}"


@pytest.fixture
def key() -> dict[str, str]:
    return {"Idempotency-Key": f"test-key-{next(_keys):08d}"}
