"""Run the scenarios of files: what `watchfloor test` does."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from activities.catalog import CATALOG, INTERNAL
from schemas.actions import ActionContract
from schemas.plan import Plan
from watchfloor.client.errors import NotFound
from watchfloor.client.library import compile_runbook, find_runbook
from watchfloor.language.findings import Finding
from watchfloor.scenarios.coverage import Coverage, list_marks
from watchfloor.scenarios.document import parse_scenarios
from watchfloor.scenarios.model import Scenario
from watchfloor.scenarios.outcome import Deviation, Outcome
from watchfloor.scenarios.play import play
from watchfloor.scenarios.references import check_references

CONTRACTS: Mapping[str, ActionContract] = {**CATALOG, **INTERNAL}
NAME = "scenarios.yaml"
_GRACE = 0.1

Progress = Callable[[Outcome], None]


@dataclass(frozen=True, slots=True)
class Summary:
    """All outcomes in the order of the files. `findings` are of files that could not be read at all."""

    outcomes: tuple[Outcome, ...]
    findings: tuple[Finding, ...]
    coverage: tuple[Coverage, ...]

    @property
    def passed(self) -> int:
        return sum(outcome.passed for outcome in self.outcomes)

    @property
    def failed(self) -> int:
        return len(self.outcomes) - self.passed

    @property
    def ok(self) -> bool:
        return not self.failed and not any(finding.is_error for finding in self.findings)


def find_scenario_files(paths: Iterable[Path]) -> list[Path]:
    """The scenario files named, and those called `scenarios.yaml` below folders that are named; each once, sorted.

    Raises:
        NotFound: a path is not there, or a folder holds none.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise NotFound(f"`{path}` is not there; name a scenario file or a folder")
        below = sorted(path.rglob(NAME)) if path.is_dir() else [path]
        if not below:
            raise NotFound(f"`{path}` holds no `{NAME}`")
        found.update(dict.fromkeys(below))
    return list(found)


def run_files(
    paths: Sequence[Path], *, match: str | None = None, progress: Progress | None = None, at_once: int = 2
) -> Summary:
    """Play the scenarios of files and folders.

    Args:
        paths: scenario files, or folders to look in.
        match: play only scenarios whose name holds this text, in any case.
        progress: told of each outcome as it comes.
        at_once: scenarios in play at the same time, each with a server of its own.

    Raises:
        NotFound: a path is not there.
        FileNotFoundError: the time-skipping server is not installed.
    """

    async def run() -> Summary:
        summary = await play_files(paths, match=match, progress=progress, at_once=at_once)
        # the engine's threads give back their last calls; one given to an interpreter that is going down crashes it
        await asyncio.sleep(_GRACE)
        return summary

    return asyncio.run(run())


async def play_files(
    paths: Sequence[Path], *, match: str | None = None, progress: Progress | None = None, at_once: int = 2
) -> Summary:
    """`run_files` for callers that have a loop of their own."""
    findings: list[Finding] = []
    library = _Library()
    turns = asyncio.Semaphore(at_once)
    playing: list[asyncio.Task[Outcome]] = []

    async def take_turn(scenario: Scenario) -> Outcome:
        async with turns:
            outcome = await _play(scenario, library)
        if progress is not None:
            progress(outcome)
        return outcome

    async with asyncio.TaskGroup() as group:
        for path in find_scenario_files(paths):
            scenarios, found = parse_scenarios(path.read_bytes(), path=str(path), catalog=CONTRACTS)
            findings += found
            if any(finding.is_error for finding in found):
                continue
            playing += [
                group.create_task(take_turn(scenario))
                for scenario in scenarios
                if match is None or match.lower() in scenario.name.lower()
            ]
    outcomes = tuple(task.result() for task in playing)
    return Summary(outcomes, tuple(findings), tuple(library.coverage(outcomes)))


async def _play(scenario: Scenario, library: "_Library") -> Outcome:
    try:
        runbook = library.find(scenario)
    except NotFound as error:
        return Outcome(scenario, (Deviation(str(error)),), None, 0.0)
    if runbook.plan is None:
        return Outcome(scenario, (Deviation("its runbook does not compile"),), None, 0.0, findings=runbook.findings)
    findings = check_references(scenario, runbook.plan)
    if findings:
        return Outcome(scenario, (), None, 0.0, findings=tuple(findings))
    return await play(scenario, runbook.plan, runbook.digest, CONTRACTS)


@dataclass(frozen=True, slots=True)
class _Runbook:
    plan: Plan | None
    digest: str
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Library:
    """Runbooks that scenarios name, each compiled once: beside the scenario file, or in the shipped library."""

    _compiled: dict[Path, _Runbook] = field(default_factory=dict)

    def find(self, scenario: Scenario) -> _Runbook:
        path = self._place(scenario)
        if path not in self._compiled:
            compiled = compile_runbook(path)
            self._compiled[path] = _Runbook(
                compiled.plan, compiled.digest, tuple(one for one in compiled.findings if one.is_error)
            )
        return self._compiled[path]

    def coverage(self, outcomes: Sequence[Outcome]) -> Iterator[Coverage]:
        played: dict[Path, list[Outcome]] = {}
        for outcome in outcomes:
            if outcome.ending is not None:
                played.setdefault(self._place(outcome.scenario), []).append(outcome)
        for path, mine in played.items():
            plan = self._compiled[path].plan
            if plan is not None:
                covered = frozenset(mark for outcome in mine for mark in outcome.covered)
                yield Coverage(plan["id"], list_marks(plan), frozenset()).with_(covered)

    def _place(self, scenario: Scenario) -> Path:
        folder = Path(scenario.path).parent
        for beside in (folder / "runbook.yaml", folder / f"{scenario.runbook}.yaml", folder / scenario.runbook):
            if beside.is_file() and (beside.name != "runbook.yaml" or folder.resolve().name == scenario.runbook):
                return beside
        return find_runbook(scenario.runbook)
