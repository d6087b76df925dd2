"""Text for people: hidden characters made visible, widths estimated, lines broken, spans of time in words."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime

ELLIPSIS = "…"
MONO = 0.61
"""Width of one monospaced character in em; a little over the usual 0.60 so that estimates err to the safe side."""

BOLD = 1.13
"""How much wider bold text is, at the widest of the common fonts."""

_PLACE = re.compile(r"[a-z_]+(?:\.[A-Za-z0-9_]+)+")
_ORIGINS = {"inputs": "as given", "facts": "a fact", "incident": "of the incident"}
_ROUNDS = {"steps": "step", "last": "this round of"}
_NARROW = frozenset("iljI.,:;'|!`[](){}/\\ft ")
_WIDE = frozenset("mwMW@%—…→←↩⇄")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def show_controls(text: str) -> str:
    """Replace every character that hides, reorders or breaks text by its code point in words: `‹U+202E›`.

    Control, format (bidi overrides, zero-width marks, tags), surrogate, private and unassigned characters and line
    separators; tabs and line ends become one space. What is left is safe to place on one line of any document.
    """
    if text.isprintable():  # knows all of these categories, and most texts have none of them
        return text
    shown: list[str] = []
    for char in text:
        if char in "\t\n\r":
            shown.append(" ")
        elif unicodedata.category(char) in _HIDDEN:
            shown.append(f"‹U+{ord(char):04X}›")
        else:
            shown.append(char)
    return "".join(shown)


def name_place(label: str) -> tuple[str, str]:
    """What a value is called and where it comes from: `steps.authenticate.failures` -> `failures`, `step authenticate`.

    An expression that is more than one place is left as its author wrote it.
    """
    if not _PLACE.fullmatch(label):
        return label, ""
    root, *path = label.split(".")
    if root in _ROUNDS and len(path) > 1:
        return _spell(path[1:]), f"{_ROUNDS[root]} {path[0]}"
    return _spell(path), _ORIGINS.get(root, root)


def _spell(path: Sequence[str]) -> str:
    return " ".join(path).replace("_", " ")


def render_reach(known: str) -> str:
    """`from 2024-01-01` or `to 2030-12-31`: a calendar begins with a year and ends with one, so the day says which."""
    return f"{'from' if known.endswith('-01-01') else 'to'} {known}"


def text_width(text: str, size: float, *, mono: bool = False, bold: bool = False) -> float:
    """Estimate the width of a line in pixels at a font size; a little more than common sans-serif fonts take."""
    if mono:
        return sum((2 if _is_full_width(char) else 1) for char in text) * MONO * size
    return sum(_em(char) for char in text) * size * (BOLD if bold else 1)


def wrap(
    text: str, width: float, size: float, *, lines: int, mono: bool = False, bold: bool = False
) -> tuple[str, ...]:
    """Break text into at most `lines` lines that fit `width`; what does not fit ends in an ellipsis.

    Words longer than a line are cut where they must be.
    """
    if bold:
        width = width / BOLD
    rows: list[str] = []
    row = ""
    for word in show_controls(text).split():
        while True:
            longer = f"{row} {word}" if row else word
            if text_width(longer, size, mono=mono) <= width:
                row = longer
                break
            if row:
                rows.append(row)
                row = ""
                continue
            head = _fit(word, width, size, mono=mono)
            rows.append(head)
            word = word[len(head) :]  # noqa: PLW2901 (the rest of the same word)
            if not word:
                break
    if row:
        rows.append(row)
    if len(rows) <= lines:
        return tuple(rows)
    last = _fit(rows[lines - 1] + ELLIPSIS, width - text_width(ELLIPSIS, size, mono=mono), size, mono=mono)
    return (*rows[: lines - 1], last.rstrip(ELLIPSIS + " ") + ELLIPSIS)


def join_words(words: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def say_time(text: str, now: datetime) -> str:
    """An instant of a board in a sentence: `16:42 UTC`, with the day where that is not today's."""
    day = "" if text[:10] == f"{now:%Y-%m-%d}" else f"{text[:10]} "
    return f"{day}{text[11:16]} UTC"


def render_span(seconds: float) -> str:
    """A span of time, in the two largest units that say it: `45s`, `12m 30s`, `1h 30m`, `7d`, `-3m`.

    Under a second it is said in milliseconds.
    """
    if seconds < 0:
        return "-" + render_span(-seconds)
    if 0 < seconds < 1:
        return f"{max(1, round(seconds * 1000))}ms"
    left = round(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0s"


def _em(char: str) -> float:
    if _is_full_width(char):
        return 1.05
    if char in _NARROW:
        return 0.36
    if char in _WIDE:
        return 0.92
    if char.isupper():
        return 0.70
    return 0.575


def _is_full_width(char: str) -> bool:
    return unicodedata.east_asian_width(char) in {"W", "F"}


def _fit(word: str, width: float, size: float, *, mono: bool) -> str:
    """The longest beginning that fits; at least one character, so that breaking always moves on."""
    end = 1
    while end < len(word) and text_width(word[: end + 1], size, mono=mono) <= width:
        end += 1
    return word[:end]
