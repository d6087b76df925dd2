"""What was delivered to which destination: so that no key is told twice, whatever dies in between.

A delivery is announced before it is sent and completed after. A worker that finds one announced and not completed does
not know whether it arrived, and sends that very delivery again, under its id and with its content: the receiver
deduplicates by the id, or is asked for it first. Kept in one SQLite file for each region, shared by its processes.
"""

import json
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from watchfloor.connections.port import Notice
from watchfloor.signing import parse_instant, render_instant

KEPT = timedelta(days=30)
"""How long a delivery is remembered: longer than any activity is tried again."""

_SCHEMA = """
create table if not exists deliveries (
    destination text not null, delivery text not null, notices text not null, announced_at text not null,
    sent_at text, primary key (destination, delivery)) without rowid;
create table if not exists carried (
    destination text not null, key text not null, delivery text not null, primary key (destination, key)) without rowid;
create table if not exists threads (
    destination text not null, thread text not null, ref text not null, at text not null,
    primary key (destination, thread)) without rowid;
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one destination; `sent_at` is None while nobody knows whether it arrived."""

    id: str
    notices: tuple[Notice, ...]
    announced_at: datetime
    sent_at: datetime | None = None


class DeliveryBook:
    """The record. Short transactions on one connection, from any thread; durable before `announce` returns."""

    def __init__(self, path: Path | None = None) -> None:
        """Open or make the file, its owner's alone; without a path it is kept in memory and ends with the process."""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            # an earlier version made it readable by others; SQLite gives what it makes beside a file that file's mode
            for each in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
                if each.exists():
                    each.chmod(0o600)
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False, timeout=5)
        self._lock = threading.Lock()
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=full")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def find(self, destination: str, key: str) -> Delivery | None:
        """The delivery that carries a notice's key."""
        with self._lock:
            row = self._db.execute(
                "select d.delivery, d.notices, d.announced_at, d.sent_at from carried c join deliveries d "
                "on d.destination = c.destination and d.delivery = c.delivery where c.destination = ? and c.key = ?",
                (destination, key),
            ).fetchone()
        if row is None:
            return None
        sent_at = parse_instant(row[3]) if row[3] else None
        return Delivery(row[0], tuple(_read(one) for one in json.loads(row[1])), parse_instant(row[2]), sent_at)

    def announce(self, destination: str, delivery: str, notices: Sequence[Notice], at: datetime) -> None:
        """Say that a delivery is about to be sent."""
        content = json.dumps([_write(notice) for notice in notices])
        with self._lock:
            self._db.execute("begin immediate")
            try:
                self._db.execute(
                    "insert or replace into deliveries values (?, ?, ?, ?, null)",
                    (destination, delivery, content, render_instant(at)),
                )
                for notice in notices:
                    self._db.execute(
                        "insert or replace into carried values (?, ?, ?)", (destination, notice.key, delivery)
                    )
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")

    def complete(self, destination: str, delivery: str, at: datetime) -> None:
        """The receiver has it."""
        with self._lock:
            self._db.execute(
                "update deliveries set sent_at = ? where destination = ? and delivery = ?",
                (render_instant(at), destination, delivery),
            )

    def withdraw(self, destination: str, delivery: str) -> None:
        """It is certain that the receiver does not have it: its notices may go another way."""
        with self._lock:
            self._db.execute("delete from carried where destination = ? and delivery = ?", (destination, delivery))
            self._db.execute("delete from deliveries where destination = ? and delivery = ?", (destination, delivery))

    def thread(self, destination: str, thread: str) -> str | None:
        """How the destination calls the message that began a conversation."""
        with self._lock:
            row = self._db.execute(
                "select ref from threads where destination = ? and thread = ?", (destination, thread)
            ).fetchone()
        return None if row is None else str(row[0])

    def begin_thread(self, destination: str, thread: str, ref: str, at: datetime) -> None:
        with self._lock:
            self._db.execute(
                "insert or ignore into threads values (?, ?, ?, ?)", (destination, thread, ref, render_instant(at))
            )

    def forget(self, before: datetime) -> None:
        """Forget what is older; the file does not grow for ever."""
        old = render_instant(before)
        with self._lock:
            self._db.execute(
                "delete from carried where (destination, delivery) in "
                "(select destination, delivery from deliveries where announced_at < ?)",
                (old,),
            )
            self._db.execute("delete from deliveries where announced_at < ?", (old,))
            self._db.execute("delete from threads where at < ?", (old,))


def _write(notice: Notice) -> dict[str, Any]:
    return {**asdict(notice), "at": render_instant(notice.at)}


def _read(content: dict[str, Any]) -> Notice:
    lists = {"roles", "alerts"}
    known = {one.name for one in fields(Notice)}
    values: dict[str, Any] = {
        name: tuple(value) if name in lists else value for name, value in content.items() if name in known
    }
    values["at"] = parse_instant(content["at"])
    return Notice(**values)
