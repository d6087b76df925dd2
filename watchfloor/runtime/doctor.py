"""`watchfloor doctor`: what is wrong with this installation, this home, this engine, and how to put it right.

Every check looks at one thing and never raises; none changes anything.
"""

import asyncio
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from watchfloor.runtime.refusal import Refused
from watchfloor.runtime.settings import find_home

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `fix` is empty when there is nothing to do."""

    name: str
    level: Level
    found: str
    expected: str = ""
    fix: str = ""


def run(home: Path | None = None, *, environ: dict[str, str] | None = None) -> list[Check]:
    """Check everything, in the order in which to fix it.

    Args:
        home: the home directory; see `settings.find_home`.
        environ: stands for the process's environment.
    """
    from watchfloor.runtime import doctor_engine, doctor_home, doctor_machine

    place = find_home(home, environ=environ)
    checks = list(guard("machine", doctor_machine.look))
    checks += guard("home", lambda: doctor_home.look(place))
    checks += guard("engine", lambda: asyncio.run(doctor_engine.look(place, environ)))
    return checks


def guard(name: str, look: Callable[[], Iterable[Check]]) -> list[Check]:
    """Run a group of checks; a refusal that comes out of it is a finding like any other."""
    try:
        return list(look())
    except Refused as refusal:
        return [Check(name, "fail", refusal.found, refusal.expected, refusal.fix)]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def now() -> datetime:
    return datetime.now(UTC)
