"""The claims of a region: one row for each order that was ever taken, in one SQLite file beside the ledger.

    claimed ──> started ──> closed      the run ended itself
                        └─> lost        it was ended from outside
    merged                              another open run is over the same content, and took it in

Beside its key an order may carry marks: of what it is about (content) and of accounts. Which open run has the same is
decided in the transaction that claims, so of any number at once over the same content one alone is claimed.

A claim is on the disk before its run is started. One without a run (the process was killed between the two) stands in
nobody's way: the same order sent again starts it. Rows hold keyed hashes, never a key or an input. Safe with several
processes at once; a region whose faces are on several machines needs the file where all of them reach it.
"""

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, cast

from watchfloor.signing import render_instant
from watchfloor.storage import SqliteFile

KEPT_FOR = timedelta(days=730)
"""How long a claim is kept at least after anything was last heard of its run."""

_TABLE = """
CREATE TABLE IF NOT EXISTS claims (
  incident TEXT PRIMARY KEY,
  content TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('claimed', 'started', 'closed', 'lost')),
  looked_at TEXT NOT NULL,
  kept_until TEXT NOT NULL
) STRICT
"""

_MARKS = """
CREATE TABLE IF NOT EXISTS marks (
  mark TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('content', 'account')),
  incident TEXT NOT NULL,
  marked_at TEXT NOT NULL,
  PRIMARY KEY (mark, kind, incident)
) STRICT
"""
_MERGED = """
CREATE TABLE IF NOT EXISTS merged (
  incident TEXT PRIMARY KEY,
  content TEXT NOT NULL,
  into_run TEXT NOT NULL,
  told INTEGER NOT NULL DEFAULT 0,
  kept_until TEXT NOT NULL
) STRICT
"""
_MERGE = "INSERT OR REPLACE INTO merged (incident, content, into_run, kept_until) VALUES (?, ?, ?, ?)"
_VERSION = 2

State = Literal["claimed", "started", "closed", "lost", "merged"]
MAX_RELATED = 50
"""Open runs that an order over the same account is linked with, the latest."""


class ClaimsUnavailable(Exception):
    """Nothing was claimed: the disk is full, the file is locked or damaged."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One order: the id its run has or will have, a keyed hash of what it asked for, what is known of the run."""

    incident: str
    content: str
    state: State
    into: str = ""
    """The run that took it in, when `merged`."""
    told: bool = False
    """That run knows of it."""
    claimed_at: str = ""
    """When the run that it is merged into was claimed."""
    related: tuple[str, ...] = ()
    """Open runs over the same account, the latest first."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Keyed hashes of what an order is about and of the accounts it names."""

    content: tuple[str, ...] = ()
    account: tuple[str, ...] = ()


NO_MARKS = Marks()


