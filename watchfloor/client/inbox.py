"""The inbox of a region's faces: signed statements that no worker has taken yet, kept until the ledger shows them.

A person is told "kept" only after the statement is on the disk (SQLite, write-ahead log, `synchronous=FULL`). A
deliverer sends each again, by signal, until the run's ledger chain has `decision.recorded` or `decision.refused` with
the statement's digest; a second delivery counts for nothing, because the run knows digest and nonce. Safe with several
processes at once, and with one that is killed at any point: what was sent twice counts once, what was not sent is sent.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from temporalio.service import RPCError, RPCStatusCode

from schemas.decision import Envelope, RefusalType
from schemas.ledger import EntryKind, StoredEntry
from watchfloor.ledger.port import LedgerError
from watchfloor.signing import envelope_digest, parse_instant, render_instant
from watchfloor.storage import SqliteFile

if TYPE_CHECKING:
    from watchfloor.client.face import Face

SENT_AGAIN_AFTER = timedelta(seconds=20)
"""How long the ledger may take to show a statement before it is sent again; doubles with each sending."""
LONGEST_PAUSE = timedelta(minutes=10)
MAX_PENDING = 10_000

_VERSION = 1
_TABLE = """
CREATE TABLE IF NOT EXISTS kept (
  digest TEXT PRIMARY KEY,
  first TEXT NOT NULL,
  workflow TEXT NOT NULL,
  signal TEXT NOT NULL,
  path TEXT NOT NULL,
  person TEXT NOT NULL,
  envelope TEXT NOT NULL,
  kept_at TEXT NOT NULL,
  state TEXT NOT NULL,
  why TEXT NOT NULL DEFAULT '',
  tries INTEGER NOT NULL DEFAULT 0,
  next_at TEXT NOT NULL
) STRICT
"""

_SHOWN = "CREATE TABLE IF NOT EXISTS shown (run TEXT PRIMARY KEY, asks TEXT NOT NULL) STRICT"
MAX_SHOWN = 512 * 1024

State = Literal["kept", "recorded", "refused"]


class InboxUnavailable(Exception):
    """Nothing was kept: the disk is full, the file is locked, damaged or the inbox holds too many."""


class Chain(Protocol):
    """What the deliverer needs of a ledger."""

    def read(self, chain: str) -> Iterator[StoredEntry]: ...


@dataclass(frozen=True, slots=True)
class Kept:
    """One statement and what became of it. `why` is the run's `RefusalType` when it was refused."""

    digest: str
    workflow: str
    path: str
    person: str
    kept_at: str
    state: State
    why: str
    tries: int

    @property
    def in_words(self) -> str:
        if self.state == "kept":
            sent = f"sent {self.tries} times" if self.tries else "not sent yet"
            return f"kept, not yet with the run ({sent})"
        if self.state == "recorded":
            return "recorded"
        said = {
            RefusalType.LATE: "it reached the run after its time; what silence does was done",
            RefusalType.CLOSED: "the run had ended",
            RefusalType.CHANGED: "what is asked had changed; look again and decide",
            RefusalType.NOT_WAITING: "it was decided already",
        }
        return f"refused ({self.why}): {said.get(self.why, 'see `watchfloor show` for what waits now')}"


