"""The console: what a responder looks at and answers with, in a browser."""

from watchfloor.gateway.console.app import ROOT, ConsoleDesk, build_console

__all__ = ["ROOT", "ConsoleDesk", "build_console"]
