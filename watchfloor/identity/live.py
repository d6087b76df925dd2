"""Files that are read again when they change on disk, so that a new person or rota needs no restart.

A file is looked at when it is used, never in the background. A new version that does not hold is refused: the last one
that did stays in use, `trouble` says what is wrong with the new one, and it is said once in the log.
"""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from watchfloor.identity.located import PeopleRefused
from watchfloor.identity.people import Directory, Person, load_people
from watchfloor.identity.rota_file import load_rotas
from watchfloor.identity.rotas import NO_ROTAS, Rotas

T = TypeVar("T")
Mark = tuple[int, int, int] | None

log = structlog.get_logger("watchfloor.identity")


class LiveFile(Generic[T]):
    """The content of a file as it is now, or as it last was when it could be used.

    Args:
        path: the file.
        read: gives its content.
        absent: what a file that is not there stands for; without it, a missing file is refused like a broken one.
    """

    def __init__(self, path: Path, read: Callable[[Path], T], *, absent: T | None = None) -> None:
        self._path, self._read, self._absent = path, read, absent
        self._lock = threading.Lock()
        self._mark: Mark = self._look()
        self._content = self._load()
        self.trouble = ""
        """Why the newest version is not in use, one line for each fault; empty when it is."""

    def now(self) -> T:
        """The content, read again if the file has changed since it was last looked at."""
        with self._lock:
            mark = self._look()
            if mark != self._mark:
                self._mark = mark
                self._reload()
            return self._content

    def _reload(self) -> None:
        try:
            self._content = self._load()
        except PeopleRefused as error:
            self.trouble = str(error)
            first = self.trouble.splitlines()[0]
            log.warning("file refused, the last good one stays in use", file=self._path.name, found=first)
        else:
            self.trouble = ""
            log.info("file read again", file=self._path.name)

    def _load(self) -> T:
        if self._mark is None and self._absent is not None:
            return self._absent
        return self._read(self._path)

    def _look(self) -> Mark:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        except OSError:
            return (0, 0, 0)
        return (found.st_mtime_ns, found.st_size, found.st_ino)


class LiveDirectory(Directory):
    """The directory of people of one region, as its file is now.

    Args:
        path: `people.yaml`.
        region: keep only the people of this region.

    Raises:
        PeopleRefused: the file cannot be used at the start.
    """

    def __init__(self, path: Path, region: str) -> None:
        self._check: Callable[[Directory], None] = _accept
        self._region = region
        self._file = LiveFile(path, self._read)

    def require(self, check: Callable[[Directory], None]) -> None:
        """From now on use a new version only if this does not raise `PeopleRefused`."""
        self._check = check

    @property
    def people(self) -> Mapping[str, Person]:
        return self._file.now().people

    @property
    def compartments(self) -> tuple[str, ...]:
        return self._file.now().compartments

    @property
    def trouble(self) -> str:
        """Why the newest version of the file is not in use; empty when it is."""
        return self._file.trouble

    def _read(self, file: Path) -> Directory:
        found = load_people(file, region=self._region)
        self._check(found)
        return found


def _accept(_people: Directory) -> None:
    """Every directory that loads."""


def known_rotas(path: Path, region: str) -> Callable[[], Rotas]:
    """The rotas of one region for who can do without them: read when first asked for, none while the file is broken."""
    opened: list[LiveFile[Rotas]] = []

    def now() -> Rotas:
        try:
            if not opened:
                opened.append(live_rotas(path, region))
            return opened[0].now()
        except PeopleRefused as error:
            log.warning("no rota is known", file=path.name, found=str(error).splitlines()[0])
            return NO_ROTAS

    return now


def live_rotas(path: Path, region: str) -> LiveFile[Rotas]:
    """The rotas of one region; a file that is not there has none.

    Raises:
        PeopleRefused: the file cannot be used at the start.
    """
    return LiveFile(path, lambda file: load_rotas(file, region=region), absent=NO_ROTAS)
