"""Pairing a terminal with a person: a short code that the person types where they are signed in (as RFC 8628 does it).

The terminal holds a secret of 256 bits, the person sees a code of 40 bits. Both are good for five minutes and for one
pairing. Of the secret the file holds a hash, of the code a hash keyed with the region's own secret, for a code alone
could be found by trying. Nobody is asked for the secret but the terminal; nobody guesses a code: who has typed ten
wrong ones waits a quarter of an hour, in whichever session.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from watchfloor.client.sign_in import Way
from watchfloor.gateway.console.sessions import LONGEST, Proof, Session
from watchfloor.gateway.console.terminal.sessions import Terminal, Terminals
from watchfloor.signing import opaque_id, parse_instant, render_instant
from watchfloor.storage import SqliteFile

VALID_FOR = timedelta(minutes=5)
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""No I, O, 0 and 1: what is read from one screen is typed into another."""
LENGTH = 8
MOST = 500
"""Pairings that wait at once."""
MOST_OF_ONE = 10
"""Of them from one network address."""
WRONG_CODES = 10
WRONG_WITHIN = timedelta(minutes=15)
SHIFT = timedelta(hours=8)
"""How long a terminal stays signed in, if the browser's own session would last as long."""


class TooMany(Exception):
    """As many pairings wait as may, or a person has typed as many wrong codes as they may."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What a terminal is given: the secret that it keeps, the code that it shows."""

    secret: str
    code: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A terminal that waits for a person: from which network address it asked, and when."""

    address: str
    asked_at: datetime


class Pairings:
    """The pairings of one region's console, in the file of its sessions."""

    def __init__(self, file: SqliteFile, region_secret: bytes) -> None:
        self._file = file
        self._region_secret = region_secret
        self._terminals = Terminals(file)

    def begin(self, address: str, *, now: datetime | None = None) -> Begun:
        """A new pairing, asked for from a network address.

        Raises:
            TooMany: as many wait as may, from this address or in all.
            SessionsUnavailable: none was made.
        """
        now = now or datetime.now(UTC)
        begun = Begun(secrets.token_urlsafe(32), make_code())
        with self._file.transaction() as database:
            database.execute("DELETE FROM pairings WHERE asked_at <= ?", (render_instant(now - VALID_FOR),))
            (waiting,) = database.execute("SELECT count(*) FROM pairings").fetchone()
            (own,) = database.execute("SELECT count(*) FROM pairings WHERE address = ?", (address,)).fetchone()
            if waiting >= MOST or own >= MOST_OF_ONE:
                raise TooMany
            database.execute(
                "INSERT INTO pairings (hash, code, address, asked_at) VALUES (?, ?, ?, ?)",
                (_hash(begun.secret), self._mark(begun.code), address[:60], render_instant(now)),
            )
        return begun

    def find(self, code: str, person: str, *, now: datetime | None = None) -> Asked | None:
        """The terminal that shows this code; None when none does, which counts as a wrong code of this person.

        Raises:
            TooMany: this person has typed too many wrong ones; this one was not looked at.
            SessionsUnavailable: nobody knows.
        """
        now = now or datetime.now(UTC)
        with self._file.transaction() as database:
            self._require_guesses_left(database, person, now)
            row = self._waiting(database, code, now)
            if row is None:
                database.execute("INSERT INTO wrong_codes VALUES (?, ?)", (person, render_instant(now)))
        return None if row is None else Asked(row[0], parse_instant(row[1]))

    def approve(self, code: str, session: Session, cookie: str, *, now: datetime | None = None) -> Asked | None:
        """Let the terminal that shows this code speak for whoever is signed in by this cookie. From here on the code
        is worth nothing; None when it was already.

        Raises:
            TooMany, SessionsUnavailable: as `find`.
        """
        now = now or datetime.now(UTC)
        until = min(now + SHIFT, session.began_at + LONGEST)
        proof = session.proof
        with self._file.transaction() as database:
            self._require_guesses_left(database, session.person, now)
            row = self._waiting(database, code, now)
            if row is None:
                database.execute("INSERT INTO wrong_codes VALUES (?, ?)", (session.person, render_instant(now)))
                return None
            database.execute(
                "UPDATE pairings SET code = NULL, person = ?, way = ?, methods = ?, groups = ?, entity = ?, anew = ?, "
                "session = ?, until = ? WHERE code = ?",
                (
                    session.person,
                    proof.way,
                    json.dumps(proof.methods),
                    json.dumps(proof.groups),
                    proof.entity,
                    int(proof.anew),
                    _hash(cookie),
                    render_instant(until),
                    self._mark(code),
                ),
            )
        return Asked(row[0], parse_instant(row[1]))

    def refuse(self, code: str, person: str, *, now: datetime | None = None) -> bool:
        """Turn away the terminal that shows this code; whether there was one.

        Raises:
            TooMany, SessionsUnavailable: as `find`.
        """
        now = now or datetime.now(UTC)
        with self._file.transaction() as database:
            self._require_guesses_left(database, person, now)
            gone = database.execute("DELETE FROM pairings WHERE code = ?", (self._mark(code),)).rowcount > 0
            if not gone:
                database.execute("INSERT INTO wrong_codes VALUES (?, ?)", (person, render_instant(now)))
        return gone

    def take(self, secret: str, *, now: datetime | None = None) -> tuple[str, Terminal] | bool:
        """What became of the pairing of a terminal that holds this secret.

        Returns:
            The token of its session and the session, once; True while a person has not confirmed it yet; False when
            there is no such pairing any more, or the browser in which it was confirmed has signed out meanwhile.

        Raises:
            SessionsUnavailable: nobody knows.
        """
        now = now or datetime.now(UTC)
        with self._file.reading() as database:
            waiting = database.execute(
                "SELECT code IS NOT NULL FROM pairings WHERE hash = ? AND asked_at > ?",
                (_hash(secret), render_instant(now - VALID_FOR)),
            ).fetchone()
        if waiting is None or waiting[0]:
            return waiting is not None
        with self._file.transaction() as database:
            row = database.execute(
                "DELETE FROM pairings WHERE hash = ? AND code IS NULL AND asked_at > ? "
                "AND session IN (SELECT hash FROM sessions) "
                "RETURNING person, way, methods, groups, entity, anew, session, until, address",
                (_hash(secret), render_instant(now - VALID_FOR)),
            ).fetchone()
            if row is None:
                return False
            person, way, methods, groups, entity, anew, session, until, address = row
            proof = Proof(
                cast(Way, way), tuple(json.loads(methods)), tuple(json.loads(groups)), entity, anew=bool(anew)
            )
            return self._terminals.begin_in(
                database, person, proof, session=session, address=address, until=parse_instant(until), now=now
            )

    def _require_guesses_left(self, database: Any, person: str, now: datetime) -> None:
        database.execute("DELETE FROM wrong_codes WHERE at <= ?", (render_instant(now - WRONG_WITHIN),))
        (wrong,) = database.execute("SELECT count(*) FROM wrong_codes WHERE person = ?", (person,)).fetchone()
        if wrong >= WRONG_CODES:
            raise TooMany

    def _waiting(self, database: Any, code: str, now: datetime) -> tuple[str, str] | None:
        row: tuple[str, str] | None = database.execute(
            "SELECT address, asked_at FROM pairings WHERE code = ? AND asked_at > ?",
            (self._mark(code), render_instant(now - VALID_FOR)),
        ).fetchone()
        return row

    def _mark(self, code: str) -> str:
        return opaque_id("pair", self._region_secret, normalise(code))


def make_code() -> str:
    """A new code as a terminal shows it: `KTRM-4F7Q`."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return f"{letters[:4]}-{letters[4:]}"


def normalise(typed: str) -> str:
    """A code as it was typed, without what people add or leave out: case, blanks, hyphens."""
    return "".join(one for one in typed[:40].upper() if one in ALPHABET)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
