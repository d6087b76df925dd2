"""The runbook language: text to located tree, tree to document, document to plan; findings on the way.

Pure: no Temporal, no HTTP, no import of activities; catalogue, register and roles are handed in.
"""

from watchfloor.language.codes import TABLE, Code
from watchfloor.language.compilation import Compiled, compile_text
from watchfloor.language.findings import Finding, explain, render_json, render_text
from watchfloor.language.register import RegisterRefused, load_register, read_register
from watchfloor.language.source import Source

__all__ = [
    "TABLE",
    "Code",
    "Compiled",
    "Finding",
    "RegisterRefused",
    "Source",
    "compile_text",
    "explain",
    "load_register",
    "read_register",
    "render_json",
    "render_text",
]
