"""`<region>/sign-in.sqlite`: whose account at the provider is whose, security keys, and what was done.

One file that its owner alone may read; one transaction at a time. It holds ids, digests and public keys: no token, no
name, no address.
"""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from watchfloor.signing import parse_instant, render_instant
from watchfloor.storage import SqliteFile

BUSY_SECONDS = 5.0
KEPT_FOR = timedelta(days=400)
"""How long it is remembered what happened."""

_VERSION = 1
_TABLES = (
    """
CREATE TABLE IF NOT EXISTS accounts (
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  person TEXT NOT NULL,
  bound_at TEXT NOT NULL,
  PRIMARY KEY (issuer, subject),
  UNIQUE (issuer, person)
) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS pending (
  hash BLOB PRIMARY KEY,
  state BLOB NOT NULL,
  nonce TEXT NOT NULL,
  verifier TEXT NOT NULL,
  back TEXT NOT NULL,
  anew INTEGER NOT NULL,
  made_at TEXT NOT NULL
) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS keys (
  credential BLOB PRIMARY KEY,
  person TEXT NOT NULL,
  public BLOB NOT NULL,
  count INTEGER NOT NULL,
  name TEXT NOT NULL,
  added_at TEXT NOT NULL,
  used_at TEXT
) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS challenges (
  hash BLOB PRIMARY KEY,
  nonce BLOB NOT NULL,
  person TEXT NOT NULL,
  session BLOB NOT NULL,
  purpose TEXT NOT NULL,
  over TEXT NOT NULL,
  made_at TEXT NOT NULL
) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS happened (
  at TEXT NOT NULL,
  what TEXT NOT NULL,
  person TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT
""",
    "CREATE INDEX IF NOT EXISTS happened_at ON happened (at)",
)


class SignInUnavailable(Exception):
    """The file does not answer; nobody is signed in meanwhile."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that was done with a sign-in. `what` is a stable word, `detail` what it was about."""

    at: datetime
    what: str
    person: str
    detail: str


class SignInFile(SqliteFile):
    """The file; what is in it is read and written by the classes that take it.

    Its transactions raise `SignInUnavailable` where it cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, _TABLES, _VERSION, SignInUnavailable, busy_seconds=BUSY_SECONDS)

    def note(self, what: str, person: str, detail: str = "", *, now: datetime) -> None:
        """Write down that something was done.

        Raises:
            SignInUnavailable: it was not.
        """
        with self.transaction() as database:
            note_in(database, what, person, detail, now=now)

    def happened(self, *, person: str = "", limit: int = 100) -> list[Happened]:
        """What was done, the newest first; of one person, or of all."""
        with self.reading() as database:
            rows = database.execute(
                "SELECT at, what, person, detail FROM happened WHERE ? IN ('', person) "
                "ORDER BY at DESC, rowid DESC LIMIT ?",
                (person, limit),
            ).fetchall()
        return [Happened(parse_instant(at), what, who, detail) for at, what, who, detail in rows]


def note_in(database: sqlite3.Connection, what: str, person: str, detail: str = "", *, now: datetime) -> None:
    """Write down what was done, in the transaction that does it."""
    database.execute("DELETE FROM happened WHERE at < ?", (render_instant(now - KEPT_FOR),))
    database.execute("INSERT INTO happened VALUES (?, ?, ?, ?)", (render_instant(now), what, person, detail[:200]))
