"""`python worker.py --region us`: the worker of one region, the same on a laptop and against a cluster.

It checks that it runs its own packages, reads its region's settings and keys, waits for Temporal, and carries out
workflows and activities until SIGTERM or SIGINT. Then it takes no more work, lets what runs come to its end for
`GRACE`, and goes. It may be killed at any moment: everything that matters is in Temporal, the ledger and the evidence
store.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from temporalio.client import Client
from temporalio.worker import Worker

from watchfloor.runtime.leaving import leave
from watchfloor.runtime.logging import configure_logging
from watchfloor.runtime.packages import require_own_packages
from watchfloor.runtime.processes import PRIVATE
from watchfloor.runtime.refusal import Refused
from watchfloor.runtime.settings import RegionSettings, load

if TYPE_CHECKING:
    from watchfloor.runtime.assembly import Assembled

GRACE = timedelta(seconds=20)
"""How long activities may go on after the worker was asked to stop."""
AT_ONCE = 500
"""Activities under way at the same time. A notice waits in its activity for its turn at a channel that takes few at
once: with the library's 100, two hundred pages let everything else wait for five seconds, the first action of a new
incident too."""
STICKY = timedelta(seconds=1)
"""How long a decision or a clock that is due waits for a worker that died before another takes the run (the SDK's
default is 10 s). Clocks are promised within two seconds; a worker that is slower than this costs a replay, no more."""
IDLE_RUN_BYTES = 72 * 1024
"""Memory of one idle cached run, measured with our packages passed through the sandbox."""
CACHE_SHARE = 0.25
MOST_CACHED, LEAST_CACHED = 20_000, 200

log = structlog.get_logger("watchfloor.runtime.worker")


def cache_size(memory: int | None = None) -> int:
    """How many runs to keep in memory: a quarter of the machine's, between 200 and 20,000 runs."""
    if memory is None:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(LEAST_CACHED, min(MOST_CACHED, int(memory * CACHE_SHARE / IDLE_RUN_BYTES)))


def worker_identity(region: str) -> str:
    """`pid@host/region`: what the server shows as the poller."""
    return f"{os.getpid()}@{socket.gethostname()}/{region}"


def all_workflows() -> list[type]:
    """Every workflow of the product; each runs in each region."""
    from workflows.handoff import Handoff
    from workflows.hold import Hold
    from workflows.incident import IncidentWorkflow
    from workflows.incoming import IncomingHandoff
    from workflows.postmortem import Postmortem

    return [IncidentWorkflow, Hold, Handoff, IncomingHandoff, Postmortem]


def make_worker(client: Client, settings: RegionSettings, parts: "Assembled", *, cached: int | None = None) -> Worker:
    """The worker of a region over a connected client. It does not run yet."""
    from workflows.sandboxing import runner

    return Worker(
        client,
        task_queue=settings.task_queue,
        workflows=all_workflows(),
        activities=parts.activities,
        interceptors=parts.interceptors,
        workflow_runner=runner(),
        max_concurrent_activities=AT_ONCE,
        max_cached_workflows=cache_size() if cached is None else cached,
        sticky_queue_schedule_to_start_timeout=STICKY,
        graceful_shutdown_timeout=GRACE,
    )


@contextlib.asynccontextmanager
async def running_worker(settings: RegionSettings, *, metrics_address: str | None = None) -> AsyncIterator[Worker]:
    """A connected, polling worker of a region with everything it needs; stopped on leaving.

    Raises:
        Refused: packages, keys, people, bindings or connection are not as they must be.
    """
    from watchfloor.runtime.assembly import assembled, load_keys
    from watchfloor.runtime.connection import connect, make_runtime

    require_own_packages()
    keys = load_keys(settings)
    identity = worker_identity(settings.region)
    client = await connect(settings, keys, identity=identity, runtime=make_runtime(metrics_address))
    async with assembled(settings, keys) as parts:
        worker = make_worker(client, settings, parts)
        async with worker:
            log.info(
                "worker started",
                region=settings.region,
                namespace=settings.namespace,
                address=settings.address,
                task_queue=settings.task_queue,
                identity=identity,
                workflows=len(all_workflows()),
                activities=len(parts.activities),
            )
            yield worker
        log.info("worker stopped", region=settings.region)


async def serve(settings: RegionSettings, *, metrics_address: str | None = None) -> None:
    """Work until SIGTERM or SIGINT, also while Temporal is still awaited."""
    asked = asyncio.Event()
    waiting_for_temporal = True
    loop, this = asyncio.get_running_loop(), asyncio.current_task()

    def ask() -> None:
        asked.set()
        if waiting_for_temporal and this is not None:
            this.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask)
    try:
        async with running_worker(settings, metrics_address=metrics_address):
            waiting_for_temporal = False
            await asked.wait()  # a fatal error of the SDK cancels this wait and is raised instead
            log.info("worker stopping", region=settings.region)
    except asyncio.CancelledError:
        if not asked.is_set():
            raise
        log.info("worker stopped before it had started", region=settings.region)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="worker.py", description="The worker of one region.")
    parser.add_argument("--region", required=True, help="the region to work for, such as us or eu")
    parser.add_argument("--home", type=Path, default=None, help="home directory (WATCHFLOOR_HOME, else .watchfloor)")
    parser.add_argument("--metrics-port", type=int, default=None, help="serve Prometheus metrics on this loopback port")
    parser.add_argument("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    given = parser.parse_args(arguments)
    os.umask(PRIVATE)
    try:
        require_own_packages()
        settings = load(given.region, given.home)
        folder = settings.log_path if settings.embedded or sys.stderr.isatty() else None
        configure_logging(f"worker-{given.region}", folder, level=given.log_level)
        metrics = f"127.0.0.1:{given.metrics_port}" if given.metrics_port else None
        asyncio.run(serve(settings, metrics_address=metrics))
    except Refused as error:
        print(f"the worker of `{given.region}` does not start: {error}", file=sys.stderr)
        return 3
    except Exception:  # the edge of the process: the log gets types and places, never an error's text
        log.exception("worker failed", region=given.region)
        return 3
    return 0


if __name__ == "__main__":
    leave(main())
