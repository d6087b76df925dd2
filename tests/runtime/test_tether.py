"""A tethered process goes with its parent, however the parent goes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from watchfloor.runtime.processes import TETHER, birth_of, is_alive
from watchfloor.runtime.stackfile import ProcessRecord

PARENT = """
import subprocess, sys, os, time
child = subprocess.Popen([sys.executable, "-I", "-S", sys.argv[1], *sys.argv[2:-1], str(os.getpid()), "sleep", "60"])
open(sys.argv[-1] + ".part", "w").write(str(child.pid)); os.rename(sys.argv[-1] + ".part", sys.argv[-1])
time.sleep(60)
"""


def until(condition: object, within: float = 5.0) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def sleeper_of(pid: int) -> int:
    """The pid of the command itself: the tether's own, or its child where the tether stays."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else pid


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at /proc")
@pytest.mark.parametrize("mode", [[], ["--watch"]])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_parent_leaves_nothing_running(tmp_path: Path, mode: list[str], number: signal.Signals) -> None:
    told = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(TETHER), *mode, str(told)])
    assert until(told.exists)
    pid = int(told.read_text())
    assert until(lambda: command_of(sleeper_of(pid)).startswith("sleep"))
    sleeper = sleeper_of(pid)
    record = ProcessRecord(pid=sleeper, born=birth_of(sleeper))
    assert is_alive(record)
    os.kill(parent.pid, number)
    parent.wait()
    assert until(lambda: not is_alive(record))


def test_a_tethered_command_has_a_group_of_its_own_and_its_own_exit_code() -> None:
    code = "import os, sys; sys.exit(7 if os.getpgid(0) == os.getpid() else 8)"
    command = [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), sys.executable, "-c", code]
    assert subprocess.run(command, check=False).returncode == 7


def test_a_watched_command_gets_its_signals_and_gives_its_exit_code() -> None:
    code = (
        "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(9)); print('up', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-I", "-S", str(TETHER), "--watch", str(os.getpid()), sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.terminate()
        assert process.wait(5) == 9


def test_a_tether_whose_parent_is_already_gone_runs_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    command = [sys.executable, "-I", "-S", str(TETHER), "1", "touch", str(mark)]
    assert subprocess.run(command, check=False).returncode == 1
    assert not mark.exists()
