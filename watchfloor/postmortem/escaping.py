"""Markdown that stays what it was meant to be, whatever stands in it.

Names go into code spans, where nothing is linked, mentioned or marked up; free text is escaped mark by mark. The
template engine writes only values of type `Markdown`; anything else is escaped on its way in, so a forgotten filter
cannot open a hole.
"""

import re
from datetime import datetime, timedelta

from jinja2 import Environment, PackageLoader, StrictUndefined

from watchfloor.drawing import show_controls
from watchfloor.postmortem.citations import cite
from watchfloor.postmortem.sentences import Id, Sentence, Word, render_duration, render_time

_MARKS = frozenset("\\`*_{}[]<>#!|~&$@^")
"""What begins markup anywhere in a line. Colons and dots are escaped only where they would make a bare link."""
_LINKS = re.compile(r":(?=/)|(?<=www)\.", re.IGNORECASE)
_BLOCKS = re.compile(r"^(\d*)([-+=.)])")
"""What begins a list or a heading at the start of a line."""
_CODE_HOSTILE = frozenset("`|\\<>&")


class Markdown(str):
    """Text that is Markdown already and is written as it is."""

    __slots__ = ()


def escape_text(text: str) -> Markdown:
    """Free text as Markdown that renders as exactly this text: no markup, no HTML, no links, on one line."""
    escaped = "".join(f"\\{char}" if char in _MARKS else char for char in show_controls(text).strip())
    return Markdown(_BLOCKS.sub(r"\1\\\2", _LINKS.sub(lambda found: f"\\{found.group()}", escaped)))


def code(text: str) -> Markdown:
    """A name as a code span. The few characters that could end the span or a table cell are shown by code point."""
    shown = "".join(f"‹U+{ord(char):04X}›" if char in _CODE_HOSTILE else char for char in Id(text).shown).strip()
    return Markdown(f"`{shown or '–'}`")


def render_words(words: tuple[Word, ...], day: datetime | None) -> Markdown:
    """The words of a sentence; names as code, instants of the same day without a date."""
    return Markdown("".join(_render_word(word, day) for word in words))


def render_sentence(sentence: Sentence, day: datetime | None) -> Markdown:
    """A sentence with its citation at the end."""
    return Markdown(f"{render_words(sentence.words, day)}\u00a0{cite(sentence.seqs)}")


def open_templates() -> Environment:
    """The strict template environment: an undefined name is an error, every value is escaped unless it is Markdown."""
    return Environment(  # noqa: S701 (values are escaped for Markdown by `finalize`, not for HTML)
        loader=PackageLoader("watchfloor.postmortem"),
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _finalize(value: object) -> object:
    return value if isinstance(value, Markdown | int) else escape_text(str(value))


def _render_word(word: Word, day: datetime | None) -> str:
    if isinstance(word, Id):
        return code(word.text)
    if isinstance(word, datetime):
        return render_time(word, day)
    if isinstance(word, timedelta):
        return render_duration(word)
    return word
