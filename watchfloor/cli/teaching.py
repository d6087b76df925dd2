"""Help that teaches: a command's docstring, its paragraphs flowing, its examples left as they are written."""

import inspect
from collections.abc import Callable
from typing import Any

import typer


def register(
    app: typer.Typer, command: Callable[..., None], panel: str, *, name: str | None = None, **settings: Any
) -> None:
    """Add a command with its docstring as help."""
    app.command(name, rich_help_panel=panel, help=help_of(command), **settings)(command)


def help_of(command: Callable[..., None]) -> str:
    """The docstring with each paragraph on one line; a paragraph that begins with `Example` keeps its lines."""
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    return "\n\n".join(
        paragraph if paragraph.startswith("Example") else " ".join(paragraph.split("\n")) for paragraph in paragraphs
    )


def examples_in(help_text: str) -> list[str]:
    """The command lines of a help text, continued lines joined."""
    joined = help_text.replace("\\\n", " ")
    return [line.strip() for line in joined.splitlines() if line.startswith("  watchfloor ")]
