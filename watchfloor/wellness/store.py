"""The wellness file of a region: SQLite, in a folder that only the owner of the process may enter.

Names nobody's incident: a task is a hash of where it stood. Instants are seconds since 1970. Several processes may use
it at once; what is judged and what is written stand in one transaction.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

BUSY_SECONDS = 10.0
KEPT_SECONDS = 400 * 86400.0
"""How long rows of exposure are kept; then they are forgotten."""

_TABLES = """
CREATE TABLE IF NOT EXISTS consents (
  person TEXT NOT NULL, class TEXT NOT NULL, since REAL NOT NULL, PRIMARY KEY (person, class)) STRICT;
CREATE TABLE IF NOT EXISTS exposures (
  person TEXT NOT NULL, class TEXT NOT NULL, task TEXT NOT NULL, began REAL NOT NULL,
  until REAL NOT NULL, ended REAL, PRIMARY KEY (person, task, began)) STRICT;
CREATE TABLE IF NOT EXISTS caps (
  person TEXT NOT NULL, class TEXT NOT NULL, seconds REAL NOT NULL, set_by TEXT NOT NULL, set_at REAL NOT NULL,
  PRIMARY KEY (person, class)) STRICT;
CREATE TABLE IF NOT EXISTS rests (
  person TEXT PRIMARY KEY, until REAL NOT NULL, during TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS follow_ups (
  id TEXT PRIMARY KEY, person TEXT NOT NULL, kind TEXT NOT NULL, due REAL NOT NULL, opened REAL NOT NULL,
  told REAL, done REAL, done_by TEXT) STRICT;
CREATE TABLE IF NOT EXISTS pressed (person TEXT PRIMARY KEY, way TEXT NOT NULL, methods TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS opted_out (person TEXT PRIMARY KEY, since REAL NOT NULL) STRICT;
"""


class WellnessUnavailable(Exception):
    """Nothing was written: the disk is full, the file is locked or damaged."""


class WellnessStore:
    """The file, opened for each use."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """One transaction that nobody else writes beside.

        Raises:
            WellnessUnavailable: nothing of it was written.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.parent.chmod(0o700)
            self.path.touch(mode=0o600)
            with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)) as database:
                database.execute("PRAGMA synchronous = FULL")
                database.execute("BEGIN IMMEDIATE")
                try:
                    for statement in _TABLES.split(";\n"):
                        if statement.strip():
                            database.execute(statement)
                    yield database
                    database.execute("COMMIT")
                except BaseException:
                    # a failed COMMIT (disk full) may have rolled back already
                    if database.in_transaction:
                        database.execute("ROLLBACK")
                    raise
        except (sqlite3.Error, OSError) as error:
            raise WellnessUnavailable(f"the wellness file {self.path} cannot be used: {error}") from error