class Claims:
    """The file of one region."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, (_TABLE, _MARKS, _MERGED), _VERSION, _unavailable)

    def take(
        self,
        incident: str,
        content: str,
        marks: Marks = NO_MARKS,
        *,
        ended: Collection[str] = (),
        gone: Collection[str] = (),
        now: datetime | None = None,
    ) -> Claim:
        """Claim an order; what stands, this claim, an earlier one or a merge, is on the disk when this returns.

        Args:
            ended: runs that are known to take nothing in any more.
            gone: claims whose run was never started and never will be: they are merged into what is decided here.

        Raises:
            ClaimsUnavailable: nothing was claimed, so nothing may be started.
        """
        now = now or datetime.now(UTC)
        with self._file.transaction() as database:
            dead = {*ended, *gone}
            merge = _find_merge(database, incident)
            if merge is not None and merge.into not in dead:
                return merge
            if merge is not None:
                database.execute("DELETE FROM merged WHERE incident = ?", (incident,))
            never = [claim for one in gone if (claim := _find(database, one)) is not None and claim.state == "claimed"]
            for one in never:
                database.execute("DELETE FROM claims WHERE incident = ?", (one.incident,))
                database.execute("DELETE FROM marks WHERE incident = ?", (one.incident,))
            found = _find(database, incident)
            into = None if found is not None else _find_same(database, incident, marks.content, dead)
            until = render_instant(now + KEPT_FOR)
            if into is not None:
                database.execute(_MERGE, (incident, content, into, until))
                _mark(database, into, marks, now)
                found = _find_merge(database, incident)
            elif found is None:
                database.execute(
                    "INSERT INTO claims (incident, content, state, looked_at, kept_until)"
                    " VALUES (?, ?, 'claimed', ?, ?)",
                    (incident, content, render_instant(now), until),
                )
                _mark(database, incident, marks, now)
                found = _find(database, incident)
            for one in never:
                database.execute(_MERGE, (one.incident, one.content, into or incident, until))
            assert found is not None
            return replace(found, related=_find_related(database, incident, marks.account))

    def told(self, incident: str) -> None:
        """Write down that the run which took an order in knows of it."""
        with self._file.transaction() as database:
            database.execute("UPDATE merged SET told = 1 WHERE incident = ?", (incident,))

    def note(self, incident: str, state: State, *, content: str | None = None, now: datetime | None = None) -> None:
        """Write down what the engine says of a claim's run. What had ended stays so.

        Args:
            content: of the order that really started it, when that may be another than the one that claimed.

        Raises:
            ClaimsUnavailable: nothing was written; the claim is as before.
        """
        now = now or datetime.now(UTC)
        with self._file.transaction() as database:
            database.execute(
                "UPDATE claims SET content = coalesce(?, content), looked_at = ?, kept_until = ?,"
                " state = CASE WHEN state IN ('closed', 'lost') THEN state ELSE ? END WHERE incident = ?",
                (content, render_instant(now), render_instant(now + KEPT_FOR), state, incident),
            )

    def unsettled(self, *, before: datetime, limit: int = 200) -> list[Claim]:
        """Claims whose run is not known to have ended, not looked at since, the longest ago first."""
        with self._file.reading() as database:
            rows = database.execute(
                "SELECT incident, content, state FROM claims WHERE state IN ('claimed', 'started') AND looked_at < ?"
                " ORDER BY looked_at, incident LIMIT ?",
                (render_instant(before), limit),
            ).fetchall()
        return [Claim(*row) for row in rows]

    def looked(self, incident: str, *, now: datetime) -> None:
        """Write down that the engine was asked and knew nothing; the time it is kept for runs on."""
        with self._file.transaction() as database:
            database.execute("UPDATE claims SET looked_at = ? WHERE incident = ?", (render_instant(now), incident))

    def forget(self, *, now: datetime) -> int:
        """Drop claims whose time is over, but never one whose run may still be open; gives how many."""
        with self._file.transaction() as database:
            over = database.execute(
                "DELETE FROM claims WHERE kept_until < ? AND state != 'started'", (render_instant(now),)
            )
            database.execute("DELETE FROM merged WHERE kept_until < ?", (render_instant(now),))
            database.execute("DELETE FROM marks WHERE incident NOT IN (SELECT incident FROM claims)")
            return over.rowcount


def _unavailable(what: str) -> ClaimsUnavailable:
    return ClaimsUnavailable(f"the claims {what}; nothing was started")


def _find(database: sqlite3.Connection, incident: str) -> Claim | None:
    row = database.execute("SELECT incident, content, state FROM claims WHERE incident = ?", (incident,)).fetchone()
    return Claim(row[0], row[1], cast(State, row[2])) if row else None


def _find_merge(database: sqlite3.Connection, incident: str) -> Claim | None:
    row = database.execute(
        "SELECT incident, content, into_run, told,"
        " (SELECT min(marked_at) FROM marks WHERE marks.incident = into_run) FROM merged WHERE incident = ?",
        (incident,),
    ).fetchone()
    return Claim(row[0], row[1], "merged", row[2], bool(row[3]), row[4] or "") if row else None


def _find_same(
    database: sqlite3.Connection, incident: str, content: tuple[str, ...], dead: Collection[str]
) -> str | None:
    """The first claimed of the runs over one of these contents that may still be open."""
    return next((one for one in _find_holders(database, incident, "content", content) if one not in dead), None)


def _find_related(database: sqlite3.Connection, incident: str, account: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_find_holders(database, incident, "account", account)[::-1][:MAX_RELATED])


def _find_holders(database: sqlite3.Connection, incident: str, kind: str, marks: tuple[str, ...]) -> list[str]:
    """The other runs with one of these marks that may still be open, the first claimed first."""
    if not marks:
        return []
    rows = database.execute(
        "SELECT incident, min(marked_at) AS since FROM marks JOIN claims USING (incident) WHERE kind = ?"
        " AND mark IN (SELECT value FROM json_each(?)) AND incident != ? AND state IN ('claimed', 'started')"
        " GROUP BY incident ORDER BY since, incident",
        (kind, json.dumps(marks), incident),
    ).fetchall()
    return [str(row[0]) for row in rows]


def _mark(database: sqlite3.Connection, incident: str, marks: Marks, now: datetime) -> None:
    kinds = (("content", marks.content), ("account", marks.account))
    rows = [(mark, kind, incident, render_instant(now)) for kind, all_ in kinds for mark in all_]
    database.executemany("INSERT OR IGNORE INTO marks (mark, kind, incident, marked_at) VALUES (?, ?, ?, ?)", rows)
