"""The library as the console shows it: what each runbook is, what its compiler finds, which versions are at work."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from activities.catalog import CATALOG
from schemas.plan import Plan
from watchfloor.cases import Case
from watchfloor.client.library import MAX_RUNBOOK, compile_runbook, find_runbook, library_ids
from watchfloor.language.compilation import Compiled
from watchfloor.language.findings import Finding
from watchfloor.paper.sheet import Sheet, make_sheet
from watchfloor.scenarios.apart import list_scenarios
from watchfloor.scenarios.crossing import all_steps

OPEN = ("open", "paused")
_COMPARTMENT = re.compile(r"\bcompartment[\"']?\s*:\s*[\"']?([A-Za-z0-9_-]+)")


@dataclass(frozen=True, slots=True)
class Volume:
    """One runbook of the library. `plan` is None where it does not compile; `scenarios` are names."""

    id: str
    plan: Plan | None
    digest: str
    findings: tuple[Finding, ...]
    scenarios: tuple[str, ...]
    sheet: Sheet | None
    compartment: str
    """Whose shelf it is on; of one that does not compile what its text says."""

    @property
    def errors(self) -> int:
        return sum(one.is_error for one in self.findings)

    @property
    def warnings(self) -> int:
        return len(self.findings) - self.errors

    @property
    def asking(self) -> tuple[str, ...]:
        """Steps at which somebody may be silent."""
        return tuple(step["id"] for step in all_steps(self.plan) if _asks(step)) if self.plan else ()

    @property
    def actions(self) -> tuple[str, ...]:
        """Actions that may fail."""
        named = (step["action"] for step in all_steps(self.plan) if step["kind"] == "action") if self.plan else ()
        return tuple(dict.fromkeys(named))


@dataclass(frozen=True, slots=True)
class Version:
    """One plan of a runbook that runs were started with. `example` is the latest run that has it."""

    version: int
    digest: str
    is_library: bool
    runs: int
    open_runs: int
    first_at: str
    last_at: str
    example: str


class Library:
    """The shipped runbooks, each compiled once for as long as its file stays the same."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int], Volume]] = {}

    def all(self) -> list[Volume]:
        return [volume for id_ in library_ids() if (volume := self.find(id_)) is not None]

    def find(self, runbook: str) -> Volume | None:
        """The runbook of this id; None where the library has none. A path is no id."""
        if runbook not in library_ids():
            return None
        file = find_runbook(runbook)
        stat = file.stat()
        mark = (stat.st_mtime_ns, stat.st_size)
        known = self._known.get(runbook)
        if known is None or known[0] != mark:
            known = self._known[runbook] = (
                mark,
                _read(runbook, compile_runbook(file, shown_as=f"{runbook}/{file.name}"), file),
            )
        return known[1]


def list_versions(volume: Volume, cases: Iterable[Case]) -> list[Version]:
    """The plans that these runs were started with, the latest first; the library's own always among them."""
    found: dict[str, list[Case]] = {volume.digest: []} if volume.plan else {}
    for case in cases:
        found.setdefault(case.board["plan"], []).append(case)
    versions = [_version(volume, digest, mine) for digest, mine in found.items()]
    return sorted(versions, key=lambda one: (one.is_library, one.version, one.last_at), reverse=True)


def _version(volume: Volume, digest: str, cases: list[Case]) -> Version:
    opened = sorted((case.opened_at, case.incident, case.board["runbook_version"]) for case in cases)
    own: Mapping[str, int] = {"version": volume.plan["version"]} if volume.plan else {}
    return Version(
        version=opened[-1][2] if opened else own.get("version", 0),
        digest=digest,
        is_library=digest == volume.digest,
        runs=len(cases),
        open_runs=sum(case.state in OPEN for case in cases),
        first_at=opened[0][0] if opened else "",
        last_at=opened[-1][0] if opened else "",
        example=opened[-1][1] if opened else "",
    )


def _read(runbook: str, compiled: Compiled, file: Path) -> Volume:
    sheet = None
    if compiled.plan is not None:
        sheet = make_sheet(compiled.plan, compiled.digest, CATALOG, printed_at=datetime.now(UTC))
    scenarios = tuple(one.name for one in list_scenarios(runbook))
    compartment = compiled.plan["compartment"] if compiled.plan else _find_compartment(file)
    return Volume(runbook, compiled.plan, compiled.digest, tuple(compiled.findings), scenarios, sheet, compartment)


def _find_compartment(file: Path) -> str:
    """What the text of a runbook that does not compile names as its compartment: a mistake in it opens no wall."""
    with file.open("rb") as opened:
        found = _COMPARTMENT.search(opened.read(MAX_RUNBOOK).decode(errors="replace"))
    return found[1] if found else ""


def _asks(step: Mapping[str, object]) -> bool:
    return step["kind"] in {"decide", "task", "handoff"} or bool(step.get("approval"))
