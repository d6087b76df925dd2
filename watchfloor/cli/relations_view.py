"""What else came in about the same thing, on the screen of one incident."""

from collections.abc import Iterator
from datetime import datetime, tzinfo

from rich.text import Text

from schemas.incident import Board
from watchfloor.cli.instants import clock_time
from watchfloor.drawing.words import show_controls

MERGED_SHOWN = 5
"""Merged reports that are listed; the ledger has them all."""


def render_relations(board: Board, now: datetime, local: tzinfo | None) -> Iterator[Text]:
    """Reports that were taken in, the latest last, and incidents over the same account with the way to each."""
    merged = board.get("merged", [])
    if len(merged) > MERGED_SHOWN:
        yield Text(f"  … {len(merged) - MERGED_SHOWN} reports before (watchfloor ledger export)", style="dim")
    for one in merged[-MERGED_SHOWN:]:
        line = Text().append("  same content", style="bold").append(f" from {show_controls(one['source'])}")
        line.append(f", received {clock_time(one['received_at'], now, local=local)}")
        if one["known_at"] != one["received_at"]:
            line.append(f", known there since {clock_time(one['known_at'], now, local=local)}")
        yield line
    for other in board.get("related", []):
        line = Text().append(f"  same {other['by']}", style="bold").append(f" {other['incident']}")
        yield line.append(f"  watchfloor show {other['incident']}", style="cyan")
