"""The kill switches, read again whenever the bindings file changes: no restart stands between a person and a stop."""

from collections.abc import Callable
from pathlib import Path

import structlog

from watchfloor.connections.bindings import Bindings
from watchfloor.connections.loading import BindingsRefused

log = structlog.get_logger(__name__)


class Switches:
    """Whether an action may be sent, as the file says now.

    Only `enabled` is taken from a changed file; everything else holds until the worker starts again. A file that
    cannot be read any more changes nothing, and the log says so once.
    """

    def __init__(self, path: Path, document: Bindings, read: Callable[[], Bindings]) -> None:
        """Begin with what was read.

        Args:
            path: the bindings file.
            document: what it held when it was read.
            read: reads it again; raises `BindingsRefused`.
        """
        self._path = path
        self._read = read
        self._mark = self._look()
        self._on = _switches_in(document)

    def enabled(self, action: str) -> bool:
        """Whether the action is switched on; an action that is no longer in the file is off."""
        mark = self._look()
        if mark != self._mark:
            self._mark = mark
            try:
                self._on = _switches_in(self._read())
            except BindingsRefused as error:
                log.error("bindings file not taken", path=str(self._path), problems=len(error.problems))
            else:
                off = sorted(name for name, on in self._on.items() if not on)
                log.info("kill switches read", path=str(self._path), switched_off=off)
        return self._on.get(action, False)

    def _look(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (found.st_mtime_ns, found.st_size, found.st_ino)


def _switches_in(document: Bindings) -> dict[str, bool]:
    return {name: binding.enabled for name, binding in document.actions.items()}
