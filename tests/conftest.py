"""How the suite is spread over the workers of pytest-xdist."""

from typing import Any

import pytest

GROUPED = ("tests/e2e/", "tests/chaos/", "tests/bench/")
"""Folders whose tests go to one worker each: their tests share a stack, or need the machine's time for themselves."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep each grouped folder together and every other file together.

    `--dist loadgroup` would do so by marks; pytest-xdist 3.8 writes the group into an attribute that pytest 9.2 no
    longer reads, so its marks have no effect.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFolder(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            folder = next((group for group in GROUPED if nodeid.startswith(group)), "")
            return folder or nodeid.split("::", 1)[0]

    return ByFolder(config, log)
