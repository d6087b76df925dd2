"""The processes of the embedded stack: started tied to this one, watched, restarted, stopped by their own pid."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

from watchfloor.runtime.refusal import StackRefused
from watchfloor.runtime.stackfile import ProcessRecord

TETHER = Path(__file__).with_name("tether.py")
LOG_LIMIT = 8 * 1024 * 1024
"""Bytes of a process's output kept from earlier starts."""
STEADY = timedelta(seconds=30)
"""A process that ran this long before it died starts again at once; one that dies sooner waits longer each time."""
LONGEST_WAIT = 30.0


PRIVATE = 0o077
"""Mask of permissions: what a process makes is its owner's alone, whatever the shell that started it would allow."""

Ready: TypeAlias = Callable[[int], Coroutine[Any, Any, None]]
"""Given the pid, returns when the process answers; may wait for ever."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `ready` returns when it answers; it is asked again after every restart."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    log: Path
    ready: Ready
    ready_within: timedelta = timedelta(seconds=90)
    """Long, because a loaded machine takes its time; one that ends is noticed at once."""
    stop_within: timedelta = timedelta(seconds=10)
    tries: int = 1
    """How often it is started when it ends while it is starting."""


@dataclass(frozen=True, slots=True)
class Child:
    """One running program."""

    program: Program
    process: asyncio.subprocess.Process
    born: int
    started: float
    """When it was started, on the event loop's clock."""

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def record(self) -> ProcessRecord:
        return ProcessRecord(pid=self.pid, born=self.born)


def birth_of(pid: int) -> int:
    """When a process started, in the kernel's ticks since boot; 0 where it is gone or the system does not say."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[19])


def is_alive(record: ProcessRecord) -> bool:
    """Whether this very process still runs: same pid, same birth. A zombie does not."""
    if Path("/proc").is_dir():
        try:
            state = Path(f"/proc/{record.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return state != "Z" and birth_of(record.pid) == record.born
    try:
        os.kill(record.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


async def launch(program: Program) -> Child:
    """Start a program tied to this process, its output appended to its log. Does not wait until it is ready.

    Must be called from the main thread: the kernel's tie is to the thread that forks.
    """
    program.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if program.log.exists() and program.log.stat().st_size > LOG_LIMIT:
        program.log.replace(program.log.with_suffix(program.log.suffix + ".1"))
    program.log.touch(mode=0o600)
    with program.log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(TETHER),
            str(os.getpid()),
            *program.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(program.environ),
            umask=PRIVATE,
            process_group=0,  # made before this returns, so that a signal to the group never comes too early
        )
    return Child(program, process, birth_of(process.pid), asyncio.get_running_loop().time())


async def await_ready(child: Child) -> None:
    """Wait until the program answers.

    Raises:
        StackRefused: it ended before, or did not answer in time; with the last lines it wrote.
    """
    program = child.program
    ready = asyncio.create_task(program.ready(child.pid))
    ended = asyncio.create_task(child.process.wait())
    try:
        await asyncio.wait(
            {ready, ended}, timeout=program.ready_within.total_seconds(), return_when=asyncio.FIRST_COMPLETED
        )
        if ready.done():
            ready.result()
            return
    finally:
        for task in (ready, ended):
            task.cancel()
        await asyncio.gather(ready, ended, return_exceptions=True)
    if child.process.returncode is not None:
        found = f"`{program.name}` ended with {child.process.returncode} while it was starting"
    else:
        found = f"`{program.name}` gave no answer within {program.ready_within.total_seconds():.0f} s"
    tail = last_lines(program.log)
    events = program.log.with_suffix(".jsonl")
    logs = f"{program.log} and {events}" if events.exists() else f"{program.log}"
    raise StackRefused(
        f"{found}{f'; its last words: {tail}' if tail else ''}",
        expected="a process that answers",
        fix=f"read {logs}; `watchfloor doctor` checks ports, versions and directories",
    )


async def stop_child(child: Child) -> None:
    """End it: SIGTERM, and SIGKILL for whoever does not go in time. Ends its whole process group."""
    if child.process.returncode is None:
        _signal(child, signal.SIGTERM)
        try:
            await asyncio.wait_for(child.process.wait(), child.program.stop_within.total_seconds())
        except TimeoutError:
            _signal(child, signal.SIGKILL)
            await child.process.wait()
    _signal(child, signal.SIGKILL)  # what it may have left in its group


async def kill_child(child: Child) -> None:
    """End it with SIGKILL, at once, as a crash would."""
    _signal(child, signal.SIGKILL)
    await child.process.wait()


def _signal(child: Child, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def pause_before_restart(lived: timedelta, restarts: int) -> float:
    """Seconds to wait before starting a program again: none after a steady life, else doubling from half a second."""
    if lived >= STEADY:
        return 0.0
    return min(0.5 * 2.0 ** min(restarts, 10), LONGEST_WAIT)


def last_lines(log: Path, count: int = 3) -> str:
    """The last lines of a log in one line."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4096))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return " | ".join(line.strip() for line in lines[-count:] if line.strip())[:600]
