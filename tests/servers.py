"""Real Temporal servers for tests: one process each, on a free loopback port, stopped by its own id."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

BIN = Path(sys.executable).parent
PORT = "{port}"
COMES_UP_IN = 30.0
"""Seconds that a server may take on a machine that does other things."""


def tcp_socket() -> socket.socket:
    """A socket whose connections send at once: asyncio has those of its own listeners do so, and those that it is given
    when they say that they are TCP. Otherwise the end of every answer waits 40 ms for the reader's word."""
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)


@contextmanager
def dev_server(*namespaces: str) -> Iterator[str]:
    """A server as the embedded engine starts it, with timers that fire when they are due; gives its address."""
    command = ["temporal", "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--log-level", "never"]
    command += ["--dynamic-config-value", 'history.timerProcessorMaxTimeShift="0s"']
    for namespace in namespaces:
        command += ["--namespace", namespace]
    with _running([*command, "--port", PORT]) as address:
        _await_health(address)
        yield address


@contextmanager
def skipping_server() -> Iterator[str]:
    """A server that skips time; gives its address."""
    with _running(["temporal-test-server", PORT, "--enable-time-skipping"]) as address:
        yield address


@contextmanager
def _running(command: Sequence[str]) -> Iterator[str]:
    """The program with a free port where `PORT` stands, until the block ends."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    process = subprocess.Popen(
        [BIN / command[0], *(word.replace(PORT, str(port)) for word in command[1:])],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await(port, process)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _await(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + COMES_UP_IN
    while time.monotonic() < until:
        assert process.poll() is None, "the server ended at once"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the server did not come up")


def _await_health(address: str) -> None:
    """Its port is open before it answers anybody."""
    asking = [BIN / "temporal", "operator", "cluster", "health", "--address", address]
    until = time.monotonic() + COMES_UP_IN
    while subprocess.run(asking, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode:
        assert time.monotonic() < until, "the server did not get healthy"
        time.sleep(0.1)
