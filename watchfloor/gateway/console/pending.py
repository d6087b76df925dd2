"""Sign-ins under way: what a browser must bring back from the provider, good for one return within ten minutes.

The browser holds a random cookie, the address that it is sent to a random `state`; only a return that has both, from
the same sign-in, is taken. The file holds hashes of both.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from watchfloor.identity.sign_in_file import SignInFile
from watchfloor.signing import parse_instant, render_instant

VALID_FOR = timedelta(minutes=10)
MOST = 5000
"""Sign-ins under way at once; beyond that the oldest are forgotten."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What goes out: the cookie to the browser, the rest to the provider."""

    cookie: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Pending:
    """What is known of a sign-in when the browser comes back."""

    nonce: str
    verifier: str
    back: str
    anew: bool
    begun_at: datetime


class PendingSignIns:
    """The sign-ins under way at one region's console."""

    def __init__(self, file: SignInFile) -> None:
        self._file = file

    def begin(self, back: str, *, anew: bool = False, now: datetime | None = None) -> Begun:
        """Remember a sign-in that leads back to a page.

        Args:
            anew: the person must prove anew who they are.

        Raises:
            SignInUnavailable: none was begun.
        """
        now = now or datetime.now(UTC)
        cookie, state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(4))
        begun = Begun(cookie, state, nonce, verifier)
        with self._file.transaction() as database:
            database.execute("DELETE FROM pending WHERE made_at < ?", (render_instant(now - VALID_FOR),))
            database.execute(
                "DELETE FROM pending WHERE hash IN (SELECT hash FROM pending ORDER BY made_at DESC LIMIT -1 OFFSET ?)",
                (MOST - 1,),
            )
            database.execute(
                "INSERT INTO pending VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    _hash(begun.cookie),
                    _hash(begun.state),
                    begun.nonce,
                    begun.verifier,
                    back,
                    int(anew),
                    render_instant(now),
                ),
            )
        return begun

    def take(self, cookie: str, state: str, *, now: datetime | None = None) -> Pending | None:
        """The sign-in of a browser that comes back; never twice, whatever is wrong with the rest of it.

        Raises:
            SignInUnavailable: nobody knows.
        """
        now = now or datetime.now(UTC)
        with self._file.transaction() as database:
            row = database.execute(
                "DELETE FROM pending WHERE hash = ? RETURNING state, nonce, verifier, back, anew, made_at",
                (_hash(cookie),),
            ).fetchone()
        if row is None or not hmac.compare_digest(row[0], _hash(state)):
            return None
        _, nonce, verifier, back, anew, made = row
        made_at = parse_instant(made)
        if now - made_at >= VALID_FOR:
            return None
        return Pending(nonce, verifier, back, bool(anew), made_at)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
