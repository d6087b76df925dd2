"""The board's lines: clocks at risk first, then by priority; which of them a reader wants. Pure.

A clock is at risk when it is breached or when less than a quarter of it is left. The board is one list: whoever stands
before the wall at four metres and whoever holds a phone read it in the same order.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from watchfloor.cases import Case
from watchfloor.client.errors import ClientError
from watchfloor.client.pages import pick_pages
from watchfloor.gateway.console.clocks import ClockBar, list_clocks
from watchfloor.gateway.console.drawn import Drawn
from watchfloor.gateway.console.views import CaseLine, draw_case
from watchfloor.identity.people import Person

LEVELS = ("S0", "S1", "S2", "S3", "S4")
STATES = ("open", "paused", "ended", "all")
_TICKING = {"running", "breached"}


@dataclass(frozen=True, slots=True)
class BoardLine:
    """One incident on the board. `pages` counts what this person may acknowledge; `clock` is the nearest one."""

    line: CaseLine
    clock: ClockBar | None
    at_risk: bool
    commander: str
    region: str
    is_case: bool
    pages: int
    mark: tuple[str, int]
    """The incident, and the revision of the index as of which this is its line."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reader wants to see. Empty fields want everything."""

    severity: tuple[str, ...] = ()
    runbook: str = ""
    region: str = ""
    state: str = "open"
    role: str = ""
    risk: bool = False
    text: str = ""
    mode: str = ""
    """Empty for incidents, and those cases of queues whose clock is at risk; `case` or `all`."""

    @property
    def any(self) -> bool:
        """Whether something is left out beside what has ended."""
        return bool(self.severity or self.runbook or self.region or self.role or self.risk or self.text or self.mode)

    def query(self, **more: str) -> str:
        """The filters as they stand in an address."""
        pairs = [("severity", one) for one in self.severity]
        pairs += [("runbook", self.runbook), ("region", self.region), ("state", self.state), ("role", self.role)]
        pairs += [("risk", "1" if self.risk else ""), ("text", self.text), ("mode", self.mode), *more.items()]
        return urlencode([(name, value) for name, value in pairs if value])

    def keep(self, lines: Iterable[BoardLine]) -> list[BoardLine]:
        wanted = self.text.strip().lower()
        return [
            one
            for one in lines
            if (self.mode == "all" or one.is_case == (self.mode == "case") or (not self.mode and one.at_risk))
            and (not self.severity or one.line.severity in self.severity)
            and (not self.runbook or one.line.runbook == self.runbook)
            and (not self.region or one.region == self.region)
            and (not self.role or self.role in one.line.waiting)
            and (not self.risk or one.at_risk)
            and (not wanted or wanted in f"{one.line.name} {one.line.incident} {one.line.title}".lower())
        ]


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen in the filters: what is there to see for this reader, and nothing else."""

    runbooks: tuple[str, ...]
    regions: tuple[str, ...]
    roles: tuple[str, ...]


def draw_board(cases: Iterable[Case], person: Person, now: datetime, drawn: Drawn) -> list[BoardLine]:
    """The lines of a board: clocks at risk first, then the worse of severity and clock, then what is due first."""
    lines = [_draw_for(case, person, now, drawn) for case in cases]
    return sorted(
        lines, key=lambda one: (not one.at_risk, one.line.priority, one.line.due_at or "9999", one.line.incident)
    )


def list_choices(lines: Sequence[BoardLine]) -> Choices:
    return Choices(
        tuple(sorted({one.line.runbook for one in lines if one.line.runbook})),
        tuple(sorted({one.region for one in lines})),
        tuple(sorted({role for one in lines for role in one.line.waiting})),
    )


def count_levels(lines: Iterable[BoardLine]) -> list[tuple[str, int]]:
    """How many there are of each severity, the gravest first; none of a severity is left out."""
    found = Counter(one.line.severity for one in lines)
    return [(level, found[level]) for level in LEVELS if found[level]]


def _draw_for(case: Case, person: Person, now: datetime, drawn: Drawn) -> BoardLine:
    """The line as everybody sees it, with what this person may do there."""
    line = drawn.once(("line", case.incident, case.revision), now, lambda: _draw(case, now))
    pages = _count_pages(case, person)
    return replace(line, pages=pages) if pages else line


def _draw(case: Case, now: datetime) -> BoardLine:
    board = case.board
    clocks = [bar for bar in list_clocks(board["clocks"], None, now) if bar.state in _TICKING and bar.due_at]
    nearest = min(clocks, key=lambda bar: bar.due_at or "", default=None)
    return BoardLine(
        line=draw_case(case, now),
        clock=nearest,
        at_risk=any(bar.pressing for bar in clocks),
        commander=board["commander"]["person"],
        region=board["commander"]["region"],
        is_case=board.get("mode", "incident") == "case",
        pages=0,
        mark=(case.incident, case.revision),
    )


def _count_pages(case: Case, person: Person) -> int:
    """Pages that nobody has taken yet and that this person may take."""
    if not case.board.get("pages"):
        return 0
    try:
        return len(pick_pages(case.board, None, set(person.roles)))
    except ClientError:
        return 0
