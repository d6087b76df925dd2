"""What I take next: the most urgent task that waits for me, with what it exposes to before anything opens."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from watchfloor.cli.edge import edge
from watchfloor.cli.options import As, JsonFlag, Region
from watchfloor.cli.speaking import PANEL
from watchfloor.cli.teaching import register

if TYPE_CHECKING:
    from watchfloor.client.turns import Turn, Waiting

THEN = 5
"""How many of those that come after are listed."""


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(app, next_task, PANEL, name="next")


def next_task(
    context: typer.Context,
    person: As,
    why: Annotated[bool, typer.Option("--why", help="Say why it is this one, and why others are left out.")] = False,
    region: Region = None,
    as_json: JsonFlag = False,
) -> None:
    """The task to take next: by priority, then the nearest deadline. Takes nothing; `claim` does.

    What a task exposes to is said first. What you do not take, are capped for or rest from is left to others.

    Examples:
      watchfloor next --as specialist-1
      watchfloor next --as specialist-1 --why
    """
    with edge(as_json):
        from watchfloor.cli.console import console, print_json
        from watchfloor.cli.faces import Here, with_faces
        from watchfloor.client.errors import Refused
        from watchfloor.client.turns import find_turn

        now = datetime.now(UTC)

        async def go(here: Here) -> "Turn":
            for face in here.faces.values():
                if face.people.find(person) is not None:
                    return await find_turn(face, person, now=now)
            raise Refused(Refused.UNKNOWN_PERSON, f"`{person}` is not in the directory of people; correct the id")

        turn = with_faces(context.obj, region, go)
        if as_json:
            print_json(turn_as_json(turn, why))
            return
        for line, style in turn_lines(turn, now, why):
            console().print(line, style=style or None, soft_wrap=True, markup=False, highlight=False)


def turn_as_json(turn: "Turn", why: bool) -> dict[str, object]:
    """The document of `--json`; reasons only where they were asked for."""
    from dataclasses import asdict

    left_out = [asdict(one) for one in turn.left_out]
    tasks = [asdict(one) for one in turn.tasks]
    if not why:
        for each in (*left_out, *tasks):
            del each["why"]
    return {
        "person": turn.person,
        "next": tasks[0] if tasks else None,
        "then": tasks[1:],
        "left_to_others": left_out,
        "claimed": list(turn.claimed),
        "silent": list(turn.silent),
    }


def turn_lines(turn: "Turn", now: datetime, why: bool) -> Iterator[tuple[str, str]]:
    """The lines of the screen, each with its style."""
    from watchfloor.cli.board_view import short_id

    if turn.tasks:
        first = turn.tasks[0]
        yield f"next: {first.step}  ({short_id(first.workflow)})", "bold"
        if first.exposure:
            yield f"  exposes to {first.exposure}; nobody has to take it", "bold yellow"
            if not first.first:
                yield "  somebody else is proposed for it first; you may take it all the same", ""
        yield f"  {first.priority}, {_due(first, now)}{', meant for you' if first.named else ''}", ""
        if why:
            yield f"  why this one: {_order(turn)}", "dim"
            yield f"  why you: {first.why}", "dim"
        yield f"  watchfloor claim {short_id(first.workflow)} {first.path} --as {turn.person}", "cyan"
        for one in turn.tasks[1 : THEN + 1]:
            exposed = f"  exposes to {one.exposure}" if one.exposure else ""
            yield f"then: {one.step}  ({short_id(one.workflow)})  {one.priority}, {_due(one, now)}{exposed}", ""
        if len(turn.tasks) > THEN + 1:
            yield f"and {len(turn.tasks) - THEN - 1} more", ""
    else:
        yield "no task waits for you to take it", ""
    for mine in turn.claimed:
        workflow, _, path = mine.partition(" ")
        yield f"you have: {path}  ({short_id(workflow)})", ""
    if turn.left_out and not why:
        classes = ", ".join(sorted({one.exposure for one in turn.left_out}))
        many = "1 task is" if len(turn.left_out) == 1 else f"{len(turn.left_out)} tasks are"
        yield f"{many} left to others ({classes}); nothing is asked of you", "dim"
    for out in turn.left_out if why else ():
        yield f"left to others: {out.step}  ({short_id(out.workflow)})  {out.why}", "dim"
    for run in turn.silent:
        yield f"{short_id(run)} does not answer; what waits there is not known", "yellow"


def _order(turn: "Turn") -> str:
    if len(turn.tasks) == 1:
        return "it is the only one that waits for you"
    first, second = turn.tasks[:2]
    if first.priority != second.priority:
        return f"of {len(turn.tasks)} that wait for you its incident is the most urgent ({first.priority})"
    if first.deadline_at != second.deadline_at:
        return f"of {len(turn.tasks)} that wait for you it is due first among those of {first.priority}"
    return f"of {len(turn.tasks)} that wait for you it was asked first among those of {first.priority} due then"


def _due(task: "Waiting", now: datetime) -> str:
    from watchfloor.cli.instants import clock_time, left

    if task.deadline_at is None:
        return "no deadline"
    return f"due {clock_time(task.deadline_at, now)}, {left(task.deadline_at, now)}"
