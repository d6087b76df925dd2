"""A process that used the engine's native runtime ends with its own exit code, whatever is still under way there."""

import subprocess
import sys

import pytest

PENDING = """
import asyncio, sys
from temporalio.client import Client
from watchfloor.runtime.leaving import leave

async def go():
    # nothing listens there: the native runtime is still trying when the process ends
    try:
        await asyncio.wait_for(Client.connect("127.0.0.1:1", lazy=False), 0.05)
    except Exception as error:
        print(type(error).__name__)

asyncio.run(go())
print("said before the end")
leave(int(sys.argv[1]))
"""


@pytest.mark.parametrize("code", [0, 1, 3])
def test_it_ends_with_its_code_and_everything_it_said(code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PENDING, str(code)], capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stdout.splitlines()[-1], done.stderr) == (code, "said before the end", "")


def test_without_the_runtime_it_ends_the_ordinary_way() -> None:
    script = "import atexit; from watchfloor.runtime.leaving import leave; atexit.register(print, 'last'); leave(2)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stdout) == (2, "last\n")


def test_a_reader_that_has_gone_is_no_success() -> None:
    script = "import temporalio.client; from watchfloor.runtime.leaving import leave; print('x' * 100000); leave(0)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(30) != 0
