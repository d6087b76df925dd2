"""Watches the runs from outside: what died, hangs or fell behind cannot say so itself.

Three findings: a run that was ended from outside (terminated, failed, timed out, cancelled), a running one whose
workflow task fails again and again, and one whose next due instant is past though nothing was handled. Each is told
once, to whoever commands and to the engineers on call, through the same channels as any page; the region's record of
deliveries remembers what was told, whichever process looks.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import structlog
from temporalio.client import WorkflowExecution, WorkflowExecutionDescription, WorkflowExecutionStatus

from schemas.incident import (
    HANDOFF_WORKFLOW,
    HOLD_WORKFLOW,
    INCIDENT_WORKFLOW,
    INCOMING_WORKFLOW,
    POSTMORTEM_WORKFLOW,
)
from watchfloor.client.engine import engine_errors
from watchfloor.client.errors import EngineUnavailable, NotFound
from watchfloor.client.face import Face
from watchfloor.client.runs import DUE, SEVERITY
from watchfloor.connections.port import CallFailed, Notice, Notifier
from watchfloor.identity.reached import Reached
from watchfloor.signing import digest, render_instant

EVERY = timedelta(minutes=1)
LOOK_BACK = timedelta(days=7)
"""How long ago a run may have been ended from outside and still be told."""
MOST_ATTEMPTS = 3
"""Attempts at one workflow task that are nothing unusual."""
BEHIND = timedelta(minutes=5)
"""How far past its due instant a run may be before it counts as fallen behind."""
MOST_RUNS = 1000
ROLES = ("incident_commander", "eng_oncall")
KINDS = (INCIDENT_WORKFLOW, HOLD_WORKFLOW, HANDOFF_WORKFLOW, INCOMING_WORKFLOW, POSTMORTEM_WORKFLOW)
_OUTSIDE = {
    WorkflowExecutionStatus.TERMINATED: "terminated",
    WorkflowExecutionStatus.FAILED: "failed",
    WorkflowExecutionStatus.TIMED_OUT: "timed out",
    WorkflowExecutionStatus.CANCELED: "cancelled",
}

What = Literal["run_ended", "run_stuck", "run_behind"]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """A run as the engine shows it from outside."""

    workflow: str
    run: str
    kind: str
    status: WorkflowExecutionStatus | None
    severity: str
    due_at: datetime | None
    attempt: int = 0
    """Attempts at the workflow task that is under way; 0 when none is."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with one run, the same every time it is seen."""

    what: What
    workflow: str
    run: str
    kind: str
    severity: str
    detail: str
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """What the finding is told under: once for each run and kind of trouble, and for each due instant missed."""
        due = render_instant(self.due_at) if self.what == "run_behind" and self.due_at is not None else ""
        return digest({"watchdog": self.what, "workflow": self.workflow, "run": self.run, "due": due})


def judge(seen: Seen, now: datetime) -> Finding | None:
    """What is wrong with a run, if anything is."""
    more = (seen.workflow, seen.run, seen.kind, seen.severity or "S1")
    if seen.status in _OUTSIDE:
        return Finding("run_ended", *more, f"{_OUTSIDE[seen.status]} from outside")
    if seen.status != WorkflowExecutionStatus.RUNNING:
        return None
    if seen.attempt > MOST_ATTEMPTS:
        return Finding("run_stuck", *more, f"its workflow task fails, attempt {seen.attempt}")
    if seen.due_at is not None and now - seen.due_at > BEHIND:
        return Finding(
            "run_behind", *more, f"due at {render_instant(seen.due_at)} and nothing was handled", seen.due_at
        )
    return None


async def find_trouble(face: Face, *, now: datetime) -> list[Finding]:
    """Look at every run of the region.

    Raises:
        EngineUnavailable: Temporal did not answer.
    """
    found: list[Finding] = []
    async for seen in _look(face, now):
        finding = judge(seen, now)
        if finding is not None:
            found.append(finding)
    return found


async def _look(face: Face, now: datetime) -> AsyncIterator[Seen]:
    kinds = ", ".join(f"'{kind}'" for kind in KINDS)
    ended = ", ".join(f"'{status}'" for status in ("Terminated", "Failed", "TimedOut", "Canceled"))
    since = render_instant(now - LOOK_BACK)
    async with engine_errors(face, "nothing was looked at"):
        query = f"WorkflowType IN ({kinds}) AND ExecutionStatus IN ({ended}) AND CloseTime > '{since}'"
        async for run in face.client.list_workflows(query, limit=MOST_RUNS):
            yield _seen(run)
        query = f"WorkflowType IN ({kinds}) AND ExecutionStatus = 'Running'"
        running = [run async for run in face.client.list_workflows(query, limit=MOST_RUNS)]
    for run in running:
        try:
            async with engine_errors(face, "nothing was looked at", looked_for=run.id):
                described = await face.client.get_workflow_handle(run.id).describe()
        except NotFound:
            continue  # it ended in between, and its history is gone
        yield _seen(described, described.raw_description.pending_workflow_task.attempt)


def _seen(run: WorkflowExecution | WorkflowExecutionDescription, attempt: int = 0) -> Seen:
    attributes = run.typed_search_attributes
    return Seen(
        run.id,
        run.run_id,
        run.workflow_type,
        run.status,
        attributes.get(SEVERITY, "") or "",
        attributes.get(DUE),
        attempt,
    )


class Watchdog:
    """Looks, and tells what it finds."""

    def __init__(
        self,
        face: Face,
        notifier: Notifier,
        reach: Callable[[str], Reached],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Watch a region.

        Args:
            face: the region.
            notifier: its channels; they remember what they delivered.
            reach: role -> whoever answers for it now.
        """
        self._face, self._notifier, self._reach, self._clock = face, notifier, reach, clock
        self._told: set[str] = set()

    async def run(self) -> None:
        """Look for ever. An engine that does not answer is only waited for."""
        while True:
            try:
                await self.look()
            except EngineUnavailable as error:
                log.warning("the watchdog waits", error=type(error).__name__)
            await asyncio.sleep(EVERY.total_seconds())

    async def look(self) -> list[Finding]:
        """Look once and tell what was not told yet; gives everything found."""
        now = self._clock()
        found = await find_trouble(self._face, now=now)
        for finding in found:
            if finding.key not in self._told:
                log.error("run in trouble", what=finding.what, workflow=finding.workflow, detail=finding.detail)
                if await self._tell(finding, now):
                    self._told.add(finding.key)
        self._told &= {finding.key for finding in found}
        return found

    async def _tell(self, finding: Finding, now: datetime) -> bool:
        """Tell everybody; True when every channel has it, else the next look tries those again that have not."""
        notice = Notice(
            key=finding.key,
            about=finding.what,
            region=self._face.region,
            incident=finding.workflow,
            step="",
            path=finding.kind.lower(),
            severity=finding.severity,
            at=now,
            due_at=render_instant(finding.due_at) if finding.due_at is not None else None,
            roles=ROLES,
        )
        names = dict.fromkeys(name for role in ROLES for name in self._reach(role).destinations)
        results = await asyncio.gather(*(self._deliver(name, notice) for name in names))
        return bool(results) and all(results)

    async def _deliver(self, destination: str, notice: Notice) -> bool:
        try:
            await self._notifier.deliver(destination, notice)
        except CallFailed as failure:
            log.warning("a finding was not delivered", destination=destination, error=failure.type)
            return False
        return True
