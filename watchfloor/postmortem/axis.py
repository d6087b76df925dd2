"""A time axis that stays readable: long empty stretches are folded and marked, the rest is to scale."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from watchfloor.drawing import render_span

FOLD = 46
"""Pixels of a folded stretch."""
MAX_FOLDS = 6
FOLD_SHARE = 0.3
"""A stretch without events is folded when it takes more than this share of what is left to draw."""
TICK_ROOM = 78
_STEPS = (0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 604800)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the axis, from start to end, drawn between two pixels."""

    start: datetime
    end: datetime
    left: float
    right: float
    folded: bool


@dataclass(frozen=True, slots=True)
class Axis:
    stretches: tuple[Stretch, ...]

    def x(self, at: datetime) -> float:
        """The pixel of an instant; what lies outside is drawn at the edge."""
        if at <= self.stretches[0].start:
            return self.stretches[0].left
        for stretch in self.stretches:
            if at <= stretch.end:
                share = (at - stretch.start) / (stretch.end - stretch.start)
                return stretch.left + share * (stretch.right - stretch.left)
        return self.stretches[-1].right

    def ticks(self) -> list[tuple[float, str]]:
        """Round instants with room for their labels: pixel and label; the date where the day changes."""
        found: list[tuple[float, str]] = []
        day = None
        for stretch in self.stretches:
            if stretch.folded:
                continue
            for at in _round_instants(stretch):
                x = self.x(at)
                if found and x - found[-1][0] < TICK_ROOM:
                    continue
                label = at.strftime("%H:%M:%S") + (f".{at.microsecond // 100000}" if at.microsecond else "")
                found.append((x, label if at.date() == day else f"{at.day} {at.strftime('%b')} {label}"))
                day = at.date()
        return found

    def folds(self) -> list[tuple[float, float, str]]:
        """Folded stretches: left, right, how long."""
        return [(s.left, s.right, render_span((s.end - s.start).total_seconds())) for s in self.stretches if s.folded]


def lay_axis(instants: Iterable[datetime], left: float, right: float) -> Axis:
    """Lay out an axis over instants (at least one) between two pixels."""
    points = sorted({at.astimezone(UTC) for at in instants})
    if len(points) == 1:
        points.append(points[0] + timedelta(seconds=1))
    gaps = list(pairwise(points))
    folded = _find_folds(gaps)
    scale_width = right - left - FOLD * len(folded)
    total = sum((end - start).total_seconds() for start, end in gaps if (start, end) not in folded)
    stretches: list[Stretch] = []
    x = left
    for start, end in gaps:
        is_folded = (start, end) in folded
        width = FOLD if is_folded else scale_width * (end - start).total_seconds() / total
        if stretches and not is_folded and not stretches[-1].folded:
            stretches[-1] = Stretch(stretches[-1].start, end, stretches[-1].left, x + width, folded=False)
        else:
            stretches.append(Stretch(start, end, x, x + width, is_folded))
        x += width
    return Axis(tuple(stretches))


def _find_folds(gaps: Sequence[tuple[datetime, datetime]]) -> set[tuple[datetime, datetime]]:
    """The longest gaps, one after the other, as long as each takes more than its share of what would stay."""
    folded: set[tuple[datetime, datetime]] = set()
    left = sorted(gaps, key=lambda gap: (gap[1] - gap[0], gap[0]), reverse=True)
    while len(left) > 2 and len(folded) < MAX_FOLDS:
        total = sum((end - start).total_seconds() for start, end in left)
        longest = left[0]
        if (longest[1] - longest[0]).total_seconds() <= FOLD_SHARE * total:
            break
        folded.add(longest)
        left = left[1:]
    return folded


def _round_instants(stretch: Stretch) -> Iterable[datetime]:
    span = (stretch.end - stretch.start).total_seconds()
    room = max(1.0, (stretch.right - stretch.left) / (TICK_ROOM * 1.25))
    step = next((step for step in _STEPS if span / step <= room), _STEPS[-1] * max(1, round(span / _STEPS[-1] / room)))
    first = -(-stretch.start.timestamp() // step) * step
    count = int((stretch.end.timestamp() - first) // step) + 1
    found = [datetime.fromtimestamp(round(first + index * step, 1), UTC) for index in range(max(0, count))]
    return found or [stretch.start]
