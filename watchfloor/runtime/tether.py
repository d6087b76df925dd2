"""A launcher that ties a process to its parent: `python tether.py PARENT_PID COMMAND ...`.

Run as a file, with no import of the product, so that it costs a few milliseconds. The command runs in a process group
of its own (Ctrl-C in a terminal reaches the parent, which stops its children in order) and is killed when the parent
goes, however it goes: a killed parent must not leave a server running.

On Linux the kernel does it (`PR_SET_PDEATHSIG`) and this process *becomes* the command. Elsewhere, and with
`--watch`, this process stays, passes signals on and looks twice a second whether its parent is still there.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1
LOOK_EVERY = 0.5


def become(parent: int, command: list[str]) -> None:
    """Replace this process by the command, tied to the parent by the kernel."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:  # it went before the tie was made
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - the command comes from the embedded stack's own code


def watch(parent: int, command: list[str]) -> int:
    """Run the command as a child until it ends or the parent is gone; gives its exit code."""
    child = subprocess.Popen(command)  # noqa: S603 - as above
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: child.send_signal(received))
    while child.poll() is None:
        if os.getppid() != parent:
            child.kill()
            child.wait()
            return 1
        time.sleep(LOOK_EVERY)
    return child.returncode


def main(arguments: list[str]) -> int:
    watching = arguments[0] == "--watch"
    parent, *command = arguments[1:] if watching else arguments
    os.setpgid(0, 0)
    if not watching and sys.platform == "linux":
        become(int(parent), command)
    return watch(int(parent), command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
