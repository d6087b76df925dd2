"""A test that hangs ends, is named, and leaves nothing running."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

CONFTEST = """\
from tests import watchdog

watchdog.GRACE, watchdog.LOOK_EVERY = 0.3, 0.1


def pytest_configure(config):
    config.pluginmanager.register(watchdog.Watchdog())
"""
HANGING = """\
import pathlib, subprocess, time

import pytest


@pytest.mark.timeout(0.3)
def test_that_hears_nothing():
    child = subprocess.Popen(["sleep", "600"])
    pathlib.Path("child").write_text(str(child.pid))
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass
"""
INI = "[pytest]\ntimeout = 60\n"


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_test_that_keeps_its_timeout_to_itself_is_ended_with_its_children(tmp_path: Path) -> None:
    for name, text in (("conftest.py", CONFTEST), ("test_hanging.py", HANGING), ("pytest.ini", INI)):
        (tmp_path / name).write_text(text)
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_hanging.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "test_hanging.py::test_that_hears_nothing (call) hangs" in done.stderr
    assert re.search(r'test_hanging.py", line \d+ in test_that_hears_nothing', done.stderr), "and where"
    until = time.monotonic() + 10
    child = int((tmp_path / "child").read_text())
    while is_alive(child) and time.monotonic() < until:
        time.sleep(0.02)
    assert not is_alive(child)
