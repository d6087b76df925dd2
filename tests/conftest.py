"""How the suite is spread over the workers of pytest-xdist, and what becomes of a test that hangs."""

import sys
from functools import cache
from typing import Any

import httpx2
import httpx2._transports.default as transports
import pytest

from tests.watchdog import Watchdog

GROUPED = {"tests/chaos/": "heavy", "tests/bench/": "heavy", "tests/e2e/": "e2e"}
"""Folders of which one worker has all tests: they share a stack, or need the machine's time for themselves."""
FIRST = ("tests/chaos/", "tests/bench/", "tests/e2e/", "tests/workflows/test_no_path_engine.py")
"""What takes minutes, and most of them waiting, begins first: the run should not end with one worker at it."""

SCHEDULER = pytest.StashKey[Any]()
REPORTED: set[str] = set()
"""Tests of which anything was heard."""


httpx2.create_ssl_context = transports.create_ssl_context = cache(transports.create_ssl_context)
"""Every client would read the machine's certificates anew, 50 ms of the processor each: more than the request costs
that it is made for. What is set up in one way is one context; nobody changes it."""


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Watchdog(), "watchdog")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the order, but for what begins first."""

    def place(item: pytest.Item) -> int:
        return next((at for at, start in enumerate(FIRST) if item.nodeid.startswith(start)), len(FIRST))

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep each grouped folder together and every other file together.

    `--dist loadgroup` would do so by marks; pytest-xdist 3.8 writes the group into an attribute that pytest 9.2 no
    longer reads, so its marks have no effect.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFolder(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            group = next((name for folder, name in GROUPED.items() if nodeid.startswith(folder)), "")
            return group or nodeid.split("::", 1)[0]

    config.stash[SCHEDULER] = scheduler = ByFolder(config, log)
    return scheduler


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    REPORTED.add(report.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tests that no worker came to are no success: pytest-xdist gives up after so many crashed workers, quietly."""
    if (scheduler := session.config.stash.get(SCHEDULER, None)) is None or session.exitstatus > 1:
        return
    if left := len(set(scheduler.collection or ()) - REPORTED):
        sys.stderr.write(f"\n{left} tests were not run: too many workers crashed\n")
        session.exitstatus = pytest.ExitCode.INTERRUPTED
