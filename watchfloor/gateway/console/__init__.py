"""The console: what a responder looks at and answers with, in a browser."""

from watchfloor.gateway.console.app import build_console
from watchfloor.gateway.console.pages import ROOT, ConsoleDesk

__all__ = ["ROOT", "ConsoleDesk", "build_console"]
