"""Where output goes: Rich on a terminal, plain text otherwise, JSON when asked. Honours `NO_COLOR`."""

import json
import sys
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 80


def console(*, stderr: bool = False) -> "Console":
    """A console on the present standard streams. Off a terminal: 80 columns, no colour, no emoji, no markup."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PLAIN_WIDTH
    return Console(file=stream, highlight=False, markup=False, emoji=False, width=width, soft_wrap=False)


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=_as_json) + "\n")
    sys.stdout.flush()


def _as_json(value: object) -> object:
    if isinstance(value, datetime):
        from watchfloor.signing import render_instant

        return render_instant(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)
