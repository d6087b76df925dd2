"""Keys of machines: what another system shows to trigger incidents, send facts and read.

A key is `wf_<id>_<secret>`, shown once when it is made. The store keeps SHA-256 of the secret (256 random bits, so no
slow hash is needed), what the key may do, until when, and when it was last used. Machines start, report and read; they
never decide.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from watchfloor.signing import parse_instant, render_instant
from watchfloor.storage import SqliteFile

SCOPES = ("incidents:start", "facts:send", "incidents:read", "runbooks:read", "ledger:export")
"""Everything a machine's key may be allowed to do."""
LONGEST = timedelta(days=400)
"""How long a key may be valid at most; a new one is made before then."""
USED_EVERY = timedelta(minutes=1)
"""How exactly the last use is written down."""
BUSY_SECONDS = 5.0

_TOKEN = re.compile(r"wf_([a-z2-7]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_TABLE = """
CREATE TABLE IF NOT EXISTS machines (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  hash BLOB NOT NULL,
  scopes TEXT NOT NULL,
  clearances TEXT NOT NULL,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  revoked_at TEXT,
  used_at TEXT
) STRICT
"""
_VERSION = 1
_COLUMNS = "id, name, scopes, clearances, created_at, expires_at, revoked_at, used_at"


class MachinesUnavailable(Exception):
    """The store of machine keys cannot be read or written; nobody is let in meanwhile."""


class MachineRefused(ValueError):
    """A key cannot be made as it was asked for."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One key, without its secret. `name` is the source that facts and orders of it have."""

    id: str
    name: str
    scopes: tuple[str, ...]
    clearances: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None

    def state(self, now: datetime) -> str:
        """`valid`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "valid" if now < self.expires_at else "expired"


class Machines:
    """The keys of one region, in one SQLite file that its owner alone may read."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, (_TABLE,), _VERSION, _unavailable, busy_seconds=BUSY_SECONDS)

    def make(
        self,
        name: str,
        scopes: Sequence[str],
        *,
        valid_for: timedelta,
        clearances: Sequence[str] = (),
        now: datetime | None = None,
    ) -> tuple[Machine, str]:
        """A new key, and the text that is shown once and never again.

        Raises:
            MachineRefused: a scope is unknown, the name is no word, or it would be valid for too long.
            MachinesUnavailable: nothing was made.
        """
        now = now or datetime.now(UTC)
        if not _NAME.fullmatch(name):
            raise MachineRefused(f"`{name[:60]}` is no name of a source; expected lower-case letters, digits and `_`")
        unknown = [scope for scope in scopes if scope not in SCOPES]
        if unknown or not scopes:
            found = f"unknown scope `{unknown[0][:60]}`" if unknown else "no scope"
            raise MachineRefused(f"{found}; expected some of {', '.join(SCOPES)}")
        if not timedelta(0) < valid_for <= LONGEST:
            raise MachineRefused(f"a key is valid for at least a day and at most {LONGEST.days} days")
        id_ = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(12))
        secret = secrets.token_urlsafe(32)
        ordered = tuple(scope for scope in SCOPES if scope in scopes)
        machine = Machine(id_, name, ordered, tuple(sorted(set(clearances))), now, now + valid_for, None, None)
        with self._file.transaction() as database:
            database.execute(
                f"INSERT INTO machines ({_COLUMNS}, hash) VALUES (?, ?, ?, ?, ?, ?, NULL, NULL, ?)",  # noqa: S608
                (
                    id_,
                    name,
                    " ".join(ordered),
                    " ".join(machine.clearances),
                    render_instant(now),
                    render_instant(machine.expires_at),
                    _hash(secret),
                ),
            )
        return machine, f"wf_{id_}_{secret}"

    def find(self, token: str, *, now: datetime | None = None) -> Machine | None:
        """Whose key this is, None when it is nobody's, has expired or was revoked. Notes the use.

        Raises:
            MachinesUnavailable: nobody knows.
        """
        now = now or datetime.now(UTC)
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            return None
        # hundreds may come at once
        with self._file.reading() as database:
            row = database.execute(
                f"SELECT {_COLUMNS}, hash FROM machines WHERE id = ?",  # noqa: S608
                (parts[1],),
            ).fetchone()
            # compared even when there is none: the time it takes tells nobody which ids exist
            known = hmac.compare_digest(_hash(parts[2]), row[-1] if row else b"\0" * 32)
            if row is None or not known:
                return None
            machine = _machine(row[:-1])
            if machine.state(now) != "valid":
                return None
        if machine.used_at is None or now - machine.used_at >= USED_EVERY:
            with self._file.transaction() as database:
                database.execute("UPDATE machines SET used_at = ? WHERE id = ?", (render_instant(now), machine.id))
        return machine

    def list(self) -> list[Machine]:
        """Every key that was ever made, the newest first."""
        with self._file.reading() as database:
            rows = database.execute(f"SELECT {_COLUMNS} FROM machines ORDER BY created_at DESC, id").fetchall()  # noqa: S608
        return [_machine(row) for row in rows]

    def revoke(self, id_: str, *, now: datetime | None = None) -> bool:
        """Let a key open nothing any more; False when there is none of this id, or it was revoked before."""
        with self._file.transaction() as database:
            done = database.execute(
                "UPDATE machines SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
                (render_instant(now or datetime.now(UTC)), id_),
            )
            return done.rowcount == 1


def _unavailable(what: str) -> MachinesUnavailable:
    return MachinesUnavailable(f"the machine keys {what}")


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _machine(row: Sequence[str | None]) -> Machine:
    id_, name, scopes, clearances, created_at, expires_at, revoked_at, used_at = row
    return Machine(
        str(id_),
        str(name),
        tuple(str(scopes).split()),
        tuple(str(clearances).split()),
        parse_instant(str(created_at)),
        parse_instant(str(expires_at)),
        parse_instant(revoked_at) if revoked_at else None,
        parse_instant(used_at) if used_at else None,
    )
