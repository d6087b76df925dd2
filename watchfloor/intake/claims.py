"""The claims of a region: one row for each order that was ever taken, in one SQLite file beside the ledger.

    claimed ──> started ──> closed      the run ended itself
                        └─> lost        it was ended from outside

A claim is on the disk before its run is started. One without a run (the process was killed between the two) stands in
nobody's way: the same order sent again starts it. Rows hold keyed hashes, never a key or an input. Safe with several
processes at once; a region whose faces are on several machines needs the file where all of them reach it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, cast

from watchfloor.signing import render_instant

KEPT_FOR = timedelta(days=730)
"""How long a claim is kept at least after anything was last heard of its run."""
BUSY_SECONDS = 10.0

_TABLE = """
CREATE TABLE IF NOT EXISTS claims (
  incident TEXT PRIMARY KEY,
  content TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('claimed', 'started', 'closed', 'lost')),
  looked_at TEXT NOT NULL,
  kept_until TEXT NOT NULL
) STRICT
"""

State = Literal["claimed", "started", "closed", "lost"]


class ClaimsUnavailable(Exception):
    """Nothing was claimed: the disk is full, the file is locked or damaged."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One order: the id its run has or will have, a keyed hash of what it asked for, what is known of the run."""

    incident: str
    content: str
    state: State


class Claims:
    """The file of one region."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self, incident: str, content: str, *, now: datetime | None = None) -> Claim:
        """Claim an order; the claim that stands, this one or an earlier one, is on the disk when this returns.

        Raises:
            ClaimsUnavailable: nothing was claimed, so nothing may be started.
        """
        now = now or datetime.now(UTC)
        with self._open() as database:
            found = _find(database, incident)
            if found is None:
                database.execute(
                    "INSERT OR IGNORE INTO claims (incident, content, state, looked_at, kept_until)"
                    " VALUES (?, ?, 'claimed', ?, ?)",
                    (incident, content, render_instant(now), render_instant(now + KEPT_FOR)),
                )
                found = _find(database, incident)
        assert found is not None
        return found

    def note(self, incident: str, state: State, *, content: str | None = None, now: datetime | None = None) -> None:
        """Write down what the engine says of a claim's run. What had ended stays so.

        Args:
            content: of the order that really started it, when that may be another than the one that claimed.

        Raises:
            ClaimsUnavailable: nothing was written; the claim is as before.
        """
        now = now or datetime.now(UTC)
        with self._open() as database:
            database.execute(
                "UPDATE claims SET content = coalesce(?, content), looked_at = ?, kept_until = ?,"
                " state = CASE WHEN state IN ('closed', 'lost') THEN state ELSE ? END WHERE incident = ?",
                (content, render_instant(now), render_instant(now + KEPT_FOR), state, incident),
            )

    def unsettled(self, *, before: datetime, limit: int = 200) -> list[Claim]:
        """Claims whose run is not known to have ended, not looked at since, the longest ago first."""
        with self._open() as database:
            rows = database.execute(
                "SELECT incident, content, state FROM claims WHERE state IN ('claimed', 'started') AND looked_at < ?"
                " ORDER BY looked_at, incident LIMIT ?",
                (render_instant(before), limit),
            ).fetchall()
        return [Claim(*row) for row in rows]

    def looked(self, incident: str, *, now: datetime) -> None:
        """Write down that the engine was asked and knew nothing; the time it is kept for runs on."""
        with self._open() as database:
            database.execute("UPDATE claims SET looked_at = ? WHERE incident = ?", (render_instant(now), incident))

    def forget(self, *, now: datetime) -> int:
        """Drop claims whose time is over, but never one whose run may still be open; gives how many."""
        with self._open() as database:
            over = database.execute(
                "DELETE FROM claims WHERE kept_until < ? AND state != 'started'", (render_instant(now),)
            )
            return over.rowcount

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
            with closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)) as database:
                if database.execute("PRAGMA user_version").fetchone() != (1,):
                    _prepare(database)
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
            raise ClaimsUnavailable(f"the claims {self._path} cannot be used: {error}; nothing was started") from error


def _prepare(database: sqlite3.Connection) -> None:
    """A new file, perhaps by several processes at once: the lock first, because entering the write-ahead log does not
    wait for a busy file."""
    database.execute("BEGIN EXCLUSIVE")
    database.execute(_TABLE)
    database.execute("PRAGMA user_version = 1")
    database.execute("COMMIT")
    try:
        database.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError:
        return  # another process is at it; either journal is durable, and the next to open a new file need not ask


def _find(database: sqlite3.Connection, incident: str) -> Claim | None:
    row = database.execute("SELECT incident, content, state FROM claims WHERE incident = ?", (incident,)).fetchone()
    return Claim(row[0], row[1], cast(State, row[2])) if row else None
