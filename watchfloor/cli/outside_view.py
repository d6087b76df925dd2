"""What people did or decided outside a run, in lines for the screen: both times, and whether it counts."""

from collections.abc import Iterator
from datetime import datetime, tzinfo

from rich.text import Text

from schemas.incident import Board
from watchfloor.cli.instants import clock_time


def outside_lines(board: Board, now: datetime, local: tzinfo | None) -> Iterator[Text]:
    """One line for each record."""
    for record in board.get("outside", []):
        open_ = record["state"] == "proposed"
        line = Text().append("  ? " if open_ else "  ✓ ", style="bold yellow" if open_ else "green")
        line.append(record["path"], style="bold").append(f"  done {clock_time(record['done_at'], now, local=local)}")
        line.append(f" by {', '.join(record['by'])}")
        seen = f", seen by {', '.join(record['witnesses'])}" if record["witnesses"] else ""
        told = f"{seen}; recorded by {record['person']} {clock_time(record['at'], now, local=local)}"
        line.append(told, style="dim")
        if open_:
            line.append("; A SECOND PERSON MUST CONFIRM, until then the step waits", style="bold yellow")
        yield line
    for said in board.get("on_paper", []):
        line = Text("  ✎ ", style="dim").append(said["step"], style="bold").append(f"  {said['option']}")
        line.append(f" on paper by {said['by']} as {said['decided_as']}")
        line.append(f" {clock_time(said['decided_at'], now, local=local)}; it fills no seat", style="dim")
        yield line
