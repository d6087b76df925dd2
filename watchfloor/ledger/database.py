"""The SQLite file under the ledger: opening it safely, bringing its schema up to date."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from watchfloor.ledger.port import LedgerUnavailable

BUSY_MS = 10_000
"""How long a writer waits for another process's transaction before it gives up."""


def connect(path: Path) -> sqlite3.Connection:
    """Open (and make, mode 0600) the file: write-ahead log, every commit on the disk before it is acknowledged.

    Raises:
        LedgerUnavailable: it cannot be opened, is damaged, or was made by a newer version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
        _enter_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        _migrate(connection, path)
    except (sqlite3.Error, OSError) as error:
        raise LedgerUnavailable(f"the ledger {path} cannot be opened: {error}") from error
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One write transaction; taking the lock at its start keeps two writers from reading the same head.

    Raises:
        LedgerUnavailable: nothing of it was written.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            # a failed COMMIT (disk full) may have rolled back already
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        raise LedgerUnavailable(f"the ledger took nothing ({name}): {error}") from error


def _enter_wal(connection: sqlite3.Connection) -> None:
    """Several processes may open a new file at once, and SQLite's busy handler does not cover this one pragma."""
    until = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    files = sorted(
        (item for item in resources.files("watchfloor.ledger.migrations").iterdir() if item.name.endswith(".sql")),
        key=lambda item: item.name,
    )
    known = int(files[-1].name[:4])
    if _version(connection) == known:
        return
    with transaction(connection):
        version = _version(connection)
        if version > known:
            raise LedgerUnavailable(
                f"the ledger {path} has schema {version}, this program knows up to {known}; use the newer program"
            )
        for file in files:
            number = int(file.name[:4])
            if number > version:
                for statement in _statements(file.read_text()):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """Split a script; `executescript` would commit the transaction that the migration needs."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if statement.strip() and sqlite3.complete_statement(statement):
            yield statement
            statement = ""
