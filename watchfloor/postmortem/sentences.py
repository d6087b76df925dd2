"""Sentences that know where they come from.

A sentence is made of our own words and of marked pieces: names from the ledger (`Id`), instants, spans. Renderers
escape the marked pieces; our words hold no markup. A sentence without an entry number cannot be made.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from watchfloor.drawing import render_span, show_controls

ID_LIMIT = 160


@dataclass(frozen=True, slots=True)
class Id:
    """A name from the ledger or the plan: hostile until escaped."""

    text: str

    @property
    def shown(self) -> str:
        """Without hidden characters, cut at a length no honest name reaches."""
        text = show_controls(self.text)
        return text if len(text) <= ID_LIMIT else text[: ID_LIMIT - 1] + "…"


Word = str | Id | datetime | timedelta


@dataclass(frozen=True, slots=True)
class Sentence:
    """`at` is when it happened, `seqs` the entries that say so, ascending and at least one."""

    at: datetime
    words: tuple[Word, ...]
    seqs: tuple[int, ...]


def say(at: datetime, seqs: Iterable[int], *words: Word) -> Sentence:
    """Make a sentence.

    Raises:
        ValueError: it cites no entry.
    """
    cited = tuple(sorted(set(seqs)))
    if not cited:
        raise ValueError("a sentence without a ledger entry has no place in a review")
    return Sentence(at, words, cited)


def render_time(at: datetime, day: datetime | None = None) -> str:
    """UTC to the second: `03:10:05`, with the date in front unless it is the given day."""
    at = at.astimezone(UTC)
    clock = at.strftime("%H:%M:%S")
    if day is not None and at.date() == day.astimezone(UTC).date():
        return clock
    return f"{at.strftime('%Y-%m-%d')} {clock}"


def render_duration(span: timedelta) -> str:
    return render_span(span.total_seconds())


def list_ids(names: Sequence[str]) -> list[Word]:
    """`a`, `b` and `c`, as words of a sentence."""
    found: list[Word] = []
    for index, name in enumerate(names):
        if index:
            found.append(" and " if index == len(names) - 1 else ", ")
        found.append(Id(name))
    return found
