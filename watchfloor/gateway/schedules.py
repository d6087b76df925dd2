"""What time starts: `schedule` triggers of the library.

An instant is a multiple of `every` since 1970-01-01T00:00Z, and is the key of what it starts: however many gateways of
a region run, and however often one is started, an instant starts one incident. One that passed while none was running
is made up for within the grace; an older one is left out.
"""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import structlog

from schemas.incident import Limits
from schemas.plan import Plan, TriggerSpec
from watchfloor.client.errors import ClientError, EngineUnavailable
from watchfloor.client.face import Face
from watchfloor.client.library import library_ids
from watchfloor.client.runs import LIMITS, start_incident
from watchfloor.client.triggers import order_of
from watchfloor.gateway.triggers import Plans
from watchfloor.signing import render_instant

GRACE = timedelta(hours=1)
"""How late an instant may still start what it should have started."""
LOOK_EVERY = 30.0
"""Seconds at most between two looks at the library."""

log = structlog.get_logger(__name__)


def last_instant(every: float, now: datetime) -> datetime:
    """The latest instant of a schedule at or before now."""
    seconds = int(now.timestamp() // every * every)
    return datetime.fromtimestamp(seconds, UTC)


class Schedules:
    """Starts what is due. May be asked at any time and by any number of processes: each instant counts once."""

    def __init__(
        self,
        face: Face,
        *,
        plans: Plans | None = None,
        runbooks: Callable[[], list[str]] = library_ids,
        limits: Limits = LIMITS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._face = face
        self._limits = limits
        self._plans = plans or Plans()
        self._runbooks = runbooks
        self._clock = clock
        self._done: dict[tuple[str, str], datetime] = {}

    async def run(self) -> None:
        """Start what is due, for ever."""
        while True:
            await self.start_due()
            await asyncio.sleep(self._pause())

    async def start_due(self) -> list[str]:
        """Start what is due now; gives the incidents, those that had been started before included."""
        now, started = self._clock(), list[str]()
        for runbook, plan, plan_digest, trigger in self._found():
            at = last_instant(trigger["every"] or 0.0, now)
            name = (runbook, trigger["source"])
            if now - at > GRACE or self._done.get(name) == at:
                continue
            try:
                order = order_of(plan, trigger, {"at": render_instant(at)}, now=now)
                if order is not None:
                    begun = await start_incident(self._face, plan, plan_digest, order, now=now, limits=self._limits)
                    started.append(begun.incident)
                    log.info("schedule", runbook=runbook, source=trigger["source"], already=begun.already)
                self._done[name] = at
            except EngineUnavailable:
                log.warning("schedule waits for the engine", runbook=runbook, source=trigger["source"])
            except ClientError as error:
                self._done[name] = at
                kind = type(error).__name__
                log.exception("schedule started nothing", runbook=runbook, source=trigger["source"], error=kind)
        return started

    def _found(self) -> Iterator[tuple[str, Plan, str, TriggerSpec]]:
        for runbook in self._runbooks():
            try:
                plan, plan_digest = self._plans.find(runbook)
            except ClientError:
                continue  # what does not compile is reported by `watchfloor lint`, and starts nothing
            if plan["command"] != self._face.region:
                continue
            for trigger in plan.get("triggers", []):
                if trigger["kind"] == "schedule":
                    yield runbook, plan, plan_digest, trigger

    def _pause(self) -> float:
        now = self._clock()
        waits = [
            (last_instant(trigger["every"] or 0.0, now) - now).total_seconds() + (trigger["every"] or 0.0)
            for _, _, _, trigger in self._found()
        ]
        return max(0.05, min([LOOK_EVERY, *waits]))
