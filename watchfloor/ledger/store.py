"""The ledger in a SQLite file: one file per region, shared by its workers, gateway and command line."""

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from schemas.decision import Envelope
from schemas.ledger import Entry, EntryKind, StoredEntry
from watchfloor.ledger import chain as links
from watchfloor.ledger.database import connect, transaction
from watchfloor.ledger.port import Cap, CapReached, EntryConflict, LedgerUnavailable
from watchfloor.signing import canonical, render_instant

PAGE = 500
_HEADS = """
WITH RECURSIVE names(chain) AS (
    SELECT min(chain) FROM entries
    UNION ALL
    SELECT (SELECT min(chain) FROM entries WHERE chain > names.chain) FROM names WHERE names.chain IS NOT NULL
)
SELECT chain, (SELECT max(seq) FROM entries WHERE chain = names.chain) FROM names WHERE chain IS NOT NULL
"""
"""From chain to chain by the primary key: grouping would read every entry."""


def _now() -> datetime:
    return datetime.now(UTC)


class SqliteLedger:
    """`watchfloor.ledger.Ledger` over one SQLite file.

    Durable: a call that returned is on the disk (write-ahead log, `synchronous=FULL`). Safe with several threads and
    several processes: each write takes the file's lock before it reads the head it continues. A process killed in
    the middle of a call leaves nothing of it or all of it.
    """

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = _now) -> None:
        """Open or make the ledger.

        Raises:
            LedgerUnavailable: the file cannot be opened or was made by a newer version.
        """
        self.path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._connection = connect(path)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def __enter__(self) -> "SqliteLedger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, entries: Sequence[Entry]) -> list[StoredEntry]:
        """Append all or none, durably, in the order given; gives each entry as stored.

        Raises:
            EntryRefused: one of them is not well formed.
            LedgerUnavailable: nothing was written.
        """
        checked = [links.check(entry) for entry in entries]
        if not checked:
            return []
        with self._lock, transaction(self._connection):
            now = self._clock()
            return [self._add(entry, now) for entry in checked]

    def announce(self, entries: Sequence[Entry], announced: Entry, cap: Cap | None = None) -> StoredEntry:
        """Append what rides along and the announcement of one effect, in one transaction.

        Raises:
            EntryConflict: the announcement is there already, made by whomever; nothing was written.
            CapReached: the cap is used up; nothing was written.
            EntryRefused, LedgerUnavailable: as for `append`.
        """
        checked = [links.check(entry) for entry in entries]
        links.check(announced)
        with self._lock, transaction(self._connection):
            if self._stored(announced["id"]) is not None:
                raise EntryConflict(f"`{announced['id']}` has been announced before")
            now = self._clock()
            if cap is not None:
                self._refuse_over(cap, now)
            for entry in checked:
                self._add(entry, now)
            return self._add(announced, now)

    def read(self, chain: str, *, after: int = 0) -> Iterator[StoredEntry]:
        """The entries of one chain that come after a place in it; those appended meanwhile are included."""
        seq = after
        while page := self._rows(
            "SELECT body FROM entries WHERE chain = ? AND seq > ? ORDER BY seq LIMIT ?", chain, seq, PAGE
        ):
            for (body,) in page:
                entry = _entry(body)
                seq = entry["seq"]
                yield entry

    def about(self, key: str) -> list[StoredEntry]:
        """The effect entries of one idempotency key, oldest first."""
        entries = [_entry(body) for (body,) in self._rows("SELECT body FROM entries WHERE effect_key = ?", key)]
        return sorted(entries, key=lambda entry: entry["seq"])

    def chains(self) -> list[str]:
        return [name for (name,) in self._rows("SELECT DISTINCT chain FROM entries ORDER BY chain")]

    def heads(self) -> dict[str, int]:
        """Chain -> place of its last entry. Looks at each chain's end only, however long the chains are."""
        return dict(cast(list[tuple[str, int]], self._rows(_HEADS)))

    def version(self) -> int:
        """A number that changes when another connection has written; cheap enough to be asked all the time."""
        return int(self._rows("PRAGMA data_version")[0][0])

    def head(self, chain: str) -> StoredEntry | None:
        """The last entry of a chain, None when it has none."""
        rows = self._rows("SELECT body FROM entries WHERE chain = ? ORDER BY seq DESC LIMIT 1", chain)
        return _entry(rows[0][0]) if rows else None

    def find(self, entry_id: str) -> StoredEntry | None:
        with self._lock:
            try:
                return self._stored(entry_id)
            except sqlite3.Error as error:
                raise LedgerUnavailable(f"the ledger {self.path} cannot be read: {error}") from error

    def export(self, chain: str, file: Path) -> int:
        """Write a chain as JSON lines (RFC 8785 each), atomically; gives the number of lines."""
        partial = file.with_name(f".{file.name}.{os.getpid()}")
        count = 0
        with partial.open("wb") as out:
            for entry in self.read(chain):
                out.write(canonical(dict(entry)) + b"\n")
                count += 1
            out.flush()
            os.fsync(out.fileno())
        partial.replace(file)
        return count

    def note_checkpoint(self, checkpoint: Envelope, ref: str, at: datetime) -> None:
        """Remember a signed checkpoint and where it was put. Noting the same one again changes nothing."""
        body = checkpoint["body"]
        with self._lock, transaction(self._connection):
            self._connection.execute(
                "INSERT OR IGNORE INTO checkpoints (chain, seq, ref, noted_ms, body) VALUES (?, ?, ?, ?, ?)",
                (body["chain"], body["seq"], ref, _milliseconds(at), canonical(dict(checkpoint))),
            )

    def checkpoints(self, chain: str) -> list[Envelope]:
        """The signed checkpoints of a chain, oldest first."""
        rows = self._rows("SELECT body FROM checkpoints WHERE chain = ? ORDER BY seq, noted_ms", chain)
        return [cast(Envelope, json.loads(body)) for (body,) in rows]

    def _rows(self, statement: str, *values: object) -> list[tuple[Any]]:
        with self._lock:
            try:
                return self._connection.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise LedgerUnavailable(f"the ledger {self.path} cannot be read: {error}") from error

    def _stored(self, entry_id: str) -> StoredEntry | None:
        row = self._connection.execute("SELECT body FROM entries WHERE id = ?", (entry_id,)).fetchone()
        return _entry(row[0]) if row else None

    def _add(self, entry: Entry, now: datetime) -> StoredEntry:
        there = self._stored(entry["id"])
        if there is not None:
            if links.same(links.bare(there), entry):
                return there
            return self._add(links.check(links.conflict_entry(there, entry)), now)
        row = self._connection.execute(
            "SELECT body FROM entries WHERE chain = ? ORDER BY seq DESC LIMIT 1", (entry["chain"],)
        ).fetchone()
        last = _entry(row[0]) if row else None
        stored = links.seal(
            entry,
            seq=last["seq"] + 1 if last else 1,
            prev=last["hash"] if last else links.genesis(entry["chain"]),
            recorded_at=render_instant(now),
        )
        key, action = entry["data"].get("key"), entry["data"].get("action")
        self._connection.execute(
            "INSERT INTO entries (chain, seq, id, kind, effect_key, action, recorded_ms, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                stored["chain"],
                stored["seq"],
                stored["id"],
                stored["kind"],
                key if isinstance(key, str) and entry["kind"].startswith(("effect.", "read.")) else None,
                action if isinstance(action, str) else None,
                _milliseconds(now),
                canonical(dict(stored)),
            ),
        )
        return stored

    def _refuse_over(self, cap: Cap, now: datetime) -> None:
        """Resending one effect under its key is not another effect: each key counts once."""
        (count,) = self._connection.execute(
            "SELECT COUNT(DISTINCT effect_key) FROM entries WHERE kind = ? AND action = ? AND recorded_ms > ?",
            (EntryKind.ANNOUNCED, cap.action, _milliseconds(now - cap.window)),
        ).fetchone()
        if count >= cap.limit:
            raise CapReached(f"`{cap.action}` was announced {count} times within {cap.window}; the cap is {cap.limit}")


def _entry(body: bytes) -> StoredEntry:
    return cast(StoredEntry, json.loads(body))


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
