"""Where runbooks come from: the shipped library by id, or a file by path; compiled the same way everywhere."""

import difflib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import runbooks
from schemas.plan import Plan
from schemas.register import RegisterRow
from watchfloor.client.errors import NotFound, RunbookRefused

if TYPE_CHECKING:
    from watchfloor.language import Compiled

MAX_RUNBOOK = 256 * 1024
"""Bytes read of a runbook file; the compiler refuses what is larger, so one byte more is enough to see it."""


def library_folder() -> Path:
    """The folder of the shipped runbooks."""
    return Path(runbooks.__file__).resolve().parent


def library_ids() -> list[str]:
    """Ids of the shipped runbooks, sorted."""
    return sorted(path.parent.name for path in library_folder().glob("*/runbook.yaml"))


def find_runbook(name: str) -> Path:
    """The file of a runbook named by library id, by its folder, or by path.

    Raises:
        NotFound: none of these; with the nearest id of the library.
    """
    shipped = library_folder() / name / "runbook.yaml"
    if name.replace("-", "").isalnum() and _is_file(shipped):
        return shipped
    path = Path(name)
    if _is_file(path):
        return path
    if _is_file(path / "runbook.yaml"):
        return path / "runbook.yaml"
    near = difflib.get_close_matches(name[:80], library_ids(), n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"the library has: {', '.join(library_ids()) or 'nothing'}"
    raise NotFound(f"no runbook `{name[:80]}`: expected an id of the library or a path to a YAML file; {hint}")


def _is_file(path: Path) -> bool:
    """`Path.is_file`, which raises on a name too long to be one."""
    try:
        return path.is_file()
    except OSError:
        return False


class Shelf(Mapping[str, tuple[str, bytes]]):
    """The runbooks that a `run` step may start: those beside a runbook's own folder, then the shipped library.

    Nothing is read but what is asked for.
    """

    def __init__(self, beside: Path) -> None:
        self._folders = [beside, library_folder()]

    def __getitem__(self, name: str) -> tuple[str, bytes]:
        from watchfloor.language.reading import RUNBOOK_ID

        # a name is joined to a folder: `..`, `/` and the like are no names of runbooks
        if not RUNBOOK_ID.match(name):
            raise KeyError(name)
        for folder in self._folders:
            path = folder / name / "runbook.yaml"
            if path.is_file():
                with path.open("rb") as file:
                    return str(path), file.read(MAX_RUNBOOK + 1)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter({path.parent.name: None for folder in self._folders for path in folder.glob("*/runbook.yaml")})

    def __len__(self) -> int:
        return sum(1 for _ in self)


@cache
def clock_register() -> dict[str, RegisterRow]:
    """The shipped clock register."""
    from watchfloor.language import load_register

    return load_register(library_folder() / "clocks.yaml")


def compile_runbook(path: Path, *, shown_as: str | None = None) -> "Compiled":
    """Compile one runbook file against the shipped catalogue and register.

    Args:
        path: the file.
        shown_as: what findings call it; the path as given by default.

    Raises:
        NotFound: the file cannot be read.
    """
    if path.exists() and not path.is_file():
        # a pipe or a device might never end
        raise NotFound(f"cannot read `{path}`: no regular file was found there; expected a YAML file; check the path")
    try:
        with path.open("rb") as file:
            text = file.read(MAX_RUNBOOK + 1)
    except OSError as error:
        raise NotFound(f"cannot read `{path}`: {error.strerror}; check the path") from error
    return compile_source(text, shown_as=shown_as or str(path), beside=path.resolve().parent.parent)


def compile_source(text: str | bytes, *, shown_as: str, beside: Path | None = None) -> "Compiled":
    """Compile a runbook's text, wherever it comes from, against the shipped catalogue and register.

    Args:
        text: the runbook; bytes are better, so that encoding is checked.
        shown_as: what findings call it.
        beside: the folder that holds this runbook's own; `run` steps find others there, else in the shipped library.
    """
    from activities.catalog import CATALOG
    from watchfloor.identity.roles import ROLES
    from watchfloor.language import compile_text

    shelf = Shelf(beside or library_folder())
    return compile_text(text, path=shown_as, catalog=CATALOG, register=clock_register(), roles=ROLES, library=shelf)


def plan_for_start(name: str) -> tuple[Plan, str]:
    """The plan and digest of a runbook that is to be run.

    Raises:
        NotFound: no such runbook.
        RunbookRefused: it has errors; all findings are attached.
    """
    path = find_runbook(name)
    compiled = compile_runbook(path)
    if compiled.plan is None:
        raise RunbookRefused(str(path), compiled.findings)
    return compiled.plan, compiled.digest
