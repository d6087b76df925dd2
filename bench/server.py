"""A real Temporal server for one measurement, set as the embedded stack sets it."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

_SETTINGS = [
    "--sqlite-pragma",
    "journal_mode=wal",
    "--sqlite-pragma",
    "synchronous=NORMAL",
    "--dynamic-config-value",
    'history.timerProcessorMaxTimeShift="0s"',
]


@asynccontextmanager
async def running_server() -> AsyncIterator[Client]:
    """A client of a server with a database of its own, gone on leaving."""
    with TemporaryDirectory(prefix="watchfloor-bench-") as folder:
        environment = await WorkflowEnvironment.start_local(
            data_converter=pydantic_data_converter,
            dev_server_existing_path=str(Path(sys.executable).with_name("temporal")),
            dev_server_database_filename=str(Path(folder) / "temporal.sqlite"),
            dev_server_extra_args=_SETTINGS,
            dev_server_log_level="error",
        )
        async with environment:
            yield environment.client
