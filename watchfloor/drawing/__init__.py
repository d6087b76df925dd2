"""Deterministic drawing: text made safe to show, its width estimated, SVG written by hand.

Pure: no clock, no randomness, no I/O, no font files. The same input gives the same bytes, so pictures can be compared
with golden files and addressed by their content.
"""

from watchfloor.drawing.svg import Canvas
from watchfloor.drawing.words import join_words, render_span, show_controls, text_width, wrap

__all__ = ["Canvas", "join_words", "render_span", "show_controls", "text_width", "wrap"]
