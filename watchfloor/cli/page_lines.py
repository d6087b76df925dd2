"""Pages and the status that is owed, as lines of `show`."""

from collections.abc import Iterator
from datetime import datetime, tzinfo

from rich.console import RenderableType
from rich.text import Text

from schemas.incident import Board
from schemas.paging import Page
from watchfloor.cli.hanging import Hanging, command_lines
from watchfloor.cli.instants import ago, clock_time, left
from watchfloor.drawing.words import join_words, show_controls

_HOW = {"answer": " with an answer", "claim": " with a claim", "pager": " at the paging service", "over": ""}


def page_lines(board: Board, run: str, width: int, now: datetime, local: tzinfo | None) -> Iterator[RenderableType]:
    """What nobody has taken yet comes first, each with when it climbs; then the command that takes them."""
    dues = board.get("page_dues", {})
    pages = sorted(board.get("pages", []), key=lambda page: ("acknowledged" in page, dues.get(page["id"], "9")))
    for page in pages:
        yield _page(page, dues.get(page["id"]), now, local)
    if any("acknowledged" not in page for page in pages):
        for line in command_lines([f"watchfloor ack {run}", "--as PERSON"], width):
            yield Text(line, style="cyan", no_wrap=True, overflow="ignore")
    due_at = board.get("status_due_at")
    if due_at is not None:
        duty = Text().append("  status", style="bold").append(f"  due {clock_time(due_at, now, local=local)}, ")
        yield Hanging(duty.append(left(due_at, now)), first=0, rest=4)


def _page(page: Page, due: str | None, now: datetime, local: tzinfo | None) -> RenderableType:
    taken = page.get("acknowledged")
    mark, style = ("✓", "green") if taken else ("!", "bold red" if page["rung"] else "bold yellow")
    line = Text().append(f"  {mark} ", style=style).append(page["step"] or page["path"], style="bold")
    line.append(f" ({page['id']}) paged {ago(page['sent_at'], now)}: {join_words(page['told'], 'and')}")
    reached = [show_controls(one) for one in page.get("reached", [])]
    if reached:
        line.append(f" (reached {join_words(reached, 'and')})", style="dim")
    if taken:
        by = show_controls(taken["by"])
        line.append(f"; {by} has it since {clock_time(taken['at'], now, local=local)}{_HOW.get(taken['how'], '')}")
        return Hanging(line, first=0, rest=4)
    line.append("; nobody has acknowledged it", style=style)
    if page["rung"]:
        line.append(f", climbed {page['rung']}×")
    if due is not None:
        line.append(f"; climbs at {clock_time(due, now, local=local)}, {left(due, now)}")
    return Hanging(line, first=0, rest=4)
