"""Sessions of terminals: a token that goes in a header and never in a cookie, of which only the hash is kept.

A terminal speaks for the person who confirmed it in their browser, with what proved there who they are. Its session
ends eight hours after that, or when the browser's own would end by its age; after an hour in which it asked nothing;
when that browser signs out; when the person ends it; when all sessions of the person are ended.
"""

import hashlib
import json
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

from watchfloor.gateway.console.sessions import IDLE, SEEN_EVERY, Proof
from watchfloor.signing import parse_instant, render_instant
from watchfloor.storage import SqliteFile

PREFIX = "wft_"
"""Before every token, so that one that got somewhere it should not be is known for what it is."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal that is signed in. `id` names it to its person and in the log, and lets nobody in."""

    id: str
    person: str
    proof: Proof
    address: str
    began_at: datetime
    until: datetime
    seen_at: datetime


_COLUMNS = "id, person, way, methods, groups, entity, anew, address, began_at, until, seen_at"


class Terminals:
    """The signed-in terminals of one region's console, in the file of its sessions."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def begin_in(
        self,
        database: sqlite3.Connection,
        person: str,
        proof: Proof,
        *,
        session: bytes,
        address: str,
        until: datetime,
        now: datetime,
    ) -> tuple[str, Terminal]:
        """A new session in a transaction that is under way; gives its token.

        Args:
            session: the hash of the browser's session in which it was confirmed.
        """
        token = f"{PREFIX}{secrets.token_urlsafe(32)}"
        made = Terminal(secrets.token_hex(4), person, proof, address, now, until, now)
        database.execute("DELETE FROM terminals WHERE until <= ?", (render_instant(now),))
        database.execute(
            f"INSERT INTO terminals (hash, session, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (
                _hash(token),
                session,
                made.id,
                person,
                proof.way,
                json.dumps(proof.methods),
                json.dumps(proof.groups),
                proof.entity,
                int(proof.anew),
                address,
                render_instant(now),
                render_instant(until),
                render_instant(now),
            ),
        )
        return token, made

    def find(self, token: str, *, now: datetime | None = None) -> Terminal | None:
        """The terminal of a token, None when there is none or its session has ended.

        Raises:
            SessionsUnavailable: nobody knows.
        """
        now = now or datetime.now(UTC)
        if not token.startswith(PREFIX):
            return None
        with self._file.reading() as database:
            row = database.execute(
                f"SELECT {_COLUMNS} FROM terminals WHERE hash = ?",  # noqa: S608
                (_hash(token),),
            ).fetchone()
        if row is None:
            return None
        found = _read(row)
        if not _lives(found, now):
            self.end(token)
            return None
        if now - found.seen_at >= SEEN_EVERY:
            with self._file.transaction() as database:
                database.execute("UPDATE terminals SET seen_at = ? WHERE hash = ?", (render_instant(now), _hash(token)))
        return found

    def list(self, person: str, *, now: datetime | None = None) -> list[Terminal]:
        """The terminals of a person, the latest first.

        Raises:
            SessionsUnavailable: nobody knows.
        """
        now = now or datetime.now(UTC)
        with self._file.reading() as database:
            rows = database.execute(
                f"SELECT {_COLUMNS} FROM terminals WHERE person = ? ORDER BY began_at DESC",  # noqa: S608
                (person,),
            ).fetchall()
        return [one for one in map(_read, rows) if _lives(one, now)]

    def end(self, token: str) -> bool:
        """Forget the session of a token; whether there was one."""
        with self._file.transaction() as database:
            return database.execute("DELETE FROM terminals WHERE hash = ?", (_hash(token),)).rowcount > 0

    def end_one(self, person: str, id_: str) -> bool:
        """Forget a terminal of a person; False when they have none of this id."""
        with self._file.transaction() as database:
            return database.execute("DELETE FROM terminals WHERE person = ? AND id = ?", (person, id_)).rowcount > 0


def _lives(one: Terminal, now: datetime) -> bool:
    return now < one.until and now - one.seen_at < IDLE


def _read(row: tuple[object, ...]) -> Terminal:
    id_, person, way, methods, groups, entity, anew, address, *instants = row
    proof = Proof(
        way,  # type: ignore[arg-type]
        tuple(json.loads(str(methods))),
        tuple(json.loads(str(groups))),
        str(entity),
        anew=bool(anew),
    )
    began_at, until, seen_at = (parse_instant(str(one)) for one in instants)
    return Terminal(str(id_), str(person), proof, str(address), began_at, until, seen_at)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
