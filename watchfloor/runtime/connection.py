"""The connection of a worker to its region's Temporal: patient, and plain about why it waits."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)
from temporalio.service import RPCError, RPCStatusCode

from watchfloor.regions.codec import client_encryption
from watchfloor.regions.keys import RegionKeys
from watchfloor.runtime.refusal import WorkerRefused
from watchfloor.runtime.settings import RegionSettings

PATIENCE = timedelta(minutes=2)
"""How long a worker waits for a server that is still starting."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
UNOPENED = "watchfloor_unopened_payloads"
"""Counter of a worker. A run that is read anew counts what it has in its history again."""
HOPELESS = {RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED}

log = structlog.get_logger(__name__)


def make_runtime(metrics_address: str | None) -> Runtime:
    """The SDK's runtime: its own warnings in our log, its metrics for Prometheus where an address is given."""
    import logging

    return Runtime(
        telemetry=TelemetryConfig(
            logging=LoggingConfig(
                filter=TelemetryFilter(core_level="WARN", other_level="ERROR"),
                forwarding=LogForwardingConfig(logger=logging.getLogger("temporalio.core")),
            ),
            metrics=PrometheusConfig(bind_address=metrics_address) if metrics_address else None,
        )
    )


def count_unopened(runtime: Runtime | None) -> Callable[[str], None]:
    """What is told of payloads that could not be opened: counts them in the worker's metrics and logs why, never what.

    A message that cannot be opened reaches no handler, so nothing else would show that it came.
    """
    counter = (runtime or Runtime.default()).metric_meter.create_counter(UNOPENED, "payloads that could not be opened")

    def count(reason: str) -> None:
        counter.add(1)
        log.warning("payload not opened", why=reason)

    return count


async def connect(
    settings: RegionSettings,
    keys: RegionKeys,
    *,
    identity: str,
    runtime: Runtime | None = None,
    patience: timedelta = PATIENCE,
) -> Client:
    """Connect with the region's encryption, waiting while the server or the namespace is not there yet.

    Raises:
        WorkerRefused: credentials are refused, or nothing answered for as long as `patience`.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + patience.total_seconds()
    pause = FIRST_PAUSE
    while True:
        try:
            client = await Client.connect(
                **settings.connect,
                **client_encryption(keys.payload, settings.namespace, count_unopened(runtime)),
                identity=identity,
                runtime=runtime,
            )
            await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=settings.namespace))
        except (RPCError, RuntimeError) as error:  # RuntimeError: the bridge's word for "nothing listens"
            reason = error.status.name.lower() if isinstance(error, RPCError) else "nothing listens"
            if isinstance(error, RPCError) and error.status in HOPELESS:
                raise _refuse(settings, f"says {reason}", "correct the API key or the client certificate") from error
            if loop.time() + pause > until:
                fix = (
                    f"create the namespace `{settings.namespace}`"
                    if reason == "not_found"
                    else "start the server, or correct TEMPORAL_ADDRESS or the profile"
                )
                raise _refuse(settings, f"did not answer in {patience.total_seconds():.0f} s: {reason}", fix) from error
            log.info("temporal awaited", address=settings.address, namespace=settings.namespace, reason=reason)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            continue
        return client


def _refuse(settings: RegionSettings, found: str, fix: str) -> WorkerRefused:
    return WorkerRefused(
        f"Temporal at {settings.address}, namespace `{settings.namespace}`, {found}",
        expected="a server that answers for this namespace",
        fix=f"{fix}; `watchfloor doctor` shows what is configured",
    )
