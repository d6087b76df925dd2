"""What becomes of a test that hangs: its process ends with the stacks of all its threads, and takes its children along.

pytest-timeout raises in the main thread, once: an event loop that happens to be in a callback keeps that to itself, and
a teardown that hangs after it is nobody's. The run would never end then, and nobody would know where.
"""

import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

GRACE = 60.0
"""Seconds that a phase of a test may take beyond the test's own timeout."""
LOOK_EVERY = 1.0


class Watchdog:
    """A plugin of pytest, one in each process that runs tests."""

    def __init__(self) -> None:
        assert sys.__stderr__ is not None
        # the real one, which pytest captures while a test runs
        self.stderr = os.dup(sys.__stderr__.fileno())
        self._ends: float | None = None
        threading.Thread(target=self._look, daemon=True, name="watchdog").start()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        yield from self._within(item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        yield from self._within(item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Iterator[None]:
        yield from self._within(item)

    def _within(self, item: pytest.Item) -> Iterator[None]:
        marker = item.get_closest_marker("timeout")
        own = float(marker.args[0]) if marker and marker.args else float(item.config.getini("timeout"))
        # where no Python runs any more, this thread does not either
        faulthandler.dump_traceback_later(own + 2 * GRACE, exit=True, file=self.stderr)
        self._ends = time.monotonic() + own + GRACE
        try:
            yield
        finally:
            self._ends = None
            faulthandler.cancel_dump_traceback_later()

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_EVERY)
            if self._ends is not None and time.monotonic() > self._ends:
                self.bite()

    def bite(self) -> None:
        """End this process and what it has started."""
        os.write(self.stderr, f"\n{os.environ.get('PYTEST_CURRENT_TEST', 'a test')} hangs\n".encode())
        faulthandler.dump_traceback(file=self.stderr, all_threads=True)
        for child in find_descendants(os.getpid()):
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                continue
        os._exit(1)


def find_descendants(pid: int) -> list[int]:
    """The processes that a process and its children have started, as far as this system tells."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            said = entry.read_text()
        except OSError:
            continue
        # the name, in parentheses, may hold anything
        parents.setdefault(int(said.rpartition(")")[2].split()[1]), []).append(int(entry.parent.name))
    found = list(parents.get(pid, []))
    for child in found:
        found += parents.get(child, [])
    return found
