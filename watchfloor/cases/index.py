"""The case index: what every incident of a region last said about itself, ready for lists and boards.

Derived from the runs and the ledger and nothing else: it may be deleted at any time and is then made again. Each change
of a case takes the next revision of the index, so that a reader who has seen one revision is told exactly what came
after it.
"""

import json
import secrets
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from schemas.incident import Board
from watchfloor.signing import digest

BUSY_SECONDS = 5.0
FORMAT = 3
PAGE = 200
REMEMBERED = 16 * 1024 * 1024
"""Bytes of boards, as they are stored, that are kept read: a list of two hundred incidents is asked for by everybody
at every change, and reading JSON is most of what it costs."""

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
CREATE TABLE IF NOT EXISTS making (epoch TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS forgotten (incident TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT;
"""
_COLUMNS = ("incident", "kind", "runbook", "severity", "state", "compartment", "opened_at", "seq", "revision")


class IndexUnavailable(Exception):
    """The index cannot be read or written; runs and ledger are not concerned."""


@dataclass(frozen=True, slots=True)
class Case:
    """One incident, or a process that it started, as it was last seen. Its board is for reading: it is shared.

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
        self._read_boards: OrderedDict[str, tuple[int, int, Board]] = OrderedDict()
        self._remembered = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            self._database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            if self._database.execute("PRAGMA user_version").fetchone() != (FORMAT,):
                self._database.execute("DROP TABLE IF EXISTS cases")
                self._database.execute("DROP TABLE IF EXISTS making")
                self._database.execute("DROP TABLE IF EXISTS forgotten")
            self._database.executescript(_SCHEMA)
            self._database.execute(
                "INSERT INTO making (epoch) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM making)", (secrets.token_hex(8),)
            )
            self._database.execute(f"PRAGMA user_version = {FORMAT}")
            (self.epoch,) = self._database.execute("SELECT epoch FROM making").fetchone()
            """Which making of the index this is: its revisions mean nothing to another one."""
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

    def forget(self, incident: str, seq: int) -> None:
        """The engine has no run of this id any more: what its ledger holds up to here changes no board. The last board
        stays; only a later entry makes it worth asking again."""
        with self._transaction() as database:
            database.execute("INSERT OR REPLACE INTO forgotten (incident, seq) VALUES (?, ?)", (incident, seq))

    def get(self, incident: str, *, open_to: Collection[str] | None = None) -> Case | None:
        """One case; with `open_to` only where its compartment is among these. One that is not takes no longer to be
        found missing than one that never was."""
        where, values = ["incident = ?"], list[object]([incident])
        _only(where, values, compartment=open_to)
        found = self._read(where, values, "incident", 1)
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
        open_to: Collection[str] | None = None,
    ) -> list[Case]:
        """Cases, latest opened first, from a place on; incidents alone unless other kinds are asked for.

        Args:
            open_to: compartments that the reader is cleared for, `""` for what is in none; None reads everything.
        """
        where, values = ["1"], list[object]()
        runbooks = (runbook,) if runbook else None
        _only(where, values, kind=kinds or None, state=states or None, severity=severities or None, runbook=runbooks)
        _only(where, values, compartment=open_to)
        if after is not None:
            where.append("(opened_at < ? OR (opened_at = ? AND incident > ?))")
            values += [after.opened_at, after.opened_at, after.incident]
        return self._read(where, values, "opened_at DESC, incident", limit)

    def since(
        self,
        revision: int,
        *,
        limit: int = PAGE,
        kinds: tuple[str, ...] = (),
        incidents: Collection[str] | None = None,
        open_to: Collection[str] | None = None,
    ) -> list[Case]:
        """What changed after a revision, in the order in which it did; of every kind unless some are named."""
        where, values = ["revision > ?"], list[object]([revision])
        _only(where, values, kind=kinds or None, incident=incidents, compartment=open_to)
        return self._read(where, values, "revision", limit)

    def revision(self, *, kinds: tuple[str, ...] = (), open_to: Collection[str] | None = None) -> int:
        """The last revision given, to what a reader may see where `open_to` says so."""
        where, values = ["1"], list[object]()
        _only(where, values, kind=kinds or None, compartment=open_to)
        statement = f"SELECT coalesce(max(revision), 0) FROM cases WHERE {' AND '.join(where)}"  # noqa: S608
        return int(self._rows(statement, values)[0][0])

    def known(self, incidents: Collection[str], *, open_to: Collection[str] | None = None) -> set[str]:
        """Which of these ids are in the index, and open to a reader."""
        where, values = ["1"], list[object]()
        _only(where, values, incident=incidents, compartment=open_to)
        # only column names of this module and question marks are put together, here and below
        return {str(row[0]) for row in self._rows(f"SELECT incident FROM cases WHERE {' AND '.join(where)}", values)}  # noqa: S608

    def heads(self) -> dict[str, int]:
        """Incident -> place in its ledger up to which it is known here, or known to change nothing any more."""
        both = "SELECT incident, seq FROM cases UNION ALL SELECT incident, seq FROM forgotten"
        return dict(self._rows(f"SELECT incident, max(seq) FROM ({both}) GROUP BY incident", ()))  # noqa: S608

    def _rows(self, statement: str, values: Sequence[object]) -> list[Any]:
        with self._lock:
            try:
                return self._database.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise IndexUnavailable(f"the case index {self._path} cannot be read: {error}") from error

    def _read(self, where: list[str], values: list[object], order: str, limit: int) -> list[Case]:
        statement = f"SELECT {', '.join(_COLUMNS)} FROM cases WHERE {' AND '.join(where)} ORDER BY {order} LIMIT ?"  # noqa: S608
        rows = self._rows(statement, [*values, limit])
        boards = self._boards({row[0]: row[-1] for row in rows})
        return [Case(**dict(zip(_COLUMNS, row, strict=True)), board=boards[row[0]]) for row in rows if row[0] in boards]

    def _boards(self, wanted: Mapping[str, int]) -> dict[str, Board]:
        """The boards of these cases as of these revisions or later; read from the file where they are not known."""
        with self._lock:
            at_hand = [one for one, revision in wanted.items() if self._has(one, revision)]
            found = {one: self._read_boards[one][2] for one in at_hand}
            for one in at_hand:
                self._read_boards.move_to_end(one)
        missing = [one for one in wanted if one not in found]
        for turn in range(0, len(missing), PAGE):
            part = missing[turn : turn + PAGE]
            marks = ", ".join("?" * len(part))
            for incident, revision, text in self._rows(
                f"SELECT incident, revision, board FROM cases WHERE incident IN ({marks})",  # noqa: S608
                part,
            ):
                found[incident] = cast(Board, json.loads(text))
                self._remember(incident, revision, len(text), found[incident])
        return found

    def _has(self, incident: str, revision: int) -> bool:
        return incident in self._read_boards and self._read_boards[incident][0] >= revision

    def _remember(self, incident: str, revision: int, size: int, board: Board) -> None:
        with self._lock:
            before = self._read_boards.pop(incident, None)
            self._remembered += size - (before[1] if before else 0)
            self._read_boards[incident] = (revision, size, board)
            while self._remembered > REMEMBERED and self._read_boards:
                _, (_, gone, _) = self._read_boards.popitem(last=False)
                self._remembered -= gone

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


def _only(where: list[str], values: list[object], **wanted: Collection[str] | None) -> None:
    """Add a condition for each column that is narrowed; None narrows nothing, an empty one leaves nothing over."""
    for column, allowed in wanted.items():
        if allowed is not None:
            where.append(f"{column} IN ({', '.join('?' * len(allowed))})")
            values.extend(allowed)
