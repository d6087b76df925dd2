"""Watchfloor's top-level packages have plain names (`workflows`, `schemas`); another package of that name must not be
taken for them."""

import importlib.util
from pathlib import Path

from watchfloor.runtime.refusal import WorkerRefused

ROOT = Path(__file__).resolve().parents[2]
OWN = ("schemas", "workflows", "activities", "watchfloor")


def find_shadowed(root: Path = ROOT, names: tuple[str, ...] = OWN) -> dict[str, str]:
    """Those of our packages that Python would take from somewhere else, and from where."""
    wrong: dict[str, str] = {}
    for name in names:
        spec = importlib.util.find_spec(name)
        if spec is None:
            wrong[name] = "nowhere"
        elif spec.origin is None or not Path(spec.origin).resolve().is_relative_to(root / name):
            wrong[name] = spec.origin or ", ".join(spec.submodule_search_locations or ())
    return wrong


def require_own_packages() -> None:
    """Check before anything of them is used.

    Raises:
        WorkerRefused: another package shadows one of ours.
    """
    wrong = find_shadowed()
    if wrong:
        places = "; ".join(f"`{name}` from {place}" for name, place in wrong.items())
        raise WorkerRefused(
            f"Python takes {places}",
            expected=f"Watchfloor's own packages in {ROOT}",
            fix="run in Watchfloor's own environment, from a directory that holds no package of that name, and without "
            "PYTHONPATH",
        )
