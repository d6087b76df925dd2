"""Sessions of people who are signed in: a random cookie, of which only the hash is kept.

A session is made anew at every sign-in, so one that was planted before is worth nothing. It ends after twelve hours, or
after an hour in which nothing was asked. Of what a provider said it keeps how somebody proved who they are, and those
of their groups that mean something here; never a token, a name or an address.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from watchfloor.client.sign_in import Way
from watchfloor.signing import parse_instant, render_instant
from watchfloor.storage import SqliteFile

LONGEST = timedelta(hours=12)
IDLE = timedelta(hours=1)
SEEN_EVERY = timedelta(minutes=1)
BUSY_SECONDS = 5.0

_VERSION = 3
_SESSIONS = """
CREATE TABLE IF NOT EXISTS sessions (
  hash BLOB PRIMARY KEY,
  person TEXT NOT NULL,
  way TEXT NOT NULL,
  methods TEXT NOT NULL,
  groups TEXT NOT NULL,
  entity TEXT NOT NULL,
  anew INTEGER NOT NULL,
  csrf TEXT NOT NULL,
  began_at TEXT NOT NULL,
  seen_at TEXT NOT NULL
) STRICT
"""
_TERMINALS = """
CREATE TABLE IF NOT EXISTS terminals (
  hash BLOB PRIMARY KEY,
  session BLOB NOT NULL,
  id TEXT NOT NULL,
  person TEXT NOT NULL,
  way TEXT NOT NULL,
  methods TEXT NOT NULL,
  groups TEXT NOT NULL,
  entity TEXT NOT NULL,
  anew INTEGER NOT NULL,
  address TEXT NOT NULL,
  began_at TEXT NOT NULL,
  until TEXT NOT NULL,
  seen_at TEXT NOT NULL
) STRICT
"""
_PAIRINGS = """
CREATE TABLE IF NOT EXISTS pairings (
  hash BLOB PRIMARY KEY,
  code TEXT UNIQUE,
  address TEXT NOT NULL,
  asked_at TEXT NOT NULL,
  person TEXT,
  way TEXT,
  methods TEXT,
  groups TEXT,
  entity TEXT,
  anew INTEGER,
  session BLOB,
  until TEXT
) STRICT
"""
_WRONG_CODES = "CREATE TABLE IF NOT EXISTS wrong_codes (person TEXT NOT NULL, at TEXT NOT NULL) STRICT"


class SessionsUnavailable(Exception):
    """The store of sessions does not answer; nobody is signed in meanwhile."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What stands behind a session: how somebody signed in, and what a provider said of them."""

    way: Way
    methods: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """Those of their groups that mean something here."""
    entity: str = ""
    anew: bool = False
    """Whether the provider was made to ask anew who they are."""


DEVELOPMENT = Proof("dev")


@dataclass(frozen=True, slots=True)
class Session:
    """Who is at the other end, how they signed in and when, and the token that their forms must carry."""

    person: str
    proof: Proof
    csrf: str
    began_at: datetime


class Sessions:
    """The sessions of one region's console, in one SQLite file that its owner alone may read."""

    def __init__(self, path: Path) -> None:
        tables = (_SESSIONS, _TERMINALS, _PAIRINGS, _WRONG_CODES)
        # sessions of another version mean signing in again, nothing more
        self.file = SqliteFile(path, tables, _VERSION, _unavailable, busy_seconds=BUSY_SECONDS, disposable=True)
        """The file, which holds the sessions of terminals too."""

    def begin(self, person: str, proof: Proof, *, instead_of: str = "", now: datetime | None = None) -> str:
        """A new session; gives the cookie's value. Sessions that have ended are forgotten, and so is the one that the
        browser had before (`instead_of`, its cookie).

        Raises:
            SessionsUnavailable: none was made.
        """
        now = now or datetime.now(UTC)
        cookie = secrets.token_urlsafe(32)
        with self.file.transaction() as database:
            database.execute("DELETE FROM sessions WHERE began_at < ?", (render_instant(now - LONGEST),))
            database.execute("DELETE FROM sessions WHERE hash = ?", (_hash(instead_of),))
            database.execute(
                "INSERT INTO sessions (hash, person, way, methods, groups, entity, anew, csrf, began_at, seen_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    _hash(cookie),
                    person,
                    proof.way,
                    json.dumps(proof.methods),
                    json.dumps(proof.groups),
                    proof.entity,
                    int(proof.anew),
                    secrets.token_urlsafe(32),
                    render_instant(now),
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
        row = self._look_up(cookie)
        if row is None:
            return None
        person, way, methods, groups, entity, anew, csrf, *instants = row
        began_at, seen_at = map(parse_instant, instants)
        if now - began_at >= LONGEST or now - seen_at >= IDLE:
            self.end(cookie)
            return None
        if now - seen_at >= SEEN_EVERY:
            with self.file.transaction() as database:
                database.execute("UPDATE sessions SET seen_at = ? WHERE hash = ?", (render_instant(now), _hash(cookie)))
        proof = Proof(way, tuple(json.loads(methods)), tuple(json.loads(groups)), entity, bool(anew))
        return Session(person, proof, csrf, began_at)

    def end(self, cookie: str) -> None:
        """Forget a session."""
        with self.file.transaction() as database:
            database.execute("DELETE FROM sessions WHERE hash = ?", (_hash(cookie),))

    def sign_out(self, cookie: str) -> None:
        """Forget a session and the terminals that were paired in it."""
        with self.file.transaction() as database:
            for table, column in (("sessions", "hash"), ("terminals", "session"), ("pairings", "session")):
                database.execute(f"DELETE FROM {table} WHERE {column} = ?", (_hash(cookie),))  # noqa: S608

    def end_all(self, person: str) -> int:
        """Forget every session of a person, wherever they are signed in, terminals too; gives how many there were."""
        with self.file.transaction() as database:
            database.execute("DELETE FROM pairings WHERE person = ?", (person,))
            terminals = database.execute("DELETE FROM terminals WHERE person = ?", (person,)).rowcount
            return database.execute("DELETE FROM sessions WHERE person = ?", (person,)).rowcount + terminals

    def _look_up(self, cookie: str) -> tuple[Any, ...] | None:
        with self.file.reading() as database:
            row: tuple[Any, ...] | None = database.execute(
                "SELECT person, way, methods, groups, entity, anew, csrf, began_at, seen_at "
                "FROM sessions WHERE hash = ?",
                (_hash(cookie),),
            ).fetchone()
        return row


def _unavailable(what: str) -> SessionsUnavailable:
    return SessionsUnavailable(f"the sessions {what}")


def _hash(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()
