"""Processes of the stack: awaited, stopped by their own pid, restarted with patience."""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from watchfloor.runtime.processes import (
    Program,
    Ready,
    await_ready,
    birth_of,
    is_alive,
    kill_child,
    last_lines,
    launch,
    pause_before_restart,
    stop_child,
)
from watchfloor.runtime.refusal import StackRefused
from watchfloor.runtime.stack import EmbeddedStack
from watchfloor.runtime.stackfile import ProcessRecord


async def at_once(_pid: int) -> None:
    return None


async def never(_pid: int) -> None:
    await asyncio.Event().wait()


def program(folder: Path, code: str, ready: Ready = at_once, **limits: timedelta) -> Program:
    command = [sys.executable, "-c", code]
    return Program("thing", command, {"PATH": os.environ["PATH"]}, folder / "thing.log", ready, **limits)


async def test_a_program_that_ends_while_starting_is_refused_with_its_last_words(tmp_path: Path) -> None:
    child = await launch(program(tmp_path, "print('port 7 is taken'); raise SystemExit(4)", never))
    with pytest.raises(StackRefused) as caught:
        await await_ready(child)
    assert "ended with 4" in caught.value.found
    assert "port 7 is taken" in caught.value.found
    assert "thing.log" in caught.value.fix


async def test_a_program_that_never_answers_is_refused_after_its_time(tmp_path: Path) -> None:
    limits = {"ready_within": timedelta(seconds=0.1)}
    child = await launch(program(tmp_path, "import time; time.sleep(60)", never, **limits))
    with pytest.raises(StackRefused, match="gave no answer"):
        await await_ready(child)
    await stop_child(child)
    assert child.process.returncode == -signal.SIGTERM


async def test_a_program_that_ignores_sigterm_is_killed_after_its_time(tmp_path: Path) -> None:
    mark = tmp_path / "up"
    code = f"import signal, time; signal.signal(15, signal.SIG_IGN); open({str(mark)!r}, 'w'); time.sleep(60)"

    async def marked(_pid: int) -> None:
        while not mark.exists():
            await asyncio.sleep(0.01)

    child = await launch(program(tmp_path, code, marked, stop_within=timedelta(seconds=0.1)))
    await await_ready(child)
    await stop_child(child)
    assert child.process.returncode == -signal.SIGKILL


async def test_stopping_a_program_ends_what_it_started_as_well(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    code = (
        "import subprocess, time\n"
        f"p = subprocess.Popen(['sleep', '60']); open({str(told)!r}, 'w').write(str(p.pid)); time.sleep(60)"
    )

    async def told_it(_pid: int) -> None:
        while not told.exists() or not told.read_text():
            await asyncio.sleep(0.01)

    child = await launch(program(tmp_path, code, told_it))
    await await_ready(child)
    grandchild = int(told.read_text())
    record = ProcessRecord(pid=grandchild, born=birth_of(grandchild))
    assert is_alive(record)
    await stop_child(child)
    for _ in range(100):
        if not is_alive(record):
            break
        await asyncio.sleep(0.02)
    assert not is_alive(record)


async def test_a_killed_program_is_dead_when_kill_returns(tmp_path: Path) -> None:
    child = await launch(program(tmp_path, "import time; time.sleep(60)"))
    assert is_alive(child.record)
    await kill_child(child)
    assert child.process.returncode == -signal.SIGKILL
    assert not is_alive(child.record)


def test_a_reused_pid_is_not_taken_for_the_process_that_had_it() -> None:
    mine = ProcessRecord(pid=os.getpid(), born=birth_of(os.getpid()))
    assert is_alive(mine)
    assert not is_alive(ProcessRecord(pid=mine.pid, born=mine.born + 1))


def test_restarts_wait_longer_each_time_but_not_after_a_steady_life() -> None:
    short, steady = timedelta(seconds=1), timedelta(minutes=5)
    pauses = [pause_before_restart(short, restarts) for restarts in range(8)]
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert pause_before_restart(steady, 7) == 0.0


def test_last_lines_of_a_log_fit_in_one_line(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("\n".join(f"line {n}" for n in range(2000)) + "\n\n")
    assert last_lines(log) == "line 1997 | line 1998 | line 1999"
    assert last_lines(tmp_path / "absent.log") == ""


async def test_a_server_that_loses_a_race_for_a_port_is_started_again(tmp_path: Path) -> None:
    mark = tmp_path / "tried"
    code = (
        f"import pathlib, sys, time; mark = pathlib.Path({str(mark)!r}); again = mark.exists(); mark.touch()\n"
        "if not again: sys.exit('address already in use')\n"
        "mark.with_suffix('.up').touch(); time.sleep(60)"
    )

    async def up(_pid: int) -> None:
        while not mark.with_suffix(".up").exists():
            await asyncio.sleep(0.01)

    stack = EmbeddedStack(tmp_path / "home")
    said: list[str] = []
    stack._progress = lambda _part, state, _detail: said.append(state)
    await stack._run(replace(program(tmp_path, code, up), tries=2))
    assert said == ["starting", "starting", "ready"]
    started = stack._children["thing"]
    assert stack.pids() == {"thing": started.pid}
    await stack.stop()
    assert stack.pids() == {}
    assert not is_alive(started.record)


async def test_a_program_that_keeps_ending_is_refused_after_its_tries(tmp_path: Path) -> None:
    stack = EmbeddedStack(tmp_path / "home")
    said: list[str] = []
    stack._progress = lambda _part, state, _detail: said.append(state)
    with pytest.raises(StackRefused, match="ended with 1"):
        await stack._run(replace(program(tmp_path, "raise SystemExit(1)", never), tries=2))
    assert said == ["starting", "starting"]
    await stack.stop()
