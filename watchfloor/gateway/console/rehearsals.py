"""Rehearsals that somebody asked for in the browser: played in a process apart, few at a time, never for long.

Nothing is kept beyond this process: a rehearsal proves nothing and is done again in seconds. It is shown to whoever
asked for it and to nobody else.
"""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from watchfloor.gateway.problems import Problem

COMMAND = (sys.executable, "-m", "watchfloor.scenarios.apart")
LIMIT = 90.0
"""Seconds that one rehearsal may take; playing all scenarios of a runbook may take as long for each."""
LIMIT_ALL = 600.0
AT_ONCE = 1
"""Rehearsals in play at the same time: each takes a processor."""
MOST_WAITING = 4
KEPT = 40
MOST_ANSWER = 8 * 1024 * 1024
"""Bytes of a document."""
PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG", "SYSTEMROOT")
"""Of the environment, what a process needs to start; no secret, no address, no setting of a region."""

State = Literal["waiting", "playing", "done", "failed"]


@dataclass(slots=True)
class Job:
    """One rehearsal. `document` is what `watchfloor.scenarios.apart` gave; `told` says in words what went wrong."""

    id: str
    person: str
    runbook: str
    request: dict[str, Any]
    digest: str
    asked_at: datetime
    state: State = "waiting"
    document: dict[str, Any] = field(default_factory=dict)
    told: str = ""

    @property
    def is_over(self) -> bool:
        return self.state in {"done", "failed"}


@dataclass(frozen=True, slots=True)
class Covered:
    """What the scenarios of one plan carried out, when it was last measured here."""

    at: datetime
    digest: str
    counts: tuple[tuple[str, int, int], ...]
    missed: tuple[str, ...]
    passed: int
    failed: tuple[str, ...]


class Rehearsals:
    """The rehearsals of one gateway."""

    def __init__(self, command: Sequence[str] = (), *, limit: float | None = None) -> None:
        self._command = tuple(command)
        self._limit = limit
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._covered: dict[str, Covered] = {}

    def begin(self, person: str, request: dict[str, Any], digest: str) -> Job:
        """Begin, or wait for a turn.

        Raises:
            Problem: 429 too many wait already, or this person's last one is not over.
        """
        waiting = [job for job in self._jobs.values() if not job.is_over]
        if any(job.person == person for job in waiting):
            raise Problem(429, "busy", "your last rehearsal is still in play; wait for it", retry_after=5)
        if len(waiting) >= AT_ONCE + MOST_WAITING:
            raise Problem(429, "busy", "others rehearse at the moment; try again in a minute", retry_after=30)
        job = Job(secrets.token_hex(8), person, request["runbook"], request, digest, datetime.now(UTC))
        self._jobs[job.id] = job
        while len(self._jobs) > KEPT:
            self._jobs.popitem(last=False)
        task = asyncio.create_task(self._play(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    def find(self, id_: str, person: str) -> Job | None:
        """A rehearsal of this person."""
        job = self._jobs.get(id_)
        return job if job is not None and job.person == person else None

    def covered(self, runbook: str) -> Covered | None:
        """What was last measured of a runbook, of whatever plan it had then."""
        return self._covered.get(runbook)

    async def _play(self, job: Job) -> None:
        async with self._turns:
            job.state = "playing"
            limit = self._limit or (LIMIT_ALL if job.request["what"] == "all" else LIMIT)
            try:
                async with asyncio.timeout(limit):
                    job.document = await self._ask(job.request)
            except TimeoutError:
                job.state, job.told = "failed", f"it took longer than {limit:.0f} s and was ended"
                return
            except (OSError, ValueError) as error:
                job.state, job.told = "failed", f"the rehearsal could not be held ({type(error).__name__})"
                return
        if "error" in job.document:
            job.state, job.told = "failed", str(job.document["error"])
            return
        job.state = "done"
        if job.request["what"] == "all":
            self._note(job)

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The child's answer. However this ends, the child and its server end with it."""
        child = await asyncio.create_subprocess_exec(
            *(self._command or COMMAND),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
            start_new_session=True,
        )
        try:
            said, _ = await child.communicate(json.dumps(request).encode())
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            await child.communicate()  # its pipes are read to their end, so that nothing of it is left open
        if len(said) > MOST_ANSWER:
            raise ValueError("the document is too large")
        found = json.loads(said)
        if not isinstance(found, dict):
            raise ValueError("the document is no mapping")
        return found

    def _note(self, job: Job) -> None:
        played = job.document["scenarios"]
        self._covered[job.runbook] = Covered(
            at=datetime.now(UTC),
            digest=job.digest,
            counts=tuple((str(word), int(done), int(of)) for word, done, of in job.document["coverage"]),
            missed=tuple(map(str, job.document["missed"])),
            passed=sum(bool(one["passed"]) for one in played),
            failed=tuple(str(one["name"]) for one in played if not one["passed"]),
        )
