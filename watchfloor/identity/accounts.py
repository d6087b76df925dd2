"""Whose account at the provider is whose.

Only issuer and `sub` are stable (OpenID Connect Core 1.0, section 5.7); a user name or an address may pass to somebody
else. So the first account that signs in as a person is bound to them, and no other account becomes them, nor does that
account become another person, until an operator lets go of the old one (`watchfloor sign-in unbind`).
"""

from datetime import UTC, datetime

from watchfloor.identity.sign_in_file import SignInFile, note_in
from watchfloor.signing import render_instant


class AccountTaken(Exception):
    """Another account was this person before, or this account was another person."""

    def __init__(self, person: str, other: str) -> None:
        if other == person:
            found = f"another account at the provider signed in as `{person}` before"
        else:
            found = f"this account signed in as `{other}` before, and now says that it is `{person}`"
        super().__init__(
            f"{found}; if that is right, an operator lets go of it with `watchfloor sign-in unbind {other}`, and you "
            "sign in again"
        )


class Accounts:
    """Which account is which person, of one region."""

    def __init__(self, file: SignInFile) -> None:
        self._file = file

    def bind(self, issuer: str, subject: str, person: str, *, now: datetime | None = None) -> None:
        """Make sure that this account is this person; the first time it becomes so.

        Raises:
            AccountTaken: it is not.
            SignInUnavailable: nobody knows.
        """
        now = now or datetime.now(UTC)
        with self._file.transaction() as database:
            rows = database.execute(
                "SELECT subject, person FROM accounts WHERE issuer = ? AND (subject = ? OR person = ?)",
                (issuer, subject, person),
            ).fetchall()
            if rows == [(subject, person)]:
                return
            taken = str(rows[0][1]) if rows else ""
            note_in(database, "refused" if taken else "bound", person, "account" if taken else "", now=now)
            if not taken:
                database.execute(
                    "INSERT INTO accounts VALUES (?, ?, ?, ?)", (issuer, subject, person, render_instant(now))
                )
        # raised here, so that what was noted is kept
        if taken:
            raise AccountTaken(person, taken)

    def unbind(self, person: str, *, by: str = "operator", now: datetime | None = None) -> bool:
        """Let go of a person's account, so that the next one that signs in as them is bound; False when there is none.

        Raises:
            SignInUnavailable: nothing was changed.
        """
        with self._file.transaction() as database:
            done = database.execute("DELETE FROM accounts WHERE person = ?", (person,)).rowcount > 0
            if done:
                note_in(database, "unbound", person, f"by {by}", now=now or datetime.now(UTC))
            return done
