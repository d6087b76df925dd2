"""The wellness file of a region: SQLite, in a folder that only the owner of the process may enter.

Names nobody's incident: a task is a hash of where it stood. Instants are seconds since 1970. Several processes may use
it at once; what is judged and what is written stand in one transaction.
"""

from pathlib import Path

from watchfloor.storage import SqliteFile

KEPT_SECONDS = 400 * 86400.0
"""How long rows of exposure are kept; then they are forgotten."""

_VERSION = 2
_TABLES = (
    """
CREATE TABLE IF NOT EXISTS consents (
  person TEXT NOT NULL, class TEXT NOT NULL, since REAL NOT NULL, PRIMARY KEY (person, class)) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS exposures (
  person TEXT NOT NULL, class TEXT NOT NULL, task TEXT NOT NULL, began REAL NOT NULL,
  until REAL NOT NULL, ended REAL, PRIMARY KEY (person, task, began)) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS caps (
  person TEXT NOT NULL, class TEXT NOT NULL, seconds REAL NOT NULL, set_by TEXT NOT NULL, set_at REAL NOT NULL,
  PRIMARY KEY (person, class)) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS rests (
  person TEXT PRIMARY KEY, until REAL NOT NULL, during TEXT NOT NULL) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS follow_ups (
  id TEXT PRIMARY KEY, person TEXT NOT NULL, kind TEXT NOT NULL, due REAL NOT NULL, opened REAL NOT NULL,
  told REAL, done REAL, done_by TEXT) STRICT
""",
    "CREATE TABLE IF NOT EXISTS pressed (person TEXT PRIMARY KEY, way TEXT NOT NULL, methods TEXT NOT NULL) STRICT",
    # who somebody was by the groups of that sign-in, where no directory may know them; gone when all is handed back
    "CREATE TABLE IF NOT EXISTS pressed_who (person TEXT PRIMARY KEY, who TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS opted_out (person TEXT PRIMARY KEY, since REAL NOT NULL) STRICT",
)


class WellnessUnavailable(Exception):
    """Nothing was written: the disk is full, the file is locked or damaged."""


class WellnessStore(SqliteFile):
    """The file. Its transactions raise `WellnessUnavailable` where nothing could be read or written."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _TABLES, _VERSION, _unavailable, folder_mode=0o700)


def _unavailable(what: str) -> WellnessUnavailable:
    return WellnessUnavailable(f"the wellness file {what}")
