"""One SQLite file of a store: private, write-ahead, on the disk before anything is said of it.

Writing opens the file for each transaction; reading keeps connections that nobody uses at the moment, because a
gateway looks up a session and a key at every request and opening costs many times what a look does.
"""

import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

BUSY_SECONDS = 10.0
"""How long one transaction waits for another process's, unless its store says otherwise."""
MOST_IDLE = 8
"""Connections for reading that are kept when nobody uses them; more are opened and closed as they are needed."""

_CREATING = threading.Lock()
"""Closing a file lets go of every lock that this process has on it: nobody connects while another thread makes it."""

_Identity = tuple[int, int]
_Idle = list[tuple[_Identity, sqlite3.Connection]]


class SqliteFile:
    """A file that several processes and threads may use at once.

    Durable: whatever a transaction wrote, when its block is left. A block that raises has written nothing. Who reads
    waits for no writer and holds none up.
    """

    def __init__(
        self,
        path: Path,
        tables: Sequence[str],
        version: int,
        unavailable: Callable[[str], Exception],
        *,
        busy_seconds: float = BUSY_SECONDS,
        folder_mode: int | None = None,
        disposable: bool = False,
    ) -> None:
        """Describe it; nothing is opened yet.

        Args:
            tables: `CREATE … IF NOT EXISTS` statements; run when the file is new or of an earlier version.
            version: of these tables, counted up when a statement is added. A file of a later version has all that
                these tables have, and is used as it is.
            unavailable: makes the store's own error from a sentence about what went wrong.
            busy_seconds: how long a transaction waits for another process's.
            folder_mode: permissions that its folder is given at every transaction.
            disposable: what another version wrote means nothing: the next transaction empties such a file, and until
                then it reads as an empty one.
        """
        self.path = path
        self._tables = tuple(tables)
        self._version = version
        self._unavailable = unavailable
        self._busy_seconds = busy_seconds
        self._folder_mode = folder_mode
        self._disposable = disposable
        self._idle: _Idle = []
        weakref.finalize(self, _close_all, self._idle)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction; the lock is taken at its start.

        Raises:
            Exception: what `unavailable` makes; nothing was written.
        """
        with self._translated(), closing(self._open()) as database:
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

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The file as it stands at one moment, without the lock that writers take; writing is refused.

        A file that is not there reads as an empty one and is not made. One of an earlier version is brought to this
        one first, unless it is disposable.

        Raises:
            Exception: what `unavailable` makes; nobody knows what is in it.
        """
        with self._translated():
            identity, database = self._reader()
            try:
                yield database
            finally:
                self._give_back(identity, database)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self._unavailable(f"{self.path} cannot be used: {error}") from error

    # -- writing ----------------------------------------------------------------------------------------------------

    def _open(self) -> sqlite3.Connection:
        """The file, made or brought to this version where that is needed."""
        folder = self.path.parent
        folder.mkdir(mode=self._folder_mode or 0o777, parents=True, exist_ok=True)
        if self._folder_mode is not None:
            folder.chmod(self._folder_mode)
        with _CREATING:
            self.path.touch(mode=0o600)
        database = sqlite3.connect(self.path, timeout=self._busy_seconds, isolation_level=None)
        try:
            if not self._fits(database):
                self._prepare(database)
        except BaseException:
            database.close()
            raise
        return database

    def _fits(self, database: sqlite3.Connection) -> bool:
        """Whether these tables are in it."""
        found = int(database.execute("PRAGMA user_version").fetchone()[0])
        return found == self._version or (found > self._version and not self._disposable)

    def _prepare(self, database: sqlite3.Connection) -> None:
        """A new file, or one of another version, perhaps by several processes at once: the lock first, because
        entering the write-ahead log does not wait for a busy file."""
        database.execute("BEGIN EXCLUSIVE")
        # another process may have been faster; what it has written since is not emptied
        if not self._fits(database):
            if self._disposable:
                _empty(database)
            self._make_tables(database)
            database.execute(f"PRAGMA user_version = {self._version}")
        database.execute("COMMIT")
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            return  # another process is at it; either journal is durable, and the next to open a new file need not ask

    def _make_tables(self, database: sqlite3.Connection) -> None:
        for table in self._tables:
            database.execute(table)

    # -- reading ----------------------------------------------------------------------------------------------------

    def _reader(self) -> tuple[_Identity | None, sqlite3.Connection]:
        """A connection in a transaction that has begun to read; without an identity when it is of no file."""
        while (identity := self._identity()) is not None:
            database = self._connect(identity)
            try:
                database.execute("BEGIN")
                if self._fits(database):
                    return identity, database
            except BaseException:
                database.close()
                raise
            database.close()
            if self._disposable:
                break
            with closing(self._open()):
                pass
        empty = sqlite3.connect(":memory:", isolation_level=None)
        self._make_tables(empty)
        empty.execute("PRAGMA query_only = ON")
        empty.execute("BEGIN")
        return None, empty

    def _identity(self) -> _Identity | None:
        """Which file stands at the path now: one that was put in another's place is not read through the old one."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _connect(self, identity: _Identity) -> sqlite3.Connection:
        while True:
            try:
                known, database = self._idle.pop()
            except IndexError:
                break
            if known == identity:
                return database
            database.close()
        database = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=self._busy_seconds,
            isolation_level=None,
            check_same_thread=False,
        )
        database.execute("PRAGMA query_only = ON")
        return database

    def _give_back(self, identity: _Identity | None, database: sqlite3.Connection) -> None:
        try:
            database.execute("ROLLBACK")
        except sqlite3.Error:
            identity = None
        if identity is None or len(self._idle) >= MOST_IDLE:
            database.close()
        else:
            self._idle.append((identity, database))


def _empty(database: sqlite3.Connection) -> None:
    named = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
    for (table,) in database.execute(named).fetchall():
        database.execute(f'DROP TABLE "{table}"')


def _close_all(idle: _Idle) -> None:
    for _, database in idle:
        database.close()
    idle.clear()
