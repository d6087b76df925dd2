"""`watchfloor lsp`: the language server that an editor starts."""

import typer

from watchfloor.cli.edge import edge
from watchfloor.cli.teaching import register

PANEL = "For authors"


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module."""
    register(app, lsp, PANEL)


def lsp() -> None:
    """Serve an editor over standard input and output (Language Server Protocol).

    Findings as you type, completion, hover, go to definition, outline. An editor starts it; see docs/guides/editors.md.

    Example:
      watchfloor lsp
    """
    from watchfloor.client.errors import NotFound

    with edge():
        try:
            from watchfloor.lsp.server import make_server
        except ModuleNotFoundError as error:
            if error.name not in {"pygls", "lsprotocol"}:
                raise
            raise NotFound("the language server needs pygls: pip install 'watchfloor[editor]'") from error
        make_server().start_io()
