"""Which item of a loop a place of a run is about, counted as people count: from 1. Pure."""

from schemas.incident import Board
from schemas.plan import Plan
from watchfloor.client.standstill import find_kind


def find_item(plan: Plan | None, path: str) -> str:
    """The item, or the round, of the innermost loop around a path; empty outside loops."""
    loop, bracket, rest = path.rpartition("[")
    number = rest.partition("]")[0]
    if not bracket or not number.isdecimal():
        return ""
    # items of a `for_each` are counted from 0 in the run, rounds of a `repeat` from 1
    return str(int(number) + (find_kind(plan, loop) == "for_each"))


def find_loop(path: str) -> str:
    """The path of the innermost loop around a path; empty outside loops."""
    return path.rpartition("[")[0]


def say_place(plan: Plan | None, board: Board, path: str) -> str:
    """`3 of 7`, or `3` where the board does not say of how many; empty outside loops."""
    number = find_item(plan, path)
    total = next((one["total"] for one in board["loops"] if one["path"] == find_loop(path)), 0)
    return f"{number} of {total}" if number and total else number
