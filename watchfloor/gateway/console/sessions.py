"""Sessions of people who are signed in: a random cookie, of which only the hash is kept.

A session is made anew at every sign-in, so one that was planted before is worth nothing. It ends after twelve hours, or
after an hour in which nothing was asked.
"""

import hashlib
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from watchfloor.client.statements import SignIn
from watchfloor.signing import parse_instant, render_instant

LONGEST = timedelta(hours=12)
IDLE = timedelta(hours=1)
SEEN_EVERY = timedelta(minutes=1)
BUSY_SECONDS = 5.0

_TABLE = """
CREATE TABLE IF NOT EXISTS sessions (
  hash BLOB PRIMARY KEY,
  person TEXT NOT NULL,
  signed_in TEXT NOT NULL,
  csrf TEXT NOT NULL,
  ends_at TEXT NOT NULL,
  seen_at TEXT NOT NULL
) STRICT
"""


class SessionsUnavailable(Exception):
    """The store of sessions does not answer; nobody is signed in meanwhile."""


@dataclass(frozen=True, slots=True)
class Session:
    """Who is at the other end, how they signed in, and the token that their forms must carry."""

    person: str
    signed_in: SignIn
    csrf: str


class Sessions:
    """The sessions of one region's console, in one SQLite file that its owner alone may read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, person: str, signed_in: SignIn, *, now: datetime | None = None) -> str:
        """A new session; gives the cookie's value. Sessions that have ended are forgotten.

        Raises:
            SessionsUnavailable: none was made.
        """
        now = now or datetime.now(UTC)
        cookie = secrets.token_urlsafe(32)
        with self._open() as database:
            database.execute("DELETE FROM sessions WHERE ends_at < ?", (render_instant(now),))
            database.execute(
                "INSERT INTO sessions (hash, person, signed_in, csrf, ends_at, seen_at) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    _hash(cookie),
                    person,
                    signed_in,
                    secrets.token_urlsafe(32),
                    render_instant(now + LONGEST),
                    render_instant(now),
                ),
            )
        return cookie

    def find(self, cookie: str, *, now: datetime | None = None) -> Session | None:
        """The session of a cookie, None when there is none or it has ended.

        Raises:
            SessionsUnavailable: nobody knows.
        """
        now = now or datetime.now(UTC)
        with self._open() as database:
            row = database.execute(
                "SELECT person, signed_in, csrf, ends_at, seen_at FROM sessions WHERE hash = ?", (_hash(cookie),)
            ).fetchone()
            if row is None:
                return None
            seen_at = parse_instant(row[4])
            if now >= parse_instant(row[3]) or now - seen_at >= IDLE:
                database.execute("DELETE FROM sessions WHERE hash = ?", (_hash(cookie),))
                return None
            if now - seen_at >= SEEN_EVERY:
                database.execute("UPDATE sessions SET seen_at = ? WHERE hash = ?", (render_instant(now), _hash(cookie)))
        return Session(row[0], row[1], row[2])

    def end(self, cookie: str) -> None:
        """Forget a session."""
        with self._open() as database:
            database.execute("DELETE FROM sessions WHERE hash = ?", (_hash(cookie),))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
            with closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)) as database:
                database.execute("BEGIN IMMEDIATE")
                database.execute(_TABLE)
                try:
                    yield database
                    database.execute("COMMIT")
                except BaseException:
                    if database.in_transaction:
                        database.execute("ROLLBACK")
                    raise
        except (sqlite3.Error, OSError) as error:
            raise SessionsUnavailable(f"the sessions {self._path} cannot be used: {error}") from error


def _hash(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()