class StatementInbox:
    """The file of one region."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, (_TABLE, _SHOWN), _VERSION, _unavailable)

    def keep(self, envelope: Envelope, *, workflow: str, path: str, signal: str, first: str = "") -> str:
        """Keep a statement; it is on the disk when this returns. The same one again changes nothing.

        Args:
            first: digest of the same statement as it was tried before, under the same nonce.

        Raises:
            InboxUnavailable: it is not kept.
        """
        mark, now = envelope_digest(envelope), render_instant(datetime.now(UTC))
        with self._file.transaction() as database:
            (pending,) = database.execute("SELECT count(*) FROM kept WHERE state = 'kept'").fetchone()
            if pending >= MAX_PENDING:
                raise InboxUnavailable(f"{MAX_PENDING} statements wait already; see why no worker takes them")
            database.execute(
                "INSERT OR IGNORE INTO kept (digest, first, workflow, signal, path, person, envelope, kept_at, state,"
                " next_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'kept', ?)",
                (
                    mark,
                    first or mark,
                    workflow,
                    signal,
                    path,
                    str(envelope["body"]["person"]),
                    json.dumps(envelope),
                    now,
                    now,
                ),
            )
        return mark

    def statements(self, *, pending: bool = False) -> list[Kept]:
        """Every statement that was kept, oldest first.

        Raises:
            InboxUnavailable: the file cannot be read.
        """
        with self._file.reading() as database:
            rows = database.execute(
                "SELECT digest, workflow, path, person, kept_at, state, why, tries FROM kept"
                " WHERE state = 'kept' OR NOT ? ORDER BY kept_at, digest",
                (pending,),
            ).fetchall()
        return [Kept(*row) for row in rows]

    def due(self, now: datetime) -> list[tuple[Kept, str, Envelope, tuple[str, str]]]:
        """Statements that wait: each with its signal, itself, and the two digests it may be known by."""
        with self._file.reading() as database:
            rows = database.execute(
                "SELECT digest, workflow, path, person, kept_at, state, why, tries, signal, envelope, first, next_at"
                " FROM kept WHERE state = 'kept' ORDER BY kept_at, digest"
            ).fetchall()
        return [
            (Kept(*row[:8]), row[8] if parse_instant(row[11]) <= now else "", json.loads(row[9]), (row[0], row[10]))
            for row in rows
        ]

    def note_sending(self, digest: str, next_at: datetime) -> None:
        """Write down that it is about to be sent; before the sending, so that nobody sends without a pause."""
        with self._file.transaction() as database:
            database.execute(
                "UPDATE kept SET tries = tries + 1, next_at = ? WHERE digest = ?", (render_instant(next_at), digest)
            )

    def settle(self, digest: str, state: State, why: str) -> None:
        """Write down what became of a statement; its text is forgotten, the ledger has what counts."""
        with self._file.transaction() as database:
            database.execute(
                "UPDATE kept SET state = ?, why = ?, envelope = '{}' WHERE digest = ? AND state = 'kept'",
                (state, why, digest),
            )

    def remember(self, run: str, asks: Sequence[Mapping[str, Any]]) -> None:
        """Remember what somebody here was shown of a run, so that they can answer it while no worker is there. What is
        too large is not remembered."""
        text = json.dumps(asks)
        if len(text) <= MAX_SHOWN:
            with self._file.transaction() as database:
                database.execute("INSERT OR REPLACE INTO shown (run, asks) VALUES (?, ?)", (run, text))

    def recall(self, run: str) -> list[dict[str, Any]]:
        """What was last shown of a run; nothing of one that was never shown here."""
        with self._file.reading() as database:
            row = database.execute("SELECT asks FROM shown WHERE run = ?", (run,)).fetchone()
        return list(json.loads(row[0])) if row else []


def _unavailable(what: str) -> InboxUnavailable:
    return InboxUnavailable(f"the inbox {what}; nothing was kept")


async def deliver(face: "Face", inbox: StatementInbox, ledger: Chain, *, now: datetime | None = None) -> list[Kept]:
    """Look in the ledger for each statement that waits, and send those that are due; gives what was settled.

    Raises:
        InboxUnavailable: the inbox cannot be used; a ledger or engine that does not answer is only waited for.
    """
    now = now or datetime.now(UTC)
    settled: list[str] = []
    for kept, signal, envelope, marks in inbox.due(now):
        try:
            found = _find(ledger.read(kept.workflow), marks)
        except LedgerError:
            continue
        if found is None and signal:
            pause = min(SENT_AGAIN_AFTER * 2 ** min(kept.tries, 10), LONGEST_PAUSE)
            inbox.note_sending(kept.digest, now + pause)
            found = await _send(face, kept.workflow, signal, envelope)
        if found is not None:
            inbox.settle(kept.digest, *found)
            settled.append(kept.digest)
    return [kept for kept in inbox.statements() if kept.digest in settled]


async def _send(face: "Face", workflow: str, signal: str, envelope: Envelope) -> tuple[State, str] | None:
    try:
        await face.client.get_workflow_handle(workflow).signal(signal, envelope, rpc_timeout=face.answer_within)
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return "refused", RefusalType.CLOSED
    return None


def _find(entries: Iterable[StoredEntry], marks: tuple[str, str]) -> tuple[State, str] | None:
    """What the ledger says about a statement; once recorded, a repetition that was refused means nothing."""
    refused = ""
    for entry in entries:
        if entry["data"].get("statement") not in marks:
            continue
        if entry["kind"] != EntryKind.REFUSED:
            return "recorded", ""
        refused = refused or str(entry["data"].get("why", ""))
    return ("refused", refused) if refused else None
