"""What the sandbox remembers, in one SQLite file: objects, effects by key, the journal, mailboxes, fault rules.

Write-ahead logging with `synchronous=NORMAL`: what was answered survives kill -9 of the process; a power cut may take
the last commits.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

Document: TypeAlias = dict[str, Any]
EffectState = Literal["new", "repeat", "none"]

_SCHEMA = """
create table if not exists objects (kind text, id text, doc text not null, primary key (kind, id)) without rowid;
create table if not exists effects (
    n integer primary key, key text not null unique, action text not null, subject text not null,
    body_digest text not null, response text not null, at text not null);
create table if not exists journal (
    n integer primary key, at text not null, method text not null, path text not null, key text, subject text,
    body_digest text not null, status integer, effect text not null default 'none', fault integer);
create table if not exists messages (n integer primary key, box text not null, at text not null, doc text not null);
create table if not exists faults (n integer primary key, rule text not null, times_left integer);
"""


class KeyConflict(Exception):
    """The key was used before with another request."""


def now_text() -> str:
    """This instant, RFC 3339 in UTC."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def body_digest(body: object) -> str:
    """Digest of a JSON body, whatever the order of its keys."""
    return "sha256:" + hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


class Store:
    """The sandbox's memory. Used from one thread, the event loop's."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # the service's threads never share it: all routes are coroutines
        self._db = sqlite3.connect(folder / "sandbox.sqlite", isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=normal")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; may not be nested."""
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def get(self, kind: str, id_: str) -> Document | None:
        row = self._db.execute("select doc from objects where kind = ? and id = ?", (kind, id_)).fetchone()
        return None if row is None else json.loads(row["doc"])

    def put(self, kind: str, id_: str, doc: Document) -> None:
        self._db.execute("insert or replace into objects values (?, ?, ?)", (kind, id_, json.dumps(doc)))

    def all(self, kind: str) -> list[Document]:
        rows = self._db.execute("select doc from objects where kind = ? order by id", (kind,))
        return [json.loads(row["doc"]) for row in rows]

    def find_effect(self, key: str) -> Document | None:
        row = self._db.execute("select * from effects where key = ?", (key,)).fetchone()
        return None if row is None else {**dict(row), "response": json.loads(row["response"])}

    def recall(self, key: str, action: str, digest: str) -> Document | None:
        """The answer this key got before, or None for a new key.

        Raises:
            KeyConflict: the key belongs to another request.
        """
        known = self.find_effect(key)
        if known is None:
            return None
        if (known["action"], known["body_digest"]) != (action, digest):
            raise KeyConflict(f"this key was used for another `{known['action']}` at {known['at']}")
        response: Document = known["response"]
        return response

    def remember(self, key: str, action: str, subject: str, digest: str, response: Document) -> None:
        self._db.execute(
            "insert into effects (key, action, subject, body_digest, response, at) values (?, ?, ?, ?, ?, ?)",
            (key, action, subject, digest, json.dumps(response), now_text()),
        )

    def effects(self) -> list[Document]:
        """Effects in the order they happened, without their answers."""
        rows = self._db.execute("select n, key, action, subject, body_digest, at from effects order by n")
        return [dict(row) for row in rows]

    def open_call(self, method: str, path: str, key: str | None, subject: str | None, digest: str) -> int:
        """Note a call before it is carried out, so that a crash in the middle leaves its trace (status null)."""
        cursor = self._db.execute(
            "insert into journal (at, method, path, key, subject, body_digest) values (?, ?, ?, ?, ?, ?)",
            (now_text(), method, path, key, subject, digest),
        )
        return int(cursor.lastrowid or 0)

    def close_call(self, n: int, status: int, effect: EffectState, fault: int | None) -> None:
        """Complete the note. `status` 0: the connection was cut without an answer."""
        self._db.execute("update journal set status = ?, effect = ?, fault = ? where n = ?", (status, effect, fault, n))

    def journal(self, after: int = 0) -> list[Document]:
        return [dict(row) for row in self._db.execute("select * from journal where n > ? order by n", (after,))]

    def drop_message(self, box: str, doc: Document) -> int:
        cursor = self._db.execute(
            "insert into messages (box, at, doc) values (?, ?, ?)", (box, now_text(), json.dumps(doc))
        )
        return int(cursor.lastrowid or 0)

    def messages(self, box: str) -> list[Document]:
        rows = self._db.execute("select n, at, doc from messages where box = ? order by n", (box,))
        return [{"n": row["n"], "at": row["at"], **json.loads(row["doc"])} for row in rows]

    def add_fault(self, rule: Document, times: int | None) -> int:
        cursor = self._db.execute("insert into faults (rule, times_left) values (?, ?)", (json.dumps(rule), times))
        return int(cursor.lastrowid or 0)

    def faults(self) -> list[tuple[int, Document, int | None]]:
        """Rules that still apply, oldest first; a count of None means always."""
        rows = self._db.execute("select * from faults where times_left is null or times_left > 0 order by n")
        return [(row["n"], json.loads(row["rule"]), row["times_left"]) for row in rows]

    def spend_fault(self, n: int) -> None:
        self._db.execute("update faults set times_left = times_left - 1 where n = ? and times_left is not null", (n,))

    def clear_faults(self) -> None:
        self._db.execute("delete from faults")
