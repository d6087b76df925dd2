"""One SQLite file, opened for each transaction: private, write-ahead, on the disk before anything is said of it."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

BUSY_SECONDS = 10.0
"""How long one transaction waits for another process's."""


class SqliteFile:
    """A file that several processes may use at once. Nothing is held open between two transactions.

    Durable: whatever a transaction wrote, when its block is left. A block that raises has written nothing.
    """

    def __init__(
        self, path: Path, tables: Sequence[str], version: int, unavailable: Callable[[str], Exception]
    ) -> None:
        """Describe it; nothing is opened yet.

        Args:
            tables: `CREATE … IF NOT EXISTS` statements; run when the file is new or of an earlier version.
            version: of these tables, counted up when a statement is added.
            unavailable: makes the store's own error from a sentence about what went wrong.
        """
        self.path = path
        self._tables = tuple(tables)
        self._version = version
        self._unavailable = unavailable

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction; the lock is taken at its start.

        Raises:
            Exception: what `unavailable` makes; nothing was written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
            with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)) as database:
                if database.execute("PRAGMA user_version").fetchone() != (self._version,):
                    self._prepare(database)
                database.execute("PRAGMA synchronous = FULL")
                database.execute("BEGIN IMMEDIATE")
                try:
                    yield database
                    database.execute("COMMIT")
                except BaseException:
                    # a failed COMMIT (disk full) may have rolled back already
                    if database.in_transaction:
                        database.execute("ROLLBACK")
                    raise
        except (sqlite3.Error, OSError) as error:
            raise self._unavailable(f"{self.path} cannot be used: {error}") from error

    def _prepare(self, database: sqlite3.Connection) -> None:
        """A new file, or one of an earlier version, perhaps by several processes at once: the lock first, because
        entering the write-ahead log does not wait for a busy file."""
        database.execute("BEGIN EXCLUSIVE")
        for table in self._tables:
            database.execute(table)
        database.execute(f"PRAGMA user_version = {self._version}")
        database.execute("COMMIT")
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            return  # another process is at it; either journal is durable, and the next to open a new file need not ask
