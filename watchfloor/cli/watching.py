"""Watch a run until it closes: live on a terminal, one line per change elsewhere."""

import asyncio
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from schemas.incident import Board
from watchfloor.cli.board_view import View, decide_command, render_view
from watchfloor.cli.console import console
from watchfloor.cli.instants import clock_time
from watchfloor.cli.views import read_view, view_as_json
from watchfloor.client.asks import AskAt
from watchfloor.client.errors import EngineUnavailable
from watchfloor.client.face import Face

if TYPE_CHECKING:
    from watchfloor.cli.faces import Here

_ENDED = {"closed", "failed", "aborted", "stopped"}


async def watch_run(here: "Here", face: Face, run: str, *, every: float, as_json: bool) -> None:
    """Look every `every` seconds until the run has ended. A worker that is away for a while is waited for.

    Raises:
        NotFound: no such run.
    """
    view = await read_view(here, face, run)
    screen = console()
    if as_json or not screen.is_terminal:
        await _watch_lines(here, face, run, view, every, as_json)
        return
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    with Live(render_view(view), console=screen, screen=True, refresh_per_second=4, vertical_overflow="crop") as live:
        while view.found.board["state"] not in _ENDED:
            await asyncio.sleep(every)
            try:
                view = await read_view(here, face, run, plan=view.plan)
                live.update(render_view(view))
            except EngineUnavailable as error:
                live.update(Group(Text(f"waiting for a worker: {error}", style="bold red"), render_view(view)))
    screen.print(render_view(view))


async def _watch_lines(here: "Here", face: Face, run: str, view: View, every: float, as_json: bool) -> None:
    before: View | None = None
    while True:
        lines = list(changes(before, view))
        if as_json and lines:
            sys.stdout.write(json.dumps(view_as_json(view), ensure_ascii=False) + "\n")
        elif not as_json:
            sys.stdout.writelines(line + "\n" for line in lines)
        sys.stdout.flush()
        if view.found.board["state"] in _ENDED:
            return
        before = view
        await asyncio.sleep(every)
        try:
            view = await read_view(here, face, run, plan=view.plan)
        except EngineUnavailable as error:
            sys.stderr.write(f"watchfloor: waiting for a worker: {error}\n")


def changes(before: View | None, after: View) -> Iterator[str]:
    """One plain line for each thing that is new on the board."""
    new, old = after.found.board, before.found.board if before else None
    now = datetime.now(UTC)
    stamp = f"{now:%H:%M:%S}Z"
    for line in _board_changes(old, new):
        yield f"{stamp} {line}"
    known = {at.ask["ask"] for at in _asks(before)} if before else set()
    for at in _asks(after):
        if at.ask["ask"] not in known:
            until = clock_time(at.ask["deadline_at"], now) if at.ask["deadline_at"] else "no deadline"
            yield f"{stamp} waits: {at.ask['path']} until {until}: {decide_command(at)}"
    open_now = {at.ask["ask"] for at in _asks(after)}
    for at in _asks(before) if before else []:
        if at.ask["ask"] not in open_now:
            yield f"{stamp} answered or over: {at.ask['path']}"


def _asks(view: View | None) -> list[AskAt]:
    if view is None:
        return []
    there = [AskAt(other["workflow"], other, ask) for other in view.abroad.values() for ask in other["asks"]]
    return [*view.found.asks, *there]


def _board_changes(old: Board | None, new: Board) -> Iterator[str]:
    if old is None or old["state"] != new["state"]:
        told = new["state"] in _ENDED and new["outcome"] not in {"", new["state"]}
        outcome = f": {new['outcome']}" if told else ""
        yield f"{new['workflow']} is {new['state']}{outcome} ({new['severity']}, {new['title']})"
    if old is not None and old["severity"] != new["severity"]:
        yield f"severity is now {new['severity']}"
    if old is None or old["phase"] != new["phase"]:
        yield f"phase {new['phase'] or '—'}"
    steps = {(step["path"], step["state"]) for step in old["steps"]} if old else set()
    for step in new["steps"]:
        folded = "[" in step["path"] and step["state"] in {"running", "done"}  # the loop's count tells it
        if (step["path"], step["state"]) not in steps and not folded:
            yield f"step {step['path']} {step['state']}" + (
                f": {step['detail']}" if step["detail"] not in {"", step["state"]} else ""
            )
    loops = {loop["path"]: (loop["done"], loop["failed"]) for loop in old["loops"]} if old else {}
    for loop in new["loops"]:
        if loops.get(loop["path"]) != (loop["done"], loop["failed"]):
            yield f"loop {loop['path']}: {loop['done']} of {loop['total']} done, {loop['failed']} failed"
    clocks = {clock["name"]: (clock["state"], clock["due_at"]) for clock in old["clocks"]} if old else {}
    for clock in new["clocks"]:
        if clocks.get(clock["name"]) != (clock["state"], clock["due_at"]) and clock["state"] != "waiting":
            yield f"clock {clock['name']} {clock['state']}" + (f", due {clock['due_at']}" if clock["due_at"] else "")
    facts = {name: fact["recorded_at"] for name, fact in old["facts"].items()} if old else {}
    for name, fact in new["facts"].items():
        if facts.get(name) != fact["recorded_at"]:
            yield f"fact {name} = {fact['value']} from {fact['source']}"
    reports = {(report["workflow"], report["state"]) for report in old["children"]} if old else set()
    for report in new["children"]:
        if (report["workflow"], report["state"]) not in reports:
            yield f"{report['kind']} {report['state']}: {report['workflow']}"
