"""What a face refused, or a run refused to a face: one `decision.refused` entry in the run's ledger.

A refused update leaves no history, so the face that was told no writes it down: who, what they wanted, which refusal.
Names that the runbook or the directory does not know are left out, for they may be anything. A run that the ledger does
not know gets no entry, and a ledger that does not answer keeps nobody from being told why they were refused.
"""

import asyncio
import functools
import re
import secrets
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

import structlog

from schemas.json_value import Json
from schemas.ledger import ENTRY_VERSION, Entry, EntryKind
from watchfloor.client.errors import Refused
from watchfloor.client.face import Face
from watchfloor.ledger import LedgerError, SqliteLedger
from watchfloor.signing import render_instant

P = ParamSpec("P")
T = TypeVar("T")
Kind = Literal["decision", "motion", "fact", "control"]

_NAME = re.compile(r"[a-z][a-z0-9_.\[\]/!-]{0,127}", re.ASCII)

log = structlog.get_logger(__name__)


def leaves_refusal(
    kind: Kind,
) -> Callable[
    [Callable[Concatenate[Face, str, str, P], Coroutine[Any, Any, T]]],
    Callable[Concatenate[Face, str, str, P], Coroutine[Any, Any, T]],
]:
    """Have a sender of statements leave an entry when it is refused.

    The sender takes face, run and what is spoken of (step, fact or verb); an option or verb may follow; `person` and
    `role` are given by name.
    """

    def around(
        send: Callable[Concatenate[Face, str, str, P], Coroutine[Any, Any, T]],
    ) -> Callable[Concatenate[Face, str, str, P], Coroutine[Any, Any, T]]:
        @functools.wraps(send)
        async def sending(face: Face, run: str, what: str, /, *more: P.args, **named: P.kwargs) -> T:
            try:
                return await send(face, run, what, *more, **named)
            except Refused as refused:
                option = str(more[0]) if more and kind in {"decision", "motion"} else what
                option = "" if refused.hides_option else option
                person, role = str(named.get("person", "")), str(named.get("role") or "")
                await asyncio.to_thread(_note, face, run, kind, what, option, person, role, refused.type)
                raise

        return sending

    return around


@contextmanager
def hiding_option(hides: bool) -> Iterator[None]:
    """Keep the option that somebody wanted out of what is written about a refusal inside: the ask is blind."""
    try:
        yield
    except Refused as refused:
        refused.hides_option = hides
        raise


def _note(face: Face, run: str, kind: Kind, what: str, option: str, person: str, role: str, why: str) -> None:
    if face.ledger_path is None or not face.ledger_path.exists():
        return
    known = face.people.find(person) is not None
    data: dict[str, Json] = {
        "why": why,
        "person": person if known else "",
        "role": _named(role),
        "option": _named(option),
        "said": kind,
    }
    entry: Entry = {
        "v": ENTRY_VERSION,
        "id": f"{run}:refused:{secrets.token_hex(8)}",
        "chain": run,
        "kind": EntryKind.REFUSED,
        "at": render_instant(datetime.now(UTC)),
        "actor": person if known else "unknown",
        "step": _named(what),
        "path": "",
        "data": data,
    }
    try:
        with SqliteLedger(face.ledger_path) as ledger:
            if ledger.head(run) is not None:
                ledger.append([entry])
    except LedgerError as error:
        log.warning("refusal not written down", run=run, why=why, error=type(error).__name__)


def _named(text: str) -> str:
    return text if _NAME.fullmatch(text) else ""
