"""What the embedded stack runs: the command line of each process and how to tell that it answers."""

import asyncio
import os
import sys
from pathlib import Path

import httpx2
from temporalio.client import Client

from watchfloor.connections.egress import Egress
from watchfloor.connections.guarded import open_guarded_client
from watchfloor.runtime.engine import (
    LOOK_EVERY,
    ServerPorts,
    await_pollers,
    await_server,
    require_server,
    server_command,
)
from watchfloor.runtime.processes import Program, Ready
from watchfloor.runtime.settings import EMBEDDED_VARIABLE, HOME_VARIABLE, task_queue
from watchfloor.runtime.stackfile import StackRecord

PYTHON = (sys.executable, "-P", "-m")
"""`-P`: modules come from the installation, never from the directory somebody happens to stand in."""


def child_environ(home: Path) -> dict[str, str]:
    """This environment without what would lead a process to another engine or another Python."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "PYTHON"))}
    return {**kept, HOME_VARIABLE: str(home), EMBEDDED_VARIABLE: "1", "PYTHONUNBUFFERED": "1"}


def server_program(home: Path, ports: ServerPorts, *, power_safe: bool) -> Program:
    """The Temporal server. It opens more ports by itself, at random, and ends when one is taken: it may try again."""

    async def answers(_pid: int) -> None:
        await await_server(f"127.0.0.1:{ports.frontend}")

    command = server_command(require_server(), home, ports, power_safe=power_safe)
    return _program(home, "temporal", command, answers, tries=3)


def sandbox_program(home: Path, record: StackRecord, *, latency_ms: float) -> Program:
    """The sandbox platform."""
    sandbox = record.sandbox
    command = [
        *(*PYTHON, "watchfloor.sandbox", "--port", _port_of(sandbox.url)),
        *("--smtp-port", str(sandbox.smtp_port), "--state", str(home / "sandbox")),
        *("--latency-ms", str(latency_ms)),
    ]
    return _program(home, "sandbox", command, _serves(f"{sandbox.url}/healthz"))


def gateway_program(home: Path, record: StackRecord, region: str) -> Program:
    """One region's inbox endpoint."""
    url = record.regions[region].gateway_url
    command = [*PYTHON, "watchfloor.gateway", "--region", region, "--port", _port_of(url)]
    return _program(home, f"gateway-{region}", command, _serves(f"{url}/healthz"))


def worker_program(home: Path, record: StackRecord, region: str) -> Program:
    """One region's worker; ready when it polls its queue."""
    mine = record.regions[region]

    async def polls(pid: int) -> None:
        client = await Client.connect(record.temporal.address, namespace=mine.namespace)
        await await_pollers(client, mine.namespace, task_queue(region), pid)

    command = [
        *(*PYTHON, "watchfloor.runtime.worker", "--region", region),
        *("--metrics-port", _port_of(mine.metrics_url.removesuffix("/metrics"))),
    ]
    return _program(home, f"worker-{region}", command, polls)


def provision_command(home: Path, region: str) -> list[str]:
    """What makes a region's directories and keys; ends by itself and prints the public keys."""
    return [*PYTHON, "watchfloor.runtime.provision", "--region", region, "--home", str(home)]


def _program(home: Path, name: str, command: list[str], ready: Ready, *, tries: int = 1) -> Program:
    return Program(name, command, child_environ(home), home / "logs" / f"{name}.log", ready, tries=tries)


def _port_of(url: str) -> str:
    return url.rpartition(":")[2]


def _serves(url: str) -> Ready:
    async def answers(_pid: int) -> None:
        async with open_guarded_client(Egress.to(url), patience=2.0) as client:
            while True:
                try:
                    if (await client.get(url)).is_success:
                        return
                except httpx2.TransportError:
                    pass
                await asyncio.sleep(LOOK_EVERY)

    return answers
