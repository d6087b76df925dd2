"""The case index: what every incident of a region last said about itself, ready for lists and boards.

Derived from the runs and the ledger and nothing else: it may be deleted at any time and is then made again. Each change
of a case takes the next revision of the index, so that a reader who has seen one revision is told exactly what came
after it.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from schemas.incident import Board
from watchfloor.signing import digest

BUSY_SECONDS = 5.0
FORMAT = 2
PAGE = 200

_SCHEMA = """
CREATE TABLE IF NOT EXISTS cases (
  incident TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  runbook TEXT NOT NULL,
  severity TEXT NOT NULL,
  state TEXT NOT NULL,
  compartment TEXT NOT NULL,
  opened_at TEXT NOT NULL,
  seq INTEGER NOT NULL,
  mark TEXT NOT NULL,
  revision INTEGER NOT NULL UNIQUE,
  board BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS cases_by_opening ON cases (opened_at DESC, incident);
"""


class IndexUnavailable(Exception):
    """The index cannot be read or written; runs and ledger are not concerned."""


@dataclass(frozen=True, slots=True)
class Case:
    """One incident, or a process that it started, as it was last seen.

    `incident` is its own id, `kind` as on its board; `seq` the place in its ledger up to which the board is known.
    """

    incident: str
    kind: str
    runbook: str
    severity: str
    state: str
    compartment: str
    opened_at: str
    seq: int
    revision: int
    board: Board


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list goes on: after this incident, opened at this instant."""

    opened_at: str
    incident: str


class CaseIndex:
    """The index of one region in a SQLite file. Safe with several threads; one process writes."""

    def __init__(self, path: Path) -> None:
        """Open or make it; one of another format is made anew.

        Raises:
            IndexUnavailable: the file cannot be opened.
        """
        self._path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            self._database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            if self._database.execute("PRAGMA user_version").fetchone() != (FORMAT,):
                self._database.execute("DROP TABLE IF EXISTS cases")
            self._database.executescript(_SCHEMA)
            self._database.execute(f"PRAGMA user_version = {FORMAT}")
        except (sqlite3.Error, OSError) as error:
            raise IndexUnavailable(f"the case index {path} cannot be opened: {error}; it may be deleted") from error

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def put(self, board: Board, seq: int) -> int | None:
        """Keep what a run says now; gives the new revision, None when nothing of it has changed."""
        said = {name: value for name, value in board.items() if name not in {"now", "history_events"}}
        mark = digest(cast(Any, said))
        with self._transaction() as database:
            before = database.execute("SELECT mark, seq FROM cases WHERE incident = ?", (board["workflow"],)).fetchone()
            if before is not None and before[0] == mark:
                if seq > before[1]:
                    database.execute("UPDATE cases SET seq = ? WHERE incident = ?", (seq, board["workflow"]))
                return None
            (last,) = database.execute("SELECT coalesce(max(revision), 0) FROM cases").fetchone()
            database.execute(
                "INSERT OR REPLACE INTO cases (incident, kind, runbook, severity, state, compartment, opened_at, seq,"
                " mark, revision, board) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    board["workflow"],
                    board["kind"],
                    board["runbook"],
                    board["severity"],
                    board["state"],
                    str(cast(Mapping[str, Any], board).get("compartment", "")),
                    board["opened_at"],
                    seq,
                    mark,
                    last + 1,
                    json.dumps(board, separators=(",", ":")).encode(),
                ),
            )
            return int(last) + 1

    def get(self, incident: str) -> Case | None:
        found = self._read("SELECT * FROM cases WHERE incident = ?", incident)
        return found[0] if found else None

    def page(
        self,
        *,
        kinds: tuple[str, ...] = ("incident",),
        states: tuple[str, ...] = (),
        severities: tuple[str, ...] = (),
        runbook: str = "",
        after: Place | None = None,
        limit: int = PAGE,
    ) -> list[Case]:
        """Cases, latest opened first, from a place on; incidents alone unless other kinds are asked for."""
        where, values = ["1"], list[object]()
        for column, wanted in (
            ("kind", kinds),
            ("state", states),
            ("severity", severities),
            ("runbook", (runbook,) if runbook else ()),
        ):
            if wanted:
                where.append(f"{column} IN ({', '.join('?' * len(wanted))})")
                values.extend(wanted)
        if after is not None:
            where.append("(opened_at < ? OR (opened_at = ? AND incident > ?))")
            values += [after.opened_at, after.opened_at, after.incident]
        # only column names of this module and question marks are put together
        statement = f"SELECT * FROM cases WHERE {' AND '.join(where)} ORDER BY opened_at DESC, incident LIMIT ?"  # noqa: S608
        return self._read(statement, *values, limit)

    def since(self, revision: int, *, limit: int = PAGE) -> list[Case]:
        """What changed after a revision, in the order in which it did."""
        return self._read("SELECT * FROM cases WHERE revision > ? ORDER BY revision LIMIT ?", revision, limit)

    def revision(self) -> int:
        """The last revision given."""
        found = self._read("SELECT * FROM cases ORDER BY revision DESC LIMIT 1")
        return found[0].revision if found else 0

    def heads(self) -> dict[str, int]:
        """Incident -> place in its ledger up to which it is known here."""
        with self._lock:
            try:
                return dict(self._database.execute("SELECT incident, seq FROM cases").fetchall())
            except sqlite3.Error as error:
                raise IndexUnavailable(f"the case index {self._path} cannot be read: {error}") from error

    def _read(self, statement: str, *values: object) -> list[Case]:
        with self._lock:
            try:
                rows = self._database.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise IndexUnavailable(f"the case index {self._path} cannot be read: {error}") from error
        return [_case(*row) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._database.execute("BEGIN IMMEDIATE")
                try:
                    yield self._database
                    self._database.execute("COMMIT")
                except BaseException:
                    if self._database.in_transaction:
                        self._database.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise IndexUnavailable(f"the case index {self._path} cannot be written: {error}") from error


def _case(
    incident: str,
    kind: str,
    runbook: str,
    severity: str,
    state: str,
    compartment: str,
    opened_at: str,
    seq: int,
    mark: str,
    revision: int,
    board: bytes,
) -> Case:
    return Case(
        incident, kind, runbook, severity, state, compartment, opened_at, seq, revision, cast(Board, json.loads(board))
    )
