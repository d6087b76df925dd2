"""Whose security keys there are, and the challenges that wait for one: the store alone, no ceremony.

Of a key it holds its public half, its counter and the name that its owner gave it. A challenge is good for one answer,
by the person and in the session that it was made for, within two minutes; then it is gone, whatever that was worth.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from watchfloor.identity.sign_in_file import SignInFile, note_in
from watchfloor.signing import parse_instant, render_instant

VALID_FOR = timedelta(minutes=2)
MOST_KEYS = 10
"""Of one person."""
MOST_CHALLENGES = 5000
MAX_NAME = 40

Purpose = Literal["register", "decide"]


class KeyRefused(Exception):
    """A key is not taken, or what it answered does not count. `why` is a stable word for logs and tests."""

    def __init__(self, why: str, message: str) -> None:
        super().__init__(message)
        self.why = why


@dataclass(frozen=True, slots=True)
class SecurityKey:
    """One key of a person. `id` is the digest of the credential's id, short enough to be read aloud in part."""

    id: str
    credential: bytes
    public: bytes
    count: int
    name: str
    added_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a key is asked to sign: made of a nonce of ours and what it is for, so that an answer fits nothing else."""

    value: bytes
    nonce: bytes
    over: str


def challenge_value(nonce: bytes, over: str) -> bytes:
    """The bytes that a key signs for this nonce and this thing; whoever keeps both can work them out again."""
    return hashlib.sha256(b"watchfloor.challenge.v1\0" + nonce + over.encode()).digest()


def credential_digest(credential: bytes) -> str:
    return "sha256:" + hashlib.sha256(credential).hexdigest()


class SecurityKeys:
    """The security keys of the people of one region."""

    def __init__(self, file: SignInFile) -> None:
        self._file = file

    def list(self, person: str) -> list[SecurityKey]:
        """A person's keys, in the order in which they were added."""
        with self._file.reading() as database:
            rows = database.execute(
                "SELECT credential, public, count, name, added_at, used_at FROM keys "
                "WHERE person = ? ORDER BY added_at",
                (person,),
            ).fetchall()
        return [_key(*row) for row in rows]

    def challenge(
        self, person: str, session: str, purpose: Purpose, over: str, *, now: datetime | None = None
    ) -> Challenge:
        """A challenge for one answer.

        Raises:
            SignInUnavailable: none was made.
        """
        now = now or datetime.now(UTC)
        nonce = secrets.token_bytes(32)
        made = Challenge(challenge_value(nonce, over), nonce, over)
        with self._file.transaction() as database:
            database.execute("DELETE FROM challenges WHERE made_at < ?", (render_instant(now - VALID_FOR),))
            database.execute(
                "DELETE FROM challenges WHERE hash IN "
                "(SELECT hash FROM challenges ORDER BY made_at DESC LIMIT -1 OFFSET ?)",
                (MOST_CHALLENGES - 1,),
            )
            database.execute(
                "INSERT INTO challenges VALUES (?, ?, ?, ?, ?, ?, ?)",
                (_hash(made.value), nonce, person, _hash(session.encode()), purpose, over, render_instant(now)),
            )
        return made

    def take(
        self, value: bytes, person: str, session: str, purpose: Purpose, over: str, *, now: datetime | None = None
    ) -> Challenge:
        """The challenge that an answer answers; it is gone then.

        Raises:
            KeyRefused: `challenge`: there is none, it is too old, or it was made for somebody or something else.
            SignInUnavailable: nobody knows.
        """
        now = now or datetime.now(UTC)
        with self._file.transaction() as database:
            row = database.execute(
                "DELETE FROM challenges WHERE hash = ? RETURNING nonce, person, session, purpose, over, made_at",
                (_hash(value),),
            ).fetchone()
        if row is None or now - parse_instant(row[5]) >= VALID_FOR:
            raise KeyRefused("challenge", "your key answered a question that is not open any more; touch it again")
        if row[1:5] != (person, _hash(session.encode()), purpose, over):
            raise KeyRefused("challenge", "your key was touched for something else; look again and touch it for this")
        return Challenge(value, row[0], over)

    def add(
        self, person: str, credential: bytes, public: bytes, count: int, name: str, *, now: datetime | None = None
    ) -> None:
        """Take a key.

        Raises:
            KeyRefused: `name`, `too_many` or `known`.
            SignInUnavailable: it was not taken.
        """
        now = now or datetime.now(UTC)
        name = name.strip()
        if not 0 < len(name) <= MAX_NAME or not name.isprintable():
            raise KeyRefused("name", f"give the key a name of at most {MAX_NAME} characters, such as `blue, key ring`")
        with self._file.transaction() as database:
            (many,) = database.execute("SELECT count(*) FROM keys WHERE person = ?", (person,)).fetchone()
            if many >= MOST_KEYS:
                raise KeyRefused("too_many", f"you have {many} keys; remove one that you no longer use")
            if database.execute("SELECT 1 FROM keys WHERE credential = ?", (credential,)).fetchone():
                raise KeyRefused("known", "this key is registered already")
            database.execute(
                "INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, NULL)",
                (credential, person, public, count, name, render_instant(now)),
            )
            note_in(database, "key added", person, credential_digest(credential), now=now)

    def used(self, person: str, key: SecurityKey, count: int, over: str, *, now: datetime | None = None) -> None:
        """Note that a key answered, and where its counter stands.

        Raises:
            KeyRefused: `counter`: it answered elsewhere meanwhile, or is gone.
            SignInUnavailable: it was not noted.
        """
        now = now or datetime.now(UTC)
        with self._file.transaction() as database:
            done = database.execute(
                "UPDATE keys SET count = ?, used_at = ? WHERE credential = ? AND person = ? AND count = ?",
                (count, render_instant(now), key.credential, person, key.count),
            ).rowcount
            if done:
                note_in(database, "key used", person, f"{key.id[:19]} for {over}", now=now)
        if not done:
            raise KeyRefused("counter", "your key answered twice at once; touch it again")

    def remove(self, person: str, id_: str, *, by: str, now: datetime | None = None) -> bool:
        """Let a key answer for its owner no more; False when they have none of this id.

        Raises:
            SignInUnavailable: nothing was removed.
        """
        with self._file.transaction() as database:
            for (credential,) in database.execute("SELECT credential FROM keys WHERE person = ?", (person,)).fetchall():
                if credential_digest(credential) == id_:
                    database.execute("DELETE FROM keys WHERE credential = ?", (credential,))
                    note_in(database, "key removed", person, f"{id_} by {by}", now=now or datetime.now(UTC))
                    return True
        return False

    def note_refused(self, person: str, why: str, *, now: datetime | None = None) -> None:
        """Write down that what a key answered did not count."""
        self._file.note("key refused", person, why, now=now or datetime.now(UTC))


def _key(credential: bytes, public: bytes, count: int, name: str, added_at: str, used_at: str | None) -> SecurityKey:
    return SecurityKey(
        credential_digest(credential),
        credential,
        public,
        count,
        name,
        parse_instant(added_at),
        parse_instant(used_at) if used_at else None,
    )


def _hash(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()
