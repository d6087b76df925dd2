"""How one scenario ended: what deviated, where in the timeline, what was covered."""

from dataclasses import dataclass, field
from datetime import datetime

from schemas.incident import Board
from watchfloor.language.findings import Finding
from watchfloor.scenarios.model import Scenario
from watchfloor.scenarios.timeline import Timeline

OPEN = "open"
"""The outcome of a run that had not ended when the scenario's `until` came."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """One expectation that was not met. `event` is the index in the timeline where it shows, None at its end."""

    message: str
    event: int | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """What a run left behind: its outcome, its last board, everything that happened."""

    outcome: str
    board: Board
    timeline: Timeline
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one scenario. `findings` are the runbook's or the scenario's own, when it could not be run."""

    scenario: Scenario
    deviations: tuple[Deviation, ...]
    ending: Ending | None
    seconds: float
    covered: frozenset[str] = field(default_factory=frozenset)
    findings: tuple[Finding, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.deviations and not self.findings
