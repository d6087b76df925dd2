"""`python -m tests.terminal.pictures`: the picture of the terminal's console for the guide, made anew."""

import asyncio
import re
from pathlib import Path

from tests.terminal.fakes import FIRST, FakeFeed, busy_board, console, gate
from watchfloor.client.library import plan_for_start

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docs" / "images" / "terminal-decide.svg"


async def draw() -> str:
    """The approval of an erasure, as the console shows it at 80 columns; no font from elsewhere, the same each time."""
    plan, _ = plan_for_start(str(ROOT / "tests" / "fixtures" / "runbooks" / "four-eyes-deletion"))
    own = busy_board(asks=[gate(title="Erase three items for good?")])
    app = console(FakeFeed(boards={FIRST: own}, plan=plan))
    async with app.run_test(size=(80, 32)) as pilot:
        await pilot.app.workers.wait_for_complete()
        await pilot.press("enter")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        drawn = app.export_screenshot(title="watchfloor watch --as counsel-1")
    drawn = re.sub(r"@font-face\s*\{[^}]*\}", "", drawn)
    return re.sub(r"terminal-\d+", "terminal", drawn)


if __name__ == "__main__":
    FILE.write_text(asyncio.run(draw()))
