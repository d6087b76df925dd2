"""A fresh time-skipping server for each test, over the region's own encryption."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from tests.workflows_regions.people import RING
from watchfloor.regions.codec import client_encryption

BIN = Path(sys.executable).parent


@pytest.fixture
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(BIN / "temporal-test-server"), data_converter=encryption()["data_converter"]
    )
    async with environment:
        yield environment


@pytest.fixture
async def real() -> AsyncIterator[Client]:
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(BIN / "temporal"),
        dev_server_log_level="never",
        dev_server_extra_args=[
            "--dynamic-config-value",
            'history.timerProcessorMaxTimeShift="0s"',
            "--dynamic-config-value",
            "limit.historyCount.suggestContinueAsNew=60",
        ],
        data_converter=encryption()["data_converter"],
    )
    async with environment:
        yield environment.client


def encryption() -> dict[str, object]:
    return dict(client_encryption(RING, "default"))
