"""A real Temporal server for all tests of this folder, a time-skipping one for each test that asks for it."""

from collections.abc import Iterator

import pytest

from tests import servers


@pytest.fixture(scope="session")
def dev_server() -> Iterator[str]:
    with servers.dev_server() as address:
        yield address


@pytest.fixture
def skipping_server() -> Iterator[str]:
    with servers.skipping_server() as address:
        yield address


@pytest.fixture(params=["dev_server", "skipping_server"])
def server(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))
