"""Which regions this command line may talk to, and which of them has a run.

An operator names one region. On a developer's machine the embedded stack's regions are all here; then a run is looked
for in each, and nothing of one region's keys is used for another.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import structlog
import typer

from watchfloor.client.engine import exists
from watchfloor.client.errors import Ambiguous, NotFound
from watchfloor.client.face import Face, connect
from watchfloor.client.runs import RunSummary, list_incidents, resolve_run
from watchfloor.client.viewing import may_view
from watchfloor.runtime.settings import RegionSettings, SettingsRefused, find_home, load
from watchfloor.runtime.stackfile import read_stack

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Here:
    """The regions in reach, by name. Where a person looks, what they may not see is not there."""

    faces: dict[str, Face]
    settings: dict[str, RegionSettings]
    person: str = ""

    def face(self, region: str) -> Face:
        """The face of one region.

        Raises:
            NotFound: it is not in reach.
        """
        if region not in self.faces:
            raise NotFound(f"region `{region}` is not in reach here; in reach: {', '.join(self.faces)}")
        return self.faces[region]

    async def locate(self, given: str | None) -> tuple[Face, str]:
        """The region and whole id of the run meant.

        Raises:
            NotFound, Ambiguous, EngineUnavailable.
        """
        if given is None:
            return await self._latest()
        found: list[tuple[Face, str]] = []
        for face in self.faces.values():
            try:
                run = await resolve_run(face, given)
            except NotFound:
                continue
            if await exists(face, run) and await self.shows(face, run):
                found.append((face, run))
        if not found:
            raise NotFound(f"no run `{given}` in {', '.join(self.faces)}; `watchfloor list` shows them")
        if len(found) > 1:
            raise Ambiguous(given, [f"{run} in {face.region}" for face, run in found])
        return found[0]

    async def _latest(self) -> tuple[Face, str]:
        runs = await self.list()
        if not runs:
            raise NotFound("there is no incident; start one with `watchfloor start` or see `watchfloor demo`")
        latest = next((run for run in runs if run.closed_at is None), runs[0])
        return self.faces[latest.region], latest.incident

    async def list(self) -> list[RunSummary]:
        """The incidents of all regions in reach, latest first."""
        lists = await asyncio.gather(*(list_incidents(face) for face in self.faces.values()))
        runs = [run for found in lists for run in found]
        seen = await asyncio.gather(*(self.shows(self.faces[run.region], run.incident) for run in runs))
        kept = (run for run, shown in zip(runs, seen, strict=True) if shown)
        return sorted(kept, key=lambda run: run.opened_at, reverse=True)

    async def shows(self, face: Face, run: str) -> bool:
        """Whether who looks may see a run; everything where nobody in particular looks."""
        return not self.person or await may_view(face, run, self.person)


def settings_here(home: Path | None, region: str | None) -> dict[str, RegionSettings]:
    """The settings of the regions in reach.

    Raises:
        SettingsRefused: no region is named and no stack is here.
    """
    if region is not None:
        return {region: load(region, home)}
    record = read_stack(find_home(home))
    if record is None:
        raise SettingsRefused(
            f"no region is named and no stack runs in {find_home(home)}",
            expected="a running embedded stack, or a region of a configured cluster",
            fix="run `watchfloor up` in another terminal, or give --region (WATCHFLOOR_REGION)",
        )
    return {name: load(name, home) for name in sorted(record.regions)}


def at_run(
    context: typer.Context,
    region: str | None,
    run: str | None,
    say: Callable[Concatenate[Face, str, P], Coroutine[Any, Any, T]],
    /,
    *about: P.args,
    **more: P.kwargs,
) -> T:
    """Find a run in the regions in reach and say something to it: through its region's face, by its whole id.

    Raises:
        NotFound, Ambiguous: which run is meant is not clear.
        SettingsRefused, EngineUnavailable, KeysRefused, PeopleRefused.
    """

    async def go(here: Here) -> T:
        face, found = await here.locate(run)
        return await say(face, found, *about, **more)

    return with_faces(context.obj, region, go)


def with_faces(
    home: Path | None, region: str | None, work: Callable[[Here], Coroutine[Any, Any, T]], *, person: str = ""
) -> T:
    """Connect to the regions in reach and do something with them, as somebody in particular if a person is named.

    Raises:
        SettingsRefused, EngineUnavailable, KeysRefused, PeopleRefused.
    """
    settings = settings_here(home, region)
    if not structlog.is_configured():  # standard output belongs to the answer alone, also while `watch` runs for hours
        structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))

    async def run() -> T:
        faces = {name: await connect(each) for name, each in settings.items()}
        return await work(Here(faces, settings, person))

    return asyncio.run(run())


__all__ = ["Here", "settings_here", "with_faces"]
