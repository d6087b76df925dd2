"""One stack in one home: a lock that the kernel drops with its holder, and the remains of a stack that died."""

import contextlib
import fcntl
import os
import signal
from pathlib import Path
from typing import IO

from watchfloor.runtime.processes import is_alive
from watchfloor.runtime.refusal import SettingsRefused, StackRefused
from watchfloor.runtime.stackfile import read_stack, remove_stack

LOCK_FILE = ".stack.lock"


def hold_home(home: Path) -> IO[str]:
    """Make the home, take it for one stack, and clear what a dead one left. Closing the result gives the home back.

    Raises:
        StackRefused: the home cannot be written, or a stack runs in it.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o700)
        (home / LOCK_FILE).touch(mode=0o600)
        lock = (home / LOCK_FILE).open("a")
    except OSError as error:
        raise StackRefused(
            f"{home} cannot be used: {error.strerror}",
            expected="a directory that may be written",
            fix="name another one with WATCHFLOOR_HOME or --home, or correct its permissions",
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise StackRefused(
            f"a stack is already running in {home}{_who(home)}",
            expected="one stack in one home",
            fix="use it, stop it (Ctrl-C where it runs), or take another home with WATCHFLOOR_HOME or --home",
        ) from error
    _clear_remains(home)
    return lock


def is_held(home: Path) -> bool:
    """Whether a stack runs in this home now."""
    try:
        with (home / LOCK_FILE).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _who(home: Path) -> str:
    with contextlib.suppress(SettingsRefused):
        record = read_stack(home)
        return f" (pid {record.owner.pid})" if record else ""
    return ""


def _clear_remains(home: Path) -> None:
    """The lock is ours, so a record that is still there is of a stack that died; end what it may have left."""
    with contextlib.suppress(SettingsRefused):
        record = read_stack(home)
        for process in record.processes.values() if record else ():
            if is_alive(process):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
    remove_stack(home)
