"""SIGINT by process id stops what a shell has started in the background, where it inherits to ignore it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from watchfloor.runtime.homelock import is_held
from watchfloor.runtime.stackfile import read_stack

UP = "from watchfloor.cli.main import main; main()"
WAITING = """
import asyncio, sys
from pathlib import Path
from watchfloor.runtime.stack import EmbeddedStack

async def main():
    waiting = asyncio.create_task(EmbeddedStack(Path(sys.argv[1])).wait())
    await asyncio.sleep(0)
    print("up", flush=True)
    await waiting

asyncio.run(main())
"""


def in_the_background(code: str, *arguments: str) -> "subprocess.Popen[str]":
    """A process that was started to ignore SIGINT, as a shell that is not interactive starts it behind `&`."""
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    return subprocess.Popen(
        [sys.executable, "-c", ignoring, sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def ignores_interrupts(pid: int) -> bool:
    (line,) = (each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if each.startswith("SigIgn"))
    return bool(int(line.split()[1], 16) & 1 << signal.SIGINT - 1)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks into /proc")
def test_a_stack_that_waits_stops(tmp_path: Path) -> None:
    with in_the_background(WAITING, str(tmp_path)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        assert not ignores_interrupts(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks into /proc")
def test_a_stack_that_is_still_starting_stops_in_order(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with in_the_background(UP, "--home", str(home), "up", "--free-ports") as process:
        assert process.stdout is not None
        assert "temporal ready pid" in (said := process.stdout.readline())
        assert read_stack(home) is None, "it has not got far"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert "temporal stopped" in process.stdout.read()
    assert not Path(f"/proc/{said.split()[-1]}").exists()
    assert not is_held(home)
