"""Reads a part of the bindings again when the file, or a secret's file, has changed: no restart for a new subscription.

What is refused is not used: what was read before stays in use, the log says what is wrong, and so does a small file in
the region's folder, which the console and the command line show until the bindings can be used again.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from watchfloor.connections.bindings import Secret
from watchfloor.connections.loading import BindingsRefused
from watchfloor.gateway.senders.proofs import SecretRefused
from watchfloor.outgoing.refusal import PartName, write_refusal
from watchfloor.runtime.settings import RegionSettings

EVERY = 2.0
"""Seconds between two looks at the files; a look costs a `stat` of each."""
SHOWN = 20
"""Problems that are kept of a refused file."""

T = TypeVar("T")
Stamp = tuple[int, int, int]
Mark = tuple[Stamp | None, ...]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What a part says, and the files beside the bindings that it came from."""

    content: T
    files: tuple[Path, ...] = ()


class Part(Generic[T]):
    """One part of the bindings of a region, as it is now or as it last was when it could be used.

    Where a region began with the shipped bindings, the operator's own are used as soon as they are there. Once they
    were, it does not go back: a file that is gone is refused like a broken one.

    Args:
        read: reads it, given the region's settings as they are then; raises `BindingsRefused` or `SecretRefused`.
    """

    def __init__(self, settings: RegionSettings, name: PartName, read: Callable[[RegionSettings], Found[T]]) -> None:
        self._settings, self._name, self._read = settings, name, read
        self._files: tuple[Path, ...] = (settings.bindings_path,)
        self._mark: Mark | None = None
        self._seen: Mark | None = None
        self._problems: tuple[str, ...] = ()
        self.content: T | None = None
        """None as long as none could ever be used."""

    def look(self) -> bool:
        """Read it if something has changed, or if it was refused; True when it was taken anew.

        What has changed is read when it is the same at the next look, so that a file that is still being written is
        not taken for a shorter one.
        """
        mark = self._look()
        if self._mark is not None and mark != self._seen:
            self._seen = mark
            return False
        if mark == self._mark and not self._problems:
            return False
        try:
            found = self._read(self._settings)
        except (BindingsRefused, SecretRefused) as refusal:
            self._mark = self._seen = mark
            self._refuse(_say(refusal))
            return False
        self._take(found, mark[0])
        return True

    def require(self) -> T:
        """What it says at the start.

        Raises:
            BindingsRefused, SecretRefused: it cannot be used.
        """
        mark = self._look()
        return self._take(self._read(self._settings), mark[0])

    async def changed(self) -> None:
        """Wait until it was taken anew."""
        while True:
            await asyncio.sleep(EVERY)
            if await asyncio.to_thread(self.look):
                log.info("bindings read again", part=self._name)
                return

    def _refuse(self, problems: tuple[str, ...]) -> None:
        if problems == self._problems:
            return
        self._problems = problems
        event = "no webhooks are sent" if self._name == "subscriptions" else "nothing is taken from other systems"
        if self.content is not None:
            event = "bindings refused, what was read before stays in use"
        log.error(event, part=self._name, found=list(problems))
        self._write(problems)

    def _take(self, found: Found[T], bindings: Stamp | None) -> T:
        self._files = (self._settings.bindings_path, *found.files)
        # the stamp from before it was read: what changed meanwhile is read once more
        self._mark = self._seen = (bindings, *map(_stat, found.files))
        self.content, self._problems = found.content, ()
        self._write(())
        return found.content

    def _write(self, problems: tuple[str, ...]) -> None:
        try:
            write_refusal(self._settings.directory, self._name, problems, datetime.now(UTC))
        except OSError as error:
            log.warning("refused bindings not written down", part=self._name, error=type(error).__name__)

    def _look(self) -> Mark:
        settings = self._settings.with_bindings()
        if settings is not self._settings:
            self._settings = settings
            self._files = (settings.bindings_path, *self._files[1:])
        return tuple(map(_stat, self._files))


def files_of(secrets: Iterable[Secret], folder: Path) -> tuple[Path, ...]:
    """The files that secrets are in."""
    return tuple(folder / one.file for one in secrets if one.file is not None)


def _stat(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def _say(refusal: BindingsRefused | SecretRefused) -> tuple[str, ...]:
    if isinstance(refusal, SecretRefused):
        return (str(refusal),)
    return tuple(f"{one.line}:{one.column}: {one.message}" for one in refusal.problems[:SHOWN])
